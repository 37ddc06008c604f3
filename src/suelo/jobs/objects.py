"""Objects of jobs in a folder or in S3: put whole or not at all, fetched as files."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

import obstore
from obstore.store import LocalStore, from_url

from suelo.errors import InputError, NotFoundError
from suelo.jobs.cache import FileCache
from suelo.segmentation.atomic import replacing

if TYPE_CHECKING:
    from obstore.store import ObjectStore

INPUT = "input.tif"
DISPLAY = "display.tif"
PROBABILITIES = "probabilities.tif"
RESULT = "result.json"


def key(job_id: str, name: str) -> str:
    """Where an object of a job lies in the store."""
    return f"jobs/{job_id}/{name}"


class Objects:
    """The object store. Safe to use from several threads."""

    def __init__(self, url: str, cache: FileCache) -> None:
        """Open a store; a folder is made if it is not there.

        Args:
            url: `file:///folder` or `s3://bucket/prefix`; access to S3 is set by the `AWS_*` variables.
            cache: Where copies of S3 objects are kept for a while.

        Raises:
            InputError: The address is of another kind.
        """
        parts = urlparse(url)
        self._folder: Path | None = None
        self._cache = cache
        self._store: ObjectStore
        if parts.scheme == "file":
            self._folder = Path(unquote(parts.path))
            self._folder.mkdir(parents=True, exist_ok=True)
            self._store = LocalStore(self._folder, automatic_cleanup=True)
        elif parts.scheme == "s3":
            self._store = from_url(url)
        else:
            raise InputError(f"Objects are kept at file:///folder or s3://bucket/prefix; {url!r} is neither.")

    def put(self, object_key: str, content: bytes | Iterable[bytes]) -> None:
        """Store bytes, whole or not at all: if the iterable raises, nothing is stored."""
        if self._folder is not None and isinstance(content, bytes):
            # Several times as quick as the store for a chip.
            with replacing(self._place(object_key)) as part:
                part.write_bytes(content)
            return
        data: Any = content if isinstance(content, bytes) else iter(content)
        obstore.put(self._store, object_key, data)

    def put_file(self, object_key: str, path: Path) -> None:
        """Store a file, whole or not at all. The file itself may be gone afterwards."""
        if self._folder is not None:
            try:
                path.replace(self._place(object_key))
            except OSError:  # another file system: copy
                pass
            else:
                return
        obstore.put(self._store, object_key, path)

    def _place(self, object_key: str) -> Path:
        assert self._folder is not None
        path = self._folder / object_key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def size(self, object_key: str) -> int | None:
        """Bytes of an object; None if there is no such object."""
        try:
            return obstore.head(self._store, object_key)["size"]
        except FileNotFoundError:
            return None

    def local(self, object_key: str) -> Path:
        """A file with the content of an object, to be read and never changed.

        A folder gives the object itself, S3 a copy that is kept for a while.

        Raises:
            NotFoundError: There is no such object.
        """
        if self._folder is not None:
            path = self._folder / object_key
            if not path.is_file():
                raise NotFoundError("This file of the result is not in the store.")
            return path
        return self._cache.get(object_key, lambda path: self._download(object_key, path))

    def _download(self, object_key: str, path: Path) -> None:
        try:
            with path.open("wb") as file:
                for chunk in obstore.get(self._store, object_key).stream(min_chunk_size=4 << 20):
                    file.write(memoryview(chunk))
        except FileNotFoundError:
            raise NotFoundError("This file of the result is not in the store.") from None

    def read(self, object_key: str) -> bytes:
        """The content of a small object.

        Raises:
            NotFoundError: There is no such object.
        """
        return self.local(object_key).read_bytes()

    def delete_job(self, job_id: str) -> None:
        """Remove all objects of a job and copies of them."""
        prefix = f"jobs/{job_id}"
        self._cache.drop(prefix)
        if self._folder is not None:
            shutil.rmtree(self._folder / prefix, ignore_errors=True)
            return
        for batch in obstore.list(self._store, prefix):
            for found in batch:
                try:
                    obstore.delete(self._store, found["path"])
                except FileNotFoundError:
                    continue

    def job_ids(self, older: timedelta) -> list[str]:
        """Jobs that have objects, none of which changed in the time given."""
        limit = datetime.now(UTC) - older
        found = []
        for prefix in obstore.list_with_delimiter(self._store, "jobs")["common_prefixes"]:
            changed = [o["last_modified"] for batch in obstore.list(self._store, prefix) for o in batch]
            if all(moment < limit for moment in changed):
                found.append(prefix.rstrip("/").rpartition("/")[2])
        return found
