"""Answers that are kept for a day under a key of the sender's, so that a request sent twice is carried out once."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from suelo.errors import ConflictError, KeyReusedError
from suelo.jobs.job import now
from suelo.jobs.tables import IdempotencyRow

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.sql import ColumnElement

KEPT = timedelta(days=1)
"""An answer is kept so long."""
ABANDONED = timedelta(minutes=15)
"""A request that was not answered for so long died with its server; it may be sent again."""
LARGEST = 1 << 20
"""A larger answer, compressed, is not kept in the database: the request is carried out again, which finds the job."""


@dataclass(frozen=True)
class KeptAnswer:
    """An answer as it was given.

    Attributes:
        status: HTTP status.
        headers: Those headers that belong to the answer itself.
        body: The body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class IdempotencyKeys:
    """Keys and answers in a database. Safe to use from several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        """Use a database whose tables are up to date."""
        self._engine = engine

    def begin(self, owner: str, key: str, request_sha256: str) -> KeptAnswer | None:
        """Take a key for a request.

        Args:
            owner: Whose key it is; others may use the same.
            key: The key.
            request_sha256: Digest of all that matters of the request.

        Returns:
            The answer that was given to it before; None if it is to be carried out now, and `keep` or `release` called
            afterwards.

        Raises:
            KeyReusedError: The key was used for another request.
            ConflictError: The same request is being carried out.
        """
        row = IdempotencyRow(owner=owner, key=key, request_sha256=request_sha256, created_at=now())
        try:
            with Session(self._engine) as session, session.begin():
                session.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < now() - KEPT))
                session.execute(
                    delete(IdempotencyRow).where(
                        *_is(owner, key),
                        IdempotencyRow.status.is_(None),
                        IdempotencyRow.created_at < now() - ABANDONED,
                    )
                )
                session.add(row)
        except IntegrityError:
            return self._before(owner, key, request_sha256)
        return None

    def _before(self, owner: str, key: str, request_sha256: str) -> KeptAnswer | None:
        with Session(self._engine.execution_options(suelo_read_only=True)) as session:
            row = session.get(IdempotencyRow, (owner, key))
            if row is not None and row.request_sha256 != request_sha256:
                raise KeyReusedError(
                    "This Idempotency-Key was used for another request; a new request needs a new key."
                )
            if row is None or row.status is None:
                raise ConflictError("The same request is being carried out at this moment; send it again soon.")
            if row.body is None:
                return None
            return KeptAnswer(row.status, row.headers or {}, zlib.decompress(row.body))

    def keep(self, owner: str, key: str, answer: KeptAnswer) -> None:
        """Keep the answer to a request that has been carried out."""
        body: bytes | None = zlib.compress(answer.body, 6)
        if body is not None and len(body) > LARGEST:
            body = None
        values = {"status": answer.status, "headers": dict(answer.headers), "body": body}
        with Session(self._engine) as session, session.begin():
            session.execute(update(IdempotencyRow).where(*_is(owner, key)).values(values))

    def release(self, owner: str, key: str) -> None:
        """Forget a key: its request failed, and may be tried again."""
        with Session(self._engine) as session, session.begin():
            session.execute(delete(IdempotencyRow).where(*_is(owner, key)))


def _is(owner: str, key: str) -> tuple[ColumnElement[bool], ...]:
    return IdempotencyRow.owner == owner, IdempotencyRow.key == key
