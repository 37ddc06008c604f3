"""`suelo.Client`: images to a server, land cover back."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self
from urllib.parse import urlsplit

from suelo.client.connection import Connection
from suelo.client.job import RemoteJob
from suelo.errors import ImageError
from suelo.progress import Report, progress_bar

_PIECE = 1 << 20


class Client:
    """A server of Suelo, as a Python program uses it.

        client = suelo.Client("https://suelo.example", token="…")
        job = client.segment("scene.tif")
        job.dataframe()
        job.polygons(classes=["buildings"], threshold=0.4).to_file("buildings.gpkg")

    Where the server asks for no token, jobs belong to the client that submitted them, for as long as it lives. Errors
    are those of `suelo.errors`. Every request is tried again for `patience_s` seconds while the server cannot be
    reached. A client is for one thread.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8050",
        token: str | None = None,
        *,
        timeout_s: float = 120.0,
        patience_s: float = 60.0,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: Address of the server.
            token: From `suelo user add`, where the server asks for one.
            timeout_s: How long the server may be silent.
            patience_s: How long to go on trying, from the first failure on, while the server cannot be reached or
                works on a try whose answer got lost; 0 for a single try.

        Raises:
            InputError: The address is not one of HTTP.
        """
        self._connection = Connection(url, token, timeout_s, patience_s)

    def segment(
        self,
        image: str | os.PathLike[str] | bytes,
        *,
        name: str | None = None,
        gsd_m: float | None = None,
        statistics: Mapping[str, Any] | None = None,
        progress: bool = True,
    ) -> RemoteJob:
        """Send an image and wait for its land cover.

        Args:
            image: Path of an 8-band TIFF, or its bytes.
            name: File name to give it; that of the path by default.
            gsd_m: Ground sampling distance in metres, for an image without a CRS.
            statistics: Band statistics to normalise it with: those of a neighbouring scene.
            progress: Show progress bars where somebody watches.

        Raises:
            ImageError: The image cannot be segmented.
            SueloError: The work failed; the message says why.
        """
        job = self.submit(image, name=name, gsd_m=gsd_m, statistics=statistics, progress=progress)
        return job.wait(progress=progress)

    def submit(
        self,
        image: str | os.PathLike[str] | bytes,
        *,
        name: str | None = None,
        gsd_m: float | None = None,
        statistics: Mapping[str, Any] | None = None,
        progress: bool = True,
    ) -> RemoteJob:
        """Send an image; arguments and errors are those of `segment`.

        Returns:
            The job: done already if the image is a chip or was sent before, otherwise in the queue.
        """
        content = bytes(image) if isinstance(image, (bytes, bytearray, memoryview)) else Path(image)
        name = name or (content.name if isinstance(content, Path) else "image.tif")
        with closing(_open(content)) as file:
            digest, size = hashlib.sha256(), 0
            while piece := file.read(_PIECE):
                digest.update(piece)
                size += len(piece)
        ticket = {"name": name, "size": size, "sha256": digest.hexdigest()}
        upload = self._connection.json("POST", "/v1/uploads", ticket)
        with progress_bar(f"Sending {name}", hidden=not progress) as report:
            self._connection.send(upload["method"], _target(upload), lambda: _Counted(_open(content), size, report))
        options: dict[str, Any] = {}
        if gsd_m is not None:
            options["gsd_m"] = gsd_m
        if statistics is not None:
            options["statistics"] = dict(statistics)
        document = self._connection.json("POST", "/v1/jobs", {"upload": upload["id"], "options": options})
        return RemoteJob(self._connection, document)

    def job(self, job_id: str) -> RemoteJob:
        """A job by its id.

        Raises:
            NotFoundError: There is none.
        """
        return RemoteJob(self._connection, self._connection.json("GET", f"/v1/jobs/{job_id}"))

    def jobs(self) -> Iterator[RemoteJob]:
        """One's own jobs and the shared sample, newest first."""
        path: str | None = "/v1/jobs"
        while path is not None:
            page = self._connection.json("GET", path)
            yield from (RemoteJob(self._connection, document) for document in page["jobs"])
            path = page["next"]

    def model(self) -> dict[str, Any]:
        """The model of the server: its contract, and the ten classes with names, colours and thresholds."""
        document: dict[str, Any] = self._connection.json("GET", "/v1/model")
        return document

    def close(self) -> None:
        """Close connections that are kept open."""
        self._connection.close()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def _target(upload: Mapping[str, Any]) -> str:
    """Where to send the bytes of an upload."""
    # A server behind a proxy may be told another name than that by which it is reached.
    own, url = f"/v1/uploads/{upload['id']}", str(upload["url"])
    return own if urlsplit(url).path == own else url


class _Counted:
    """A file that reports how much of it was read; its length lets it be sent in one piece."""

    def __init__(self, file: BinaryIO, size: int, report: Report) -> None:
        self._file = file
        self._size = size
        self._report = report

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self._report("", self._file.tell(), self._size)
        return piece

    def close(self) -> None:
        self._file.close()


def _open(content: bytes | Path) -> BinaryIO:
    if isinstance(content, bytes):
        return io.BytesIO(content)
    try:
        return content.open("rb")
    except OSError as error:
        raise ImageError(f"The file {content} cannot be read: {error.strerror}.") from error
