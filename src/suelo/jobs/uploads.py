"""Images on their way in: room is made, the bytes are streamed into the store, a job is made of them."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from suelo.errors import ConflictError, ImageTooLargeError, InputError, NotFoundError, UnavailableError
from suelo.jobs.job import Upload, new_id, now
from suelo.jobs.objects import INPUT, MAX_SINGLE_PUT, Objects, key
from suelo.jobs.tables import UploadRow

if TYPE_CHECKING:
    from sqlalchemy import CursorResult, Engine

_log = logging.getLogger(__name__)

LARGE_BYTES = 100_000_000
"""An image of more bytes is not fetched from S3 to be looked at if its digest was announced: its worker checks it."""
_SHA256 = re.compile(r"[0-9a-f]{64}")

MAX_NAME = 120
"""Longest file name that is kept, in characters."""


class Uploads:
    """Uploads in the database and the object store.

    An upload has the id of the job that will be made of it, so its bytes need not move afterwards.
    """

    def __init__(self, engine: Engine, objects: Objects, max_bytes: int, presign: bool = False) -> None:
        """Use a database and a store.

        Args:
            engine: The database.
            objects: The store.
            max_bytes: Largest image.
            presign: True to let senders put images straight into S3.
        """
        self._presign = presign
        self._engine = engine
        self._readers = engine.execution_options(suelo_read_only=True)
        self._objects = objects
        self._max_bytes = max_bytes

    def create(self, name: str, size: int | None, owner: str, sha256: str | None = None) -> Upload:
        """Make room for an image.

        Args:
            name: File name; it is made safe.
            size: Bytes that will come, if that is known.
            owner: Who asks.
            sha256: Digest of the bytes that will come, if that is known; other bytes will be refused.

        Raises:
            InputError: The size is not positive, or the digest is none; or it is missing where the image goes straight
                to S3 and is too large to be fetched from there to be looked at.
            ImageTooLargeError: The size is above the limit.
        """
        if size is not None and size < 1:
            raise InputError(f"An image of {size} bytes is none; a TIFF with 8 bands is needed.")
        if size is not None:
            self._check(size)
        if sha256 is not None and not _SHA256.fullmatch(sha256):
            raise InputError("A SHA-256 is written as 64 hexadecimal digits in lower case.")
        if sha256 is None and self._bypassed(size) and (size is None or size > LARGE_BYTES):
            raise InputError(
                f"This image goes straight to the object store: announce its size, and above {LARGE_BYTES / 1e6:g} MB "
                "its sha256 too."
            )
        upload = Upload(new_id(), clean_name(name), size, None, sha256, now())
        with Session(self._engine) as session, session.begin():
            row = UploadRow(id=upload.id, owner=owner, name=upload.name, size=size, sha256=sha256)
            row.created_at = upload.created_at
            session.add(row)
        return upload

    def address(self, upload: Upload) -> str | None:
        """Where the image may be PUT straight into S3; None if it has to come through this server."""
        return self._objects.address_for_upload(key(upload.id, INPUT)) if self._bypassed(upload.size) else None

    def _bypassed(self, size: int | None) -> bool:
        """True if an image goes straight to S3, past this server."""
        return self._presign and self._objects.remote and (size or 0) <= MAX_SINGLE_PUT

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
            NotFoundError: There is no such upload, or a job was made of it while the bytes came; nothing is kept.
            ImageTooLargeError: More bytes came than are allowed; nothing is kept.
            InputError: Fewer, more or other bytes came than were announced, or others than before; nothing is kept.
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
            self._settle(upload_id, digest.hexdigest())

        self._objects.put(key(upload_id, INPUT), counted())
        return self._arrived(upload_id, received, digest.hexdigest())

    def _settle(self, upload_id: str, sha256: str) -> None:
        """Make a digest that of an upload for good, before its bytes are seen: other ones never take their place."""
        free = or_(UploadRow.sha256.is_(None), UploadRow.sha256 == sha256)
        settled = update(UploadRow).where(UploadRow.id == upload_id, free).values(sha256=sha256)
        with Session(self._engine) as session, session.begin():
            if session.scalar(settled.returning(UploadRow.id)) is not None:
                return
        self.get(upload_id)
        raise InputError(_OTHER_BYTES)

    def _arrived(self, upload_id: str, size: int, sha256: str) -> Upload:
        with Session(self._engine) as session, session.begin():
            session.execute(update(UploadRow).where(UploadRow.id == upload_id).values(received=size, sha256=sha256))
        return self.get(upload_id)

    def whole(self, upload_id: str) -> Upload:
        """An upload that has arrived.

        Raises:
            NotFoundError: There is no such upload.
            ConflictError: Its bytes have not (all) come.
            InputError: Other bytes came to S3 than were announced, or too many; the upload is forgotten.
        """
        upload = self.get(upload_id)
        if upload.received is not None:
            return upload
        size = self._objects.size(key(upload_id, INPUT)) if self._presign else None
        if size is None:
            raise ConflictError("The image of this upload has not come yet; send it first.")
        try:
            return self._arrived(upload_id, size, self._look(upload, size))
        except InputError:
            self.discard(upload_id)
            raise

    def _look(self, upload: Upload, size: int) -> str:
        """Check an image that came to S3 past this server; its digest."""
        self._check(size)
        if upload.size not in {None, size}:
            raise InputError(f"{size} bytes came, but {upload.size} were announced; send the image again.")
        if upload.sha256 is not None and size > LARGE_BYTES:
            return upload.sha256
        found = digest_of(self._objects.local(key(upload.id, INPUT)))
        if upload.sha256 not in {None, found}:
            raise InputError(_OTHER_BYTES)
        return found

    def discard(self, upload_id: str) -> None:
        """Forget an upload and its bytes; nothing happens if a job was made of it."""
        with Session(self._engine) as session, session.begin():
            # Counted, not looked for first: whoever makes a job of the upload may be about to commit that.
            found = session.execute(delete(UploadRow).where(UploadRow.id == upload_id))
            if not cast("CursorResult[Any]", found).rowcount:
                return
        try:
            self._objects.delete_job(upload_id)
        except UnavailableError:
            _log.warning("The bytes of upload %s could not be removed; the sweep will do it", upload_id)

    def sweep(self, age: timedelta) -> None:
        """Forget uploads that are older than `age`: nobody made a job of them."""
        with Session(self._readers) as session:
            old = list(session.scalars(select(UploadRow.id).where(UploadRow.created_at < now() - age)))
        for upload_id in old:
            self.discard(upload_id)

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise ImageTooLargeError(f"The image is larger than the {self._max_bytes / 1e6:g} MB that are accepted.")


_OTHER_BYTES = (
    "The bytes that came have another SHA-256 than was announced or came before; send the image again, "
    "another one to a new upload."
)


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def clean_name(name: str) -> str:
    """A file name that is safe to show, to put into a header and to give to a file system, and still readable."""
    last = PurePosixPath(name.replace("\\", "/")).name
    readable = "".join(ch if ch.isprintable() and ch not in '<>:"/|?*' else "_" for ch in last).strip(" .")
    if len(readable) > MAX_NAME:
        suffix = PurePosixPath(readable).suffix[:8]
        readable = readable[: MAX_NAME - len(suffix)] + suffix
    return readable or "image"
