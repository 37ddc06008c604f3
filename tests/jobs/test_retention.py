"""Results that are old go away by themselves, if the operator wants that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from suelo.errors import NotFoundError
from suelo.jobs.database import open_database
from suelo.jobs.job import now
from suelo.jobs.service import JobService
from suelo.jobs.tables import JobRow
from suelo.settings import Settings

Draw = Callable[..., Path]


def age(settings: Settings, job_id: str, days: float) -> None:
    moment = now() - timedelta(days=days)
    with Session(open_database(settings.database_url)) as session, session.begin():
        session.execute(update(JobRow).where(JobRow.id == job_id).values(created_at=moment, finished_at=moment))


@pytest.mark.parametrize("days", [0, 30])
def test_results_are_kept_for_so_many_days(tmp_path: Path, draw_image: Draw, days: int) -> None:
    settings = Settings(home=tmp_path / "home", retention_days=days, max_direct_pixels=200 * 200)
    service = JobService(settings)
    old, young, shared = (
        service.submit_image(draw_image(tmp_path / "a.tif", seed=n).read_bytes(), "a.tif", "ana", shared=n == 2)
        for n in range(3)
    )
    waiting = service.create_upload("scene.tif", None, "ana")
    service.receive_upload(waiting.id, [draw_image(tmp_path / "scene.tif", 300, 300).read_bytes()])
    queued = service.submit(waiting.id, "ana")
    for job in (old, shared):
        age(settings, job.id, 30.1)
    age(settings, young.id, 29.9)
    with Session(open_database(settings.database_url)) as session, session.begin():
        session.execute(update(JobRow).where(JobRow.id == queued.id).values(created_at=now() - timedelta(days=99)))
    service.tidy()
    kept = {young.id, shared.id, queued.id} | (set() if days else {old.id})
    assert {job.id for job in service.list("ana")} == kept
    assert {folder.name for folder in (tmp_path / "home" / "objects" / "jobs").iterdir()} == kept
    if days:
        with pytest.raises(NotFoundError):
            service.results.raster(old.id, "display")
    service.stop()
