"""The records of jobs: every question to and change of the table `jobs` is a method here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    Connection,
    CursorResult,
    Engine,
    Executable,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from suelo.errors import ConflictError, NotFoundError
from suelo.imagery.statistics import BandStatistics
from suelo.jobs.events import Kind, note
from suelo.jobs.job import UNFINISHED, Job, JobOptions, Status, now
from suelo.jobs.place import Place
from suelo.jobs.tables import JOBS, JobRow, UploadRow, job_of, row_of

KEPT: tuple[Status, ...] = ("queued", "running", "succeeded")
"""States in which a job stands for its image, so that the same image is not run again."""


@dataclass(frozen=True)
class Unfinished:
    """What recovery needs to know about a job that has not come to an end."""

    id: str
    status: Status
    worker: str
    heartbeat_at: datetime | None
    attempts: int
    image_bytes: int
    cancel_requested: bool


class Records:
    """Jobs in a database. Safe to use from several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        """Use a database whose tables are up to date; see `suelo.jobs.database.open_database`."""
        self._engine = engine
        self._readers = engine.execution_options(suelo_read_only=True)

    @contextmanager
    def _read(self) -> Iterator[Session]:
        with Session(self._readers) as session:
            yield session

    @contextmanager
    def _load(self) -> Iterator[Session]:
        """A transaction that changes rows which it reads."""
        with Session(self._engine) as session, session.begin():
            yield session

    def _write(self) -> AbstractContextManager[Connection]:
        """A transaction of statements alone: without a session it takes half the time."""
        return self._engine.begin()

    def add(self, job: Job, worker: str = "", from_upload: bool = False) -> Job:
        """Write a new job; in the same transaction the upload that it was made of ceases to be one.

        Args:
            job: The job.
            worker: Who runs it, if it is running already.
            from_upload: True if the job takes the place of the upload with its id.

        Returns:
            The job, or the one that the same owner already has of the same image, model and options.

        Raises:
            ConflictError: The upload is gone: somebody else made a job of it.
        """
        try:
            with self._write() as connection:
                if from_upload and not _change(connection, delete(UploadRow).where(UploadRow.id == job.id)):
                    raise ConflictError("This upload was already used.")
                connection.execute(insert(JOBS), row_of(job, worker))
                note(connection, job.id, ("submitted", ""), *([_started(1)] if job.status == "running" else []))
        except IntegrityError:
            same = self.find_same(job.owner, job.image_sha256, job.model_sha256, job.options)
            if same is None:
                raise
            return same
        return job

    def find_same(self, owner: str, image_sha256: str, model_sha256: str, options: JobOptions) -> Job | None:
        """The job that an owner already has of an image, model and options; None if there is none or it failed."""
        same = {"owner": owner, "image": image_sha256, "model": model_sha256, "options": options.key}
        with self._readers.connect() as connection:
            row = connection.execute(_same(), same).first()
            return None if row is None else job_of(cast(JobRow, row))  # it has the same attributes

    def get(self, job_id: str) -> Job:
        """Read a job.

        Raises:
            NotFoundError: There is none with this id.
        """
        with self._read() as session:
            row = session.get(JobRow, job_id)
            if row is None:
                raise NotFoundError("There is no such job; it may have been deleted.")
            return job_of(row)

    def page(self, owner: str, limit: int, before: Place | str | None = None) -> list[Job]:
        """Jobs of an owner and shared ones, newest first.

        Args:
            owner: Whose list.
            limit: At most so many.
            before: Only jobs that come after this place, or after the job with this id, in the list.

        Raises:
            NotFoundError: There is no job with that id.
        """
        query = select(JobRow).where(or_(JobRow.owner == owner, JobRow.shared))
        query = query.order_by(JobRow.created_at.desc(), JobRow.id.desc()).limit(limit)
        with self._read() as session:
            last = session.get(JobRow, before) if isinstance(before, str) else before
            if before is not None:
                if last is None:
                    raise NotFoundError("The job that this page of the list starts from was deleted.")
                query = query.where(
                    or_(
                        JobRow.created_at < last.created_at,
                        and_(JobRow.created_at == last.created_at, JobRow.id < last.id),
                    )
                )
            return [job_of(row) for row in session.scalars(query)]

    def shared(self) -> list[Job]:
        """All shared jobs, newest first."""
        with self._read() as session:
            rows = session.scalars(select(JobRow).where(JobRow.shared).order_by(JobRow.created_at.desc()))
            return [job_of(row) for row in rows]

    def claim(self, worker: str, job_id: str | None = None) -> Job | None:
        """Take the oldest queued job (or a given one) for a worker; no other worker gets it.

        Returns:
            The job, now running, or None if none is queued.
        """
        with self._load() as session:
            query = select(JobRow).where(JobRow.status == "queued").order_by(JobRow.created_at).limit(1)
            if job_id is not None:
                query = query.where(JobRow.id == job_id)
            row = session.scalar(query.with_for_update(skip_locked=True))
            if row is None:
                return None
            row.status, row.worker, row.stage = "running", worker, "reading"
            row.attempts += 1
            row.started_at = row.heartbeat_at = now()
            session.flush()
            note(session, row.id, _started(row.attempts))
            return job_of(row)

    def advance(self, job_id: str, worker: str, progress: float, stage: str) -> bool:
        """Note how far a worker is.

        Returns:
            False if it should stop: the job was cancelled, deleted, or given to another worker.
        """
        with self._write() as connection:
            mine = (*_held(job_id, worker), JobRow.cancel_requested.is_(False))
            values = {"progress": progress, "stage": stage, "heartbeat_at": now()}
            return _change(connection, update(JOBS).where(*mine).values(values)) == 1

    def note_statistics(self, job_id: str, statistics: BandStatistics) -> None:
        """Keep the measured band statistics of a job."""
        with self._write() as connection:
            _change(connection, update(JobRow).where(JobRow.id == job_id).values(statistics=statistics.to_json()))

    def finish(
        self, job_id: str, worker: str, status: Status, message: str = "", moment: datetime | None = None
    ) -> bool:
        """End a job that a worker holds, now or as of a moment.

        Returns:
            False if the worker does not hold it any more, or if it was to succeed and somebody cancelled it; nothing is
            changed then.
        """
        ending = _success() if status == "succeeded" else _end()
        values = {"job": job_id, "holder": worker, "to": status, "why": message, "at": moment or now()}
        with self._write() as connection:
            ended = connection.execute(ending, values).rowcount == 1
            if ended:
                note(connection, job_id, (cast(Kind, status), message))
            return ended

    def requeue(self, job_id: str, worker: str, counted: bool, reason: str) -> None:
        """Put a job that a worker held back into the queue.

        Args:
            job_id: The job.
            worker: Who held it; if it is somebody else's by now, nothing happens.
            counted: False if the try was no failure of the job, as when the server is stopped in order.
            reason: Why, in one sentence, for the log of the job.
        """
        with self._write() as connection:
            freed = _change(
                connection,
                update(JobRow)
                .where(*_held(job_id, worker))
                .values(
                    status="queued",
                    worker="",
                    stage="",
                    heartbeat_at=None,
                    attempts=JobRow.attempts if counted else JobRow.attempts - 1,
                ),
            )
            if freed:
                note(connection, job_id, ("requeued", reason))

    def try_again(self, job_id: str, most: int) -> bool:
        """Count a try of a queued job that led nowhere.

        Args:
            job_id: The job.
            most: Tries after which it fails.

        Returns:
            False if it has failed or is not queued any more.
        """
        with self._load() as session:
            row = session.scalar(select(JobRow).where(JobRow.id == job_id, JobRow.status == "queued").with_for_update())
            if row is None:
                return False
            row.attempts += 1
            if row.attempts < most:
                return True
            row.status, row.finished_at = "failed", now()
            row.message = "One run may not take as long here as this scene needs; cut it into smaller ones."
            note(session, job_id, ("failed", row.message))
            return False

    def cancel(self, job_id: str) -> Job:
        """Cancel a queued job at once; ask the worker of a running one to stop.

        Raises:
            NotFoundError: There is no such job.
        """
        with self._load() as session:
            row = session.get(JobRow, job_id, with_for_update=True)
            if row is None:
                raise NotFoundError("There is no such job; it may have been deleted.")
            if row.status == "queued":
                row.status, row.message, row.finished_at = "cancelled", "It was cancelled.", now()
                note(session, job_id, ("cancelled", ""))
            elif row.status == "running" and not row.cancel_requested:
                row.cancel_requested = True
                note(session, job_id, ("cancel-requested", ""))
            session.flush()
            return job_of(row)

    def delete(self, job_id: str) -> None:
        """Remove the record of a finished job.

        Raises:
            NotFoundError: There is no such job.
            ConflictError: The job is not finished.
        """
        with self._load() as session:
            query = delete(JobRow).where(JobRow.id == job_id, JobRow.status.not_in(UNFINISHED))
            if _change(session, query):
                return
            if session.get(JobRow, job_id) is None:
                raise NotFoundError("There is no such job; it may have been deleted.")
            raise ConflictError("This job is not finished; cancel it first.")

    def expired(self, before: datetime) -> list[str]:
        """Jobs, samples aside, that were finished before a moment."""
        query = select(JobRow.id).where(JobRow.finished_at < before, JobRow.shared.is_(False))
        with self._read() as session:
            return list(session.scalars(query.where(JobRow.status.not_in(UNFINISHED))))

    def unfinished(self) -> list[Unfinished]:
        """All jobs that are queued or running."""
        with self._read() as session:
            rows = session.scalars(select(JobRow).where(JobRow.status.in_(UNFINISHED)))
            return [
                Unfinished(
                    r.id,
                    cast(Status, r.status),
                    r.worker,
                    r.heartbeat_at,
                    r.attempts,
                    r.image_bytes,
                    r.cancel_requested,
                )
                for r in rows
            ]

    def beat(self, worker: str) -> None:
        """Say that a worker lives and goes on with what it holds."""
        with self._write() as connection:
            held = update(JobRow).where(JobRow.worker == worker, JobRow.status == "running")
            _change(connection, held.values(heartbeat_at=now()))

    def known(self, ids: Iterable[str]) -> set[str]:
        """Those of some ids that belong to a job or an upload."""
        wanted = list(ids)
        found: set[str] = set()
        with self._read() as session:
            # Databases limit how many values a query may carry.
            for start in range(0, len(wanted), 500):
                part = wanted[start : start + 500]
                found.update(session.scalars(select(JobRow.id).where(JobRow.id.in_(part))))
                found.update(session.scalars(select(UploadRow.id).where(UploadRow.id.in_(part))))
        return found


