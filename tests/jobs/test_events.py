"""The log of each job, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from suelo.errors import NotFoundError
from suelo.jobs.events import events_of
from suelo.jobs.job import Job, new_id, now
from suelo.jobs.records import Records
from suelo.jobs.service import JobService
from suelo.jobs.tables import EventRow

NewJob = Callable[..., Job]


def log(engine: Engine, job: Job) -> list[tuple[str, str]]:
    return [(event.kind, event.detail) for event in events_of(engine, job.id)]


def test_the_log_tells_every_turn_of_a_job_once_and_in_order(records: Records, engine: Engine, new_job: NewJob) -> None:
    job, other = new_job(), new_job()
    for added in (job, other, replace(job, id=new_id())):
        records.add(added)
    records.claim("w1", job.id)
    records.advance(job.id, "w1", 0.5, "network")
    records.requeue(job.id, "w1", counted=True, reason="The process that ran it stopped.")
    records.requeue(job.id, "w1", counted=True, reason="Too late.")
    records.claim("w2", job.id)
    records.cancel(job.id)
    records.cancel(job.id)
    records.finish(job.id, "w1", "succeeded")
    records.finish(job.id, "w2", "cancelled", "It was cancelled.")
    assert log(engine, job) == [
        ("submitted", ""),
        ("started", ""),
        ("requeued", "The process that ran it stopped."),
        ("started", "Attempt 2."),
        ("cancel-requested", ""),
        ("cancelled", "It was cancelled."),
    ]
    moments = [event.moment for event in events_of(engine, job.id)]
    assert moments == sorted(moments)
    assert (now() - moments[0]).total_seconds() < 60
    assert log(engine, other) == [("submitted", "")]


def test_the_log_goes_with_its_job(records: Records, engine: Engine, new_job: NewJob) -> None:
    job, kept = new_job(), new_job()
    for added in (job, kept):
        records.add(added)
        records.cancel(added.id)
    records.delete(job.id)
    assert log(engine, job) == []
    assert log(engine, kept) == [("submitted", ""), ("cancelled", "")]
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(EventRow)) == 2


def test_a_chip_leaves_a_log_too(service: JobService, draw_image: Callable[..., Path], tmp_path: Path) -> None:
    job = service.submit_image(draw_image(tmp_path / "chip.tif").read_bytes(), "chip.tif", "ana")
    assert [event.kind for event in service.events(job.id)] == ["submitted", "started", "succeeded"]
    with pytest.raises(NotFoundError):
        service.events(new_id())
