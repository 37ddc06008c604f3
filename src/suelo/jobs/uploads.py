"""Images on their way in: room is made, the bytes are streamed into the store, a job is made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from suelo.errors import ConflictError, ImageTooLargeError, InputError, NotFoundError
from suelo.jobs.job import Upload, new_id, now
from suelo.jobs.objects import INPUT, Objects, key
from suelo.jobs.tables import UploadRow

if TYPE_CHECKING:
    from sqlalchemy import Engine

MAX_NAME = 120
"""Longest file name that is kept, in characters."""


class Uploads:
    """Uploads in the database and the object store.

    An upload has the id of the job that will be made of it, so its bytes need not move afterwards.
    """

    def __init__(self, engine: Engine, objects: Objects, max_bytes: int) -> None:
        """Use a database, a store and a limit of bytes per image."""
        self._engine = engine
        self._readers = engine.execution_options(suelo_read_only=True)
        self._objects = objects
        self._max_bytes = max_bytes

    def create(self, name: str, size: int | None, owner: str) -> Upload:
        """Make room for an image.

        Args:
            name: File name; it is made safe.
            size: Bytes that will come, if that is known.
            owner: Who asks.

        Raises:
            InputError: The size is not positive.
            ImageTooLargeError: The size is above the limit.
        """
        if size is not None and size < 1:
            raise InputError("The image is empty; a TIFF with 8 bands is needed.")
        if size is not None:
            self._check(size)
        upload = Upload(new_id(), clean_name(name), size, None, None, now())
        with Session(self._engine) as session, session.begin():
            session.add(UploadRow(id=upload.id, owner=owner, name=upload.name, size=size, created_at=upload.created_at))
        return upload

    def get(self, upload_id: str) -> Upload:
        """Read an upload.

        Raises:
            NotFoundError: There is none with this id, or a job was made of it.
        """
        with Session(self._readers) as session:
            row = session.get(UploadRow, upload_id)
            if row is None:
                raise NotFoundError("There is no such upload; it was used, or it is too old.")
            return Upload(row.id, row.name, row.size, row.received, row.sha256, row.created_at)

    def receive(self, upload_id: str, chunks: Iterable[bytes]) -> Upload:
        """Store the bytes of an image.

        Args:
            upload_id: From `create`.
            chunks: The bytes, in order; they are not held in memory.

        Raises:
            NotFoundError: There is no such upload.
            ImageTooLargeError: More bytes came than are allowed; nothing is kept.
            InputError: Fewer or more bytes came than were announced; nothing is kept.
        """
        upload = self.get(upload_id)
        digest = hashlib.sha256()
        received = 0

        def counted() -> Iterator[bytes]:
            nonlocal received
            for chunk in chunks:
                received += len(chunk)
                self._check(received)
                digest.update(chunk)
                yield chunk
            # Raising here, before the end of the stream, keeps the store from showing the object.
            if received == 0:
                raise InputError("The image is empty; a TIFF with 8 bands is needed.")
            if upload.size not in {None, received}:
                raise InputError(f"{received} bytes came, but {upload.size} were announced; send the image again.")

        self._objects.put(key(upload_id, INPUT), counted())
        with Session(self._engine) as session, session.begin():
            session.execute(
                update(UploadRow).where(UploadRow.id == upload_id).values(received=received, sha256=digest.hexdigest())
            )
        return self.get(upload_id)

    def whole(self, upload_id: str) -> Upload:
        """An upload that has arrived.

        Raises:
            NotFoundError: There is no such upload.
            ConflictError: Its bytes have not (all) come.
        """
        upload = self.get(upload_id)
        if upload.received is None:
            raise ConflictError("The image of this upload has not come yet; send it first.")
        return upload

    def discard(self, upload_id: str) -> None:
        """Forget an upload and its bytes; nothing happens if a job was made of it."""
        with Session(self._engine) as session, session.begin():
            row = session.get(UploadRow, upload_id)
            if row is None:
                return
            session.delete(row)
        self._objects.delete_job(upload_id)

    def sweep(self, age: timedelta) -> None:
        """Forget uploads that are older than `age`: nobody made a job of them."""
        with Session(self._readers) as session:
            old = list(session.scalars(select(UploadRow.id).where(UploadRow.created_at < now() - age)))
        for upload_id in old:
            self.discard(upload_id)

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise ImageTooLargeError(f"The image is larger than the {self._max_bytes / 1e6:g} MB that are accepted.")


def clean_name(name: str) -> str:
    """A file name that is safe to show, to put into a header and to give to a file system, and still readable."""
    last = PurePosixPath(name.replace("\\", "/")).name
    readable = "".join(ch if ch.isprintable() and ch not in '<>:"/|?*' else "_" for ch in last).strip(" .")
    if len(readable) > MAX_NAME:
        suffix = PurePosixPath(readable).suffix[:8]
        readable = readable[: MAX_NAME - len(suffix)] + suffix
    return readable or "image"
