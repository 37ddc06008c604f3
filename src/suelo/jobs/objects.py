"""Objects of jobs in a folder or in S3: put whole or not at all, fetched as files."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlparse

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store, from_url

from suelo.errors import FullDiskError, InputError, NotFoundError, UnavailableError
from suelo.imagery.room import is_full, noticing_full_disk
from suelo.jobs.cache import FileCache
from suelo.jobs.folders import make_folder
from suelo.segmentation.atomic import write_whole

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_log = logging.getLogger(__name__)

INPUT = "input.tif"
DISPLAY = "display.tif"
PROBABILITIES = "probabilities.tif"
RESULT = "result.json"
MEDIA_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
"""Of the rasters."""

MAX_SINGLE_PUT = 5 * 10**9
"""S3 takes up to 5 GiB in one PUT; larger objects come in parts."""
ADDRESS_LIFETIME = timedelta(hours=1)
"""A transfer that has begun by then goes on after it."""
_PIECE = 16 << 20
_RETRIES: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=15)}


def key(job_id: str, name: str) -> str:
    """Where an object of a job lies in the store."""
    return f"jobs/{job_id}/{name}"


def export_key(job_id: str, name: str) -> str:
    """Where an export of a job lies that can be made again."""
    return f"exports/{job_id}/{name}"


class Objects:
    """The object store. Safe to use from several threads.

    Every method but `address_for…` raises `UnavailableError` while S3 cannot be reached. Those that write raise
    `FullDiskError` where a disk is full.
    """

    def __init__(self, url: str, cache: FileCache) -> None:
        """Open a store; a folder is made if it is not there.

        Args:
            url: `file:///folder` or `s3://bucket/prefix`; access to S3 is set by the `AWS_*` variables.
            cache: Where copies of S3 objects are kept for a while.

        Raises:
            InputError: The address is of another kind, or the folder cannot be written to.
        """
        parts = urlparse(url)
        self._folder: Path | None = None
        self._cache = cache
        self._store: ObjectStore
        if parts.scheme == "file":
            self._folder = Path(unquote(parts.path))
            make_folder(self._folder)
            self._store = LocalStore(self._folder, automatic_cleanup=True)
        elif parts.scheme == "s3" and parts.netloc:
            # The callers know better than obstore's three minutes how long it is worth waiting.
            self._store = from_url(url, retry_config=_RETRIES)
        else:
            raise InputError(f"Objects are kept at file:///folder or s3://bucket/prefix; {url!r} is neither.")

    def put(self, object_key: str, content: bytes | Iterable[bytes]) -> None:
        """Store bytes, whole or not at all: if the iterable raises, nothing is stored. S3 gets large ones in parts."""
        if self._folder is not None and isinstance(content, bytes):
            # Several times as quick as the store for a chip.
            write_whole(self._place(object_key), content)
            return
        data: Any = content if isinstance(content, bytes) else iter(content)
        with self._reaching():
            obstore.put(self._store, object_key, data)

    def put_file(self, object_key: str, path: Path, name: str | None = None, media_type: str | None = None) -> None:
        """Store a file, whole or not at all; S3 gets a large one in parts. The file may be gone afterwards.

        Args:
            object_key: Where to.
            path: The file.
            name: File name that S3 gives to who downloads the object.
            media_type: Media type that S3 tells them.
        """
        if self._folder is not None:
            try:
                path.replace(self._place(object_key))
            except OSError:  # another file system: copy
                pass
            else:
                return
        attributes: Any = {}
        if self._folder is None and name is not None:
            attributes["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
        if self._folder is None and media_type is not None:
            attributes["Content-Type"] = media_type
        with self._reaching():
            obstore.put(self._store, object_key, path, attributes=attributes or None)

    def _place(self, object_key: str) -> Path:
        assert self._folder is not None
        path = self._folder / object_key
        with noticing_full_disk(self._folder):
            path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def size(self, object_key: str) -> int | None:
        """Bytes of an object; None if there is no such object."""
        found = self._head(object_key)
        return None if found is None else found[0]

    def changed(self, object_key: str) -> datetime | None:
        """When an object was put; None if there is no such object."""
        found = self._head(object_key)
        return None if found is None else found[1]

    def _head(self, object_key: str) -> tuple[int, datetime] | None:
        try:
            with self._reaching():
                found = obstore.head(self._store, object_key)
        except FileNotFoundError:
            return None
        return found["size"], found["last_modified"]

    @property
    def remote(self) -> bool:
        """True if others can fetch objects by an address, as from S3."""
        return isinstance(self._store, S3Store)

    def address_for_upload(self, object_key: str) -> str | None:
        """Where somebody without credentials may PUT an object; None if the store is a folder."""
        return self._signed("PUT", object_key)

    def address_for_download(self, object_key: str) -> str | None:
        """Where somebody without credentials may GET an object; None if the store is a folder."""
        return self._signed("GET", object_key)

    def _signed(self, method: Any, object_key: str) -> str | None:  # noqa: ANN401  (obstore's names of methods)
        if not isinstance(self._store, S3Store):
            return None
        with self._reaching():  # the credentials themselves may have to be fetched
            return obstore.sign(self._store, method, object_key, ADDRESS_LIFETIME)

    def local(self, object_key: str) -> Path:
        """A file with the content of an object, to be read and never changed.

        A folder gives the object itself, S3 a copy that is kept for a while.

        Raises:
            NotFoundError: There is no such object.
        """
        if self._folder is not None:
            path = self._folder / object_key
            if not path.is_file():
                raise _gone(object_key)
            return path
        return self._cache.get(object_key, lambda path: self._download(object_key, path))

    def _download(self, object_key: str, path: Path) -> None:
        try:
            with self._reaching(), path.open("wb") as file:
                whole = obstore.get(self._store, object_key)
                size, tag = whole.meta["size"], whole.meta["e_tag"]
                if size <= _PIECE:
                    file.write(memoryview(whole.bytes()))
                    return
                # Pieces, since a request has to be done within obstore's time limit.
                for start in range(0, size, _PIECE):
                    piece: Any = {"range": (start, min(start + _PIECE, size)), "if_match": tag}
                    file.write(memoryview(obstore.get(self._store, object_key, options=piece).bytes()))
        except FileNotFoundError:
            raise _gone(object_key) from None

    def read(self, object_key: str) -> bytes:
        """The content of a small object.

        Raises:
            NotFoundError: There is no such object.
        """
        return self.local(object_key).read_bytes()

    def fetch(self, object_key: str) -> bytes:
        """The content of an object that is needed once, so that no copy is kept.

        Raises:
            NotFoundError: There is no such object.
        """
        if self._folder is not None:
            return self.local(object_key).read_bytes()
        try:
            with self._reaching():
                return bytes(obstore.get(self._store, object_key).bytes())
        except FileNotFoundError:
            raise _gone(object_key) from None

    def delete_job(self, job_id: str) -> None:
        """Remove all objects of a job, its exports, and copies of them."""
        for prefix in (f"jobs/{job_id}", f"exports/{job_id}"):
            self.delete_below(prefix)

    def delete(self, object_key: str) -> None:
        """Remove one object, if it is there, and the copy of it."""
        self._cache.drop(object_key)
        if self._folder is not None:
            (self._folder / object_key).unlink(missing_ok=True)
            return
        with self._reaching(), suppress(FileNotFoundError):
            obstore.delete(self._store, object_key)

    def delete_below(self, prefix: str) -> None:
        """Remove all objects in a folder of the store, and copies of them."""
        self._cache.drop(prefix)
        if self._folder is not None:
            shutil.rmtree(self._folder / prefix, ignore_errors=True)
            return
        with self._reaching():
            for batch in obstore.list(self._store, prefix):
                obstore.delete(self._store, [found["path"] for found in batch])

    def job_ids(self, older: timedelta) -> list[str]:
        """Jobs that have objects, none of which changed in the time given."""
        limit = datetime.now(UTC) - older
        newest: dict[str, datetime] = {}
        for object_key, changed in self._all("jobs"):
            job_id = object_key.split("/")[1]
            newest[job_id] = max(changed, newest.get(job_id, changed))
        return [job_id for job_id, changed in newest.items() if changed < limit]

    def sweep_exports(self, older: timedelta) -> None:
        """Remove exports that were made longer ago than the time given."""
        limit = datetime.now(UTC) - older
        old = [object_key for object_key, changed in self._all("exports") if changed < limit]
        with self._reaching():
            for start in range(0, len(old), 1000):
                obstore.delete(self._store, old[start : start + 1000])

    def sweep_unfinished(self, older: timedelta) -> None:
        """Remove from a folder what a process that died was writing. S3 does so by a lifecycle rule of the bucket."""
        if self._folder is None:
            return
        limit = time.time() - older.total_seconds()
        for path in list((self._folder / "jobs").rglob("*")):
            # `write_whole` writes to hidden files, obstore to names that end in # and a number.
            unfinished = path.name.startswith(".") or path.suffix.partition("#")[2].isdigit()
            with suppress(OSError):
                if unfinished and path.stat().st_mtime < limit:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _all(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Keys below a prefix, and when they last changed; of a store that is a folder, empty folders too."""
        if self._folder is None:
            with self._reaching():
                for batch in obstore.list(self._store, prefix):
                    yield from ((found["path"], found["last_modified"]) for found in batch)
            return
        root = self._folder / prefix
        for folder, names, files in os.walk(root):
            empty = [] if names or Path(folder) == root else [Path(folder)]
            for path in [Path(folder, name) for name in files] or empty:
                with suppress(FileNotFoundError):
                    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                    yield path.relative_to(self._folder).as_posix(), changed

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Say in Suelo's words that S3 cannot be used now."""
        try:
            yield
        except BaseError as error:
            if self._folder is not None:
                if is_full(self._folder, error):
                    raise FullDiskError(self._folder) from error
                raise
            _log.warning("The object store: %s", str(error).partition("\n")[0])
            raise UnavailableError("The object store cannot be reached; try again soon.") from error


def _gone(object_key: str) -> NotFoundError:
    if object_key.endswith(f"/{INPUT}"):
        return NotFoundError("The image is not in the store any more; send it again.")
    return NotFoundError("This file of the result is not in the store any more; send the image again.")
