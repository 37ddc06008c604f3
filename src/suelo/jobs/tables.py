"""The tables of jobs, their logs and uploads. A change here needs a migration in `migrations/versions`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from suelo.imagery.statistics import BandStatistics
from suelo.jobs.job import Job, JobOptions, Status, now

_KEPT = "status IN ('queued', 'running', 'succeeded')"


class UtcDateTime(TypeDecorator[datetime]):
    """Moments in UTC, with their zone in Python on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse moments without a zone; SQLite would keep them as they are."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment needs a time zone.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give SQLite's moments their zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """Base of all tables."""


class UploadRow(Table):
    """Room for an image that is on its way."""

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(255))
    size: Mapped[int | None] = mapped_column(BigInteger)
    received: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class JobRow(Table):
    """A segmentation that is remembered; `suelo.jobs.job.Job` says what the fields mean."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    shared: Mapped[bool]
    name: Mapped[str] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(16))
    progress: Mapped[float] = mapped_column(Float, default=0.0)
    stage: Mapped[str] = mapped_column(String(32), default="")
    message: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    width: Mapped[int]
    height: Mapped[int]
    gsd_m: Mapped[float] = mapped_column(Float)
    crs: Mapped[str] = mapped_column(Text)
    georeferenced: Mapped[bool]
    image_sha256: Mapped[str] = mapped_column(String(64))
    image_bytes: Mapped[int] = mapped_column(BigInteger)
    model_name: Mapped[str] = mapped_column(String(128))
    model_sha256: Mapped[str] = mapped_column(String(64))
    model_thresholds: Mapped[list[float]] = mapped_column(JSON)
    statistics: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    options_key: Mapped[str] = mapped_column(String(32))
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str] = mapped_column(String(128), default="")
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        # The same image, model and options are kept once per owner, even when two requests come at the same moment.
        Index(
            "jobs_once",
            "owner",
            "image_sha256",
            "model_sha256",
            "options_key",
            unique=True,
            sqlite_where=text(_KEPT),
            postgresql_where=text(_KEPT),
        ),
        Index("jobs_list", "owner", "created_at"),
        Index("jobs_queue", "status", "created_at"),
    )


class EventRow(Table):
    """Something that happened to a job; see `suelo.jobs.events`."""

    __tablename__ = "job_events"

    # SQLite counts up by itself only where the key is an INTEGER.
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    moment: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(Text, default="")


class UserRow(Table):
    """Somebody who may use a server that asks for tokens; see `suelo.jobs.users`."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64), unique=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class IdempotencyRow(Table):
    """A request that is, or was, carried out under a key; see `suelo.jobs.idempotency`.

    Until there is an answer, `status` is empty and `headers` name the worker.
    """

    __tablename__ = "idempotency_keys"

    owner: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    status: Mapped[int | None]
    headers: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    body: Mapped[bytes | None]


JOBS, EVENTS = cast(SqlTable, JobRow.__table__), cast(SqlTable, EventRow.__table__)
"""For changes of which no loaded row need know: they take half the time of changes of a class."""


def row_of(job: Job, worker: str) -> dict[str, Any]:
    """The values of a new row of `JOBS` for a job; `worker` holds it if it is running."""
    running = job.status == "running"
    return dict(  # noqa: C408  (as the columns are named)
        id=job.id,
        owner=job.owner,
        shared=job.shared,
        name=job.name,
        status=job.status,
        progress=job.progress,
        stage=job.stage,
        message=job.message,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        width=job.width,
        height=job.height,
        gsd_m=job.gsd_m,
        crs=job.crs,
        georeferenced=job.georeferenced,
        image_sha256=job.image_sha256,
        image_bytes=job.image_bytes,
        model_name=job.model_name,
        model_sha256=job.model_sha256,
        model_thresholds=list(job.model_thresholds),
        statistics=None if job.statistics is None else job.statistics.to_json(),
        options=job.options.to_json(),
        options_key=job.options.key,
        cancel_requested=False,
        attempts=1 if running else 0,
        worker=worker,
        heartbeat_at=now() if running else None,
    )


def job_of(row: JobRow) -> Job:
    """The job that a row tells of."""
    return Job(
        id=row.id,
        owner=row.owner,
        shared=row.shared,
        name=row.name,
        status=cast(Status, row.status),
        progress=row.progress,
        stage=row.stage,
        message=row.message,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        width=row.width,
        height=row.height,
        gsd_m=row.gsd_m,
        crs=row.crs,
        georeferenced=row.georeferenced,
        image_sha256=row.image_sha256,
        image_bytes=row.image_bytes,
        model_name=row.model_name,
        model_sha256=row.model_sha256,
        model_thresholds=tuple(row.model_thresholds),
        statistics=None if row.statistics is None else BandStatistics.from_json(row.statistics),
        options=JobOptions.from_json(row.options),
        cancel_requested=row.cancel_requested,
    )
