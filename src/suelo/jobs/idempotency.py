"""Answers that are kept for a day under a key of the sender's, so that a request sent twice is carried out once."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from suelo.errors import KeyInUseError, KeyReusedError
from suelo.jobs.identity import Worker
from suelo.jobs.job import now
from suelo.jobs.tables import IdempotencyRow

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.sql import ColumnElement

KEPT = timedelta(days=1)
"""An answer is kept so long."""
ABANDONED = timedelta(minutes=3)
"""A request that was not answered for so long died with its server; the longest wait in one is two minutes."""
ABANDONED_ON_LAMBDA = timedelta(minutes=1)
"""The same on AWS Lambda, where no request outlives 30 s."""
LARGEST = 1 << 20
"""A larger answer, compressed, is not kept in the database: the request is carried out again, which finds the job."""
_WORKER = "Suelo-Worker"
"""Until there is an answer, its headers hold this one: who carries the request out."""


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

    def __init__(self, engine: Engine, worker: Worker) -> None:
        """Use a database whose tables are up to date.

        Args:
            engine: The database.
            worker: This process: another one on its machine frees its keys at once when it has died.
        """
        self._engine = engine
        self._worker = worker
        self._abandoned = ABANDONED_ON_LAMBDA if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else ABANDONED

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
            KeyInUseError: The same request is being carried out.
        """
        if self._take(owner, key, request_sha256):
            return None
        with Session(self._engine.execution_options(suelo_read_only=True)) as session:
            row = session.get(IdempotencyRow, (owner, key))
            if row is not None and row.request_sha256 != request_sha256:
                raise KeyReusedError(
                    "This Idempotency-Key was used for another request; a new request needs a new key."
                )
            if row is not None and row.status is not None:
                if row.body is None:
                    return None
                return KeptAnswer(row.status, row.headers or {}, zlib.decompress(row.body))
        if row is not None and self._is_abandoned(row) and self._take(owner, key, request_sha256, row):
            return None
        raise KeyInUseError("The same request is being carried out at this moment; send it again soon.")

    def _take(self, owner: str, key: str, request_sha256: str, dead: IdempotencyRow | None = None) -> bool:
        """Take a key for a request, perhaps from one that died; False if another request has it."""
        row = IdempotencyRow(
            owner=owner,
            key=key,
            request_sha256=request_sha256,
            created_at=now(),
            headers={_WORKER: str(self._worker)},
        )
        try:
            with Session(self._engine) as session, session.begin():
                session.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < now() - KEPT))
                if dead is not None:
                    # Another may have taken it by now.
                    same = IdempotencyRow.created_at == dead.created_at, IdempotencyRow.status.is_(None)
                    session.execute(delete(IdempotencyRow).where(*_is(owner, key), *same))
                session.add(row)
        except IntegrityError:
            return False
        return True

    def _is_abandoned(self, row: IdempotencyRow) -> bool:
        holder = Worker.parse((row.headers or {}).get(_WORKER, ""))
        dead = holder is not None and holder.surely_dead(self._worker)
        return dead or row.created_at < now() - self._abandoned

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
