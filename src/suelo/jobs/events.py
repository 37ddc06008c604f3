"""The log of each job: what happened to it, and when, written in the transaction of the change itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, cast

from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import Session

from suelo.jobs.job import now
from suelo.jobs.tables import EVENTS, EventRow

if TYPE_CHECKING:
    from sqlalchemy import Engine

Kind = Literal["submitted", "started", "requeued", "cancel-requested", "cancelled", "failed", "succeeded"]


@dataclass(frozen=True)
class Event:
    """Something that happened to a job.

    Attributes:
        moment: When.
        kind: What, in a word.
        detail: More about it, in one sentence; often empty.
    """

    moment: datetime
    kind: Kind
    detail: str


def note(transaction: Session | Connection, job_id: str, *events: tuple[Kind, str]) -> None:
    """Add events to the log of a job, as part of a transaction.

    Args:
        transaction: It changes the job.
        job_id: The job; its row is there already.
        events: Kind and detail of each, in the order in which they happened.
    """
    moment = now()
    rows = [{"job_id": job_id, "moment": moment, "kind": kind, "detail": detail} for kind, detail in events]
    transaction.execute(insert(EVENTS), rows)


def events_of(engine: Engine, job_id: str) -> Sequence[Event]:
    """The log of a job, oldest first; empty if there is no such job."""
    query = select(EventRow).where(EventRow.job_id == job_id).order_by(EventRow.id)
    with Session(engine.execution_options(suelo_read_only=True)) as session:
        return [Event(row.moment, cast(Kind, row.kind), row.detail) for row in session.scalars(query)]
