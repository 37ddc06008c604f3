"""Images on the network: GDAL's settings for them, and one sentence for what went wrong."""

from __future__ import annotations

import os
import re
import tempfile
import urllib.request
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import rasterio
import rasterio.shutil
from rasterio.session import DummySession

from suelo.errors import ImageError
from suelo.imagery.gdal import GDAL_ERRORS
from suelo.imagery.source import NEEDED, Source, is_tiff

_SETTINGS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "60",
    "GDAL_HTTP_MAX_RETRY": "2",
    "GDAL_HTTP_RETRY_DELAY": "1",
}
_PROBE_TIMEOUT_S = 10


def environment(source: Source) -> rasterio.Env:
    """GDAL's environment for reading an image: https://gdal.org/en/stable/user/configoptions.html."""
    if not source.remote:
        # By itself rasterio would set up boto3, for a tenth of a second, wherever AWS_ACCESS_KEY_ID is set.
        return rasterio.Env(session=DummySession())
    return rasterio.Env(**_SETTINGS, **(_s3_endpoint() if source.gdal_path.startswith("/vsis3/") else {}))


def _s3_endpoint() -> dict[str, str]:
    """The S3 server of AWS_ENDPOINT_URL, which other libraries know and GDAL does not."""
    address = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if not address or "AWS_S3_ENDPOINT" in os.environ:
        return {}
    parts = urlsplit(address)
    secure = "YES" if parts.scheme == "https" else "NO"
    return {"AWS_S3_ENDPOINT": parts.netloc, "AWS_HTTPS": secure, "AWS_VIRTUAL_HOSTING": "FALSE"}


def download(source: Source) -> Source:
    """Copy an image to a temporary folder, which goes when the copy is closed.

    Raises:
        ImageError: It does not arrive whole.
    """
    folder = tempfile.TemporaryDirectory(prefix="suelo-")
    path = Path(folder.name) / "image.tif"
    try:
        with environment(source):
            rasterio.shutil.copyfiles(source.gdal_path, str(path))
        return replace(source, gdal_path=str(path), size=path.stat().st_size, holder=folder)
    except (*GDAL_ERRORS, OSError) as error:
        folder.cleanup()
        raise ImageError(
            f"The image at {source.label} did not arrive whole; Suelo needs all of it and room for a copy."
        ) from error


def reason(source: Source, said: str) -> str:
    """One sentence for an image on the network that GDAL could not open.

    Args:
        source: The image.
        said: GDAL's words.
    """
    where = f"The address {source.label}"
    if status := re.search(r"response code: (\d{3})", said):
        return f"{where} answers with HTTP status {status[1]}; {NEEDED} that this machine may read."
    if "does not exist" in said:
        return f"{where} does not exist; {NEEDED}."
    if "signature" in said or "Access Denied" in said or "InvalidCredentials" in said:
        return f"{where} refuses the credentials of this machine; Suelo needs ones that may read it."
    if "not recognized" not in said:
        return f"{where} does not answer; {NEEDED} that can be reached."
    if source.gdal_path.startswith("/vsicurl/") and _gives_whole_tiffs_only(source.gdal_path.removeprefix("/vsicurl/")):
        return f"{where} is on a server without range requests; Suelo needs one that has them, or the file itself."
    return f"{where} does not hold a TIFF; {NEEDED}."


def _gives_whole_tiffs_only(address: str) -> bool:
    request = urllib.request.Request(address, headers={"Range": "bytes=0-3"})  # noqa: S310 - http or https
    try:
        with urllib.request.urlopen(request, timeout=_PROBE_TIMEOUT_S) as answer:  # noqa: S310
            return answer.status == 200 and is_tiff(answer.read(4))
    except (OSError, ValueError):
        return False