def stale(row: Unfinished, age: timedelta) -> bool:
    """True if the worker of a running job has not been heard of for longer than `age`."""
    return row.heartbeat_at is None or now() - row.heartbeat_at > age


@cache
def _same() -> Select[Any]:
    """The question that every image asks; putting it together takes longer than the answer."""
    return select(JOBS).where(
        JobRow.owner == bindparam("owner"),
        JobRow.image_sha256 == bindparam("image"),
        JobRow.model_sha256 == bindparam("model"),
        JobRow.options_key == bindparam("options"),
        JobRow.status.in_(KEPT),
    )


@cache
def _end() -> Update:
    """The end of a job that somebody holds."""
    mine = _held(bindparam("job"), bindparam("holder"))
    values = {"status": bindparam("to"), "message": bindparam("why"), "stage": "", "finished_at": bindparam("at")}
    return update(JOBS).where(*mine).values(values)


@cache
def _success() -> Update:
    """Its success, which nobody asked to prevent."""
    return _end().where(JobRow.cancel_requested.is_(False)).values(progress=1.0)


def _started(attempt: int) -> tuple[Kind, str]:
    return "started", f"Attempt {attempt}." if attempt > 1 else ""


def _held(job_id: str | BindParameter[str], worker: str | BindParameter[str]) -> tuple[Any, ...]:
    return JobRow.id == job_id, JobRow.worker == worker, JobRow.status == "running"


def _change(transaction: Session | Connection, statement: Executable) -> int:
    """Change rows; the number of them."""
    # No session here holds rows that would have to follow, so SQLAlchemy need not look for them.
    result = transaction.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount
