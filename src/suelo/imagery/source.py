"""Where an image comes from: a local path, an address or bytes, as a path that GDAL opens."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import quote, unquote, urlsplit

from rasterio.io import MemoryFile

from suelo.errors import ImageError

NEEDED = "Suelo needs the 8 multispectral bands of WorldView-2 or -3 in one TIFF"

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a WebP image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF document"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"NITF", "a NITF image"),
    (b"NSIF", "a NITF image"),
    (b"\x89HDF", "an HDF5 file"),
    (b"CDF", "a netCDF file"),
    (b"SQLite format 3", "an SQLite database or GeoPackage"),
    (b"BM", "a bitmap image"),
)


@dataclass(frozen=True)
class Source:
    """An image that can be opened, before anything is known of what is in it.

    Attributes:
        gdal_path: Path for GDAL: a file, `/vsis3/…`, `/vsicurl/…` or `/vsimem/…`.
        label: What to call the image in a record: the path or address without query, or its name.
        name: Stem of the file name.
        size: Bytes, or None where only a download would tell.
        data: The bytes themselves where the image is in memory.
        holder: What keeps `gdal_path` alive: a `/vsimem/` file or a temporary folder.
    """

    gdal_path: str
    label: str
    name: str
    size: int | None
    data: bytes | None = None
    holder: MemoryFile | tempfile.TemporaryDirectory[str] | None = None

    @property
    def remote(self) -> bool:
        """True if reading goes over the network."""
        return self.size is None

    def open(self) -> BinaryIO:
        """Open an image that is not remote as a stream of bytes."""
        return Path(self.gdal_path).open("rb") if self.data is None else BytesIO(self.data)

    def close(self) -> None:
        """Give memory or temporary files back."""
        if isinstance(self.holder, MemoryFile):
            self.holder.close()
        elif self.holder is not None:
            self.holder.cleanup()


def locate(source: str | os.PathLike[str] | bytes, name: str | None = None) -> Source:
    """Find an image and make sure that it is a TIFF, without opening it.

    Args:
        source: Local path, `file://`, `s3://`, `http://` or `https://` address, or the bytes of a TIFF.
        name: Name to use instead of the stem of the file name.

    Raises:
        ImageError: There is no such file, it cannot be read, or it is not a TIFF.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        _require_tiff(data[:512], len(data))
        memory = MemoryFile(data, ext=".tif")
        return Source(memory.name, name or "image", name or "image", len(data), data, memory)
    text = os.fspath(source)
    parts = urlsplit(text)
    if len(parts.scheme) > 1 and "://" in text:
        if parts.scheme == "file":
            return _local(Path(unquote(parts.path)), name)
        return _remote(text, name)
    return _local(Path(text), name)


def _local(path: Path, name: str | None) -> Source:
    try:
        if path.is_dir():
            raise ImageError(f"The path {path.name or path} is a folder; {NEEDED}.")
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise ImageError(f"There is no file {path.name}; {NEEDED}.") from None
    except PermissionError:
        raise ImageError(
            f"The file {path.name} may not be read by this user; Suelo needs permission to read it."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the name is not a file name"
        raise ImageError(f"The file {path.name[:80]!r} cannot be read ({reason}); {NEEDED}.") from None
    _require_tiff(head, size)
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        raise ImageError(
            f"The path {os.fsencode(path).decode(errors='backslashreplace')} is not in UTF-8; Suelo needs a file and "
            "folders with names that are."
        ) from None
    return Source(str(path.absolute()), str(path), name or path.stem, size)


def _remote(address: str, name: str | None) -> Source:
    parts = urlsplit(address)
    if parts.scheme == "s3":
        # A key may have any sign in it, #, ? and % too, and stands for itself.
        bucket, _, key = address.partition("://")[2].partition("/")
        key = key.lstrip("/")
        return Source(f"/vsis3/{bucket}/{key}", address, name or PurePosixPath(key).stem or "image", None)
    stem = name or PurePosixPath(unquote(parts.path)).stem or "image"
    if parts.scheme in {"http", "https"}:
        label = parts._replace(query="", fragment="", netloc=parts.netloc.rpartition("@")[2]).geturl()
        return Source(f"/vsicurl/{quote(address, safe=_URL_SAFE)}", label, stem, None)
    raise ImageError(
        f"Suelo does not read {parts.scheme}:// addresses; it needs a local path, or an s3:// or https:// address."
    )


_URL_SAFE = ":/?#[]@!$&'()*+,;=%~"


def is_tiff(head: bytes) -> bool:
    """True if a file that starts with these bytes claims to be a TIFF or BigTIFF."""
    return head[:4] in _TIFF


def _require_tiff(head: bytes, size: int) -> None:
    if size == 0:
        raise ImageError(f"The file is empty; {NEEDED}.")
    if is_tiff(head):
        return
    kind = next((kind for magic, kind in _KINDS if head.startswith(magic)), None)
    if kind is None:
        kind = "a text file" if _is_text(head) else "not a TIFF"
    raise ImageError(f"The file is {kind}; {NEEDED}.")


def _is_text(head: bytes) -> bool:
    return all(byte >= 32 or byte in b"\t\n\r\f\b\x1b" for byte in head)
