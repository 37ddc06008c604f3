"""A database of an earlier version, with what was in it, goes on being used; one of a later version is left alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, bindparam, create_engine, text

import suelo.jobs
from suelo.errors import InputError
from suelo.jobs.database import SCHEMA_VERSION, open_database
from suelo.jobs.job import now
from suelo.jobs.service import JobService
from suelo.jobs.tables import JobRow
from suelo.segmentation.selection import Selection
from suelo.settings import Settings

Draw = Callable[..., Path]


def set_back(engine: Engine, revision: str) -> None:
    """Make the tables what they were at a revision; their rows stay."""
    config = Config()
    config.set_main_option("script_location", str(Path(suelo.jobs.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def tables(engine: Engine) -> set[str]:
    kind = "pg_tables WHERE schemaname = 'public'" if engine.dialect.name == "postgresql" else "sqlite_master"
    column = "tablename" if engine.dialect.name == "postgresql" else "tbl_name"
    with engine.connect() as connection:
        return set(connection.execute(text(f"SELECT {column} FROM {kind}")).scalars())


def image(service: JobService, path: Path) -> Any:
    upload = service.create_upload(path.name, None, "ana")
    service.receive_upload(upload.id, [path.read_bytes()])
    return service.submit(upload.id, "ana")


def test_jobs_of_the_first_version_are_kept_and_go_on(
    settings: Settings, database_url: str, draw_image: Draw, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"database": database_url})
    before = JobService(settings)
    chip = image(before, draw_image(tmp_path / "chip.tif", 96, 80))
    scene = image(before, draw_image(tmp_path / "scene.tif", 300, 240))
    dead = image(before, draw_image(tmp_path / "other.tif", 240, 300))
    assert (chip.status, scene.status, dead.status) == ("succeeded", "queued", "queued")
    numbers = before.results.summary(chip.id, Selection(chip.model_thresholds))
    before.stop()
    engine = create_engine(database_url)
    set_back(engine, "0001")
    assert not tables(engine) & {"job_events", "users", "idempotency_keys"}
    with engine.begin() as connection:  # its worker died an hour ago
        died = "UPDATE jobs SET status = 'running', attempts = 1, worker = 'gone', heartbeat_at = :then WHERE id = :id"
        connection.execute(
            text(died).bindparams(bindparam("then", type_=JobRow.heartbeat_at.type)),
            {"then": now() - timedelta(hours=1), "id": dead.id},
        )
    engine.dispose()

    after = JobService(settings)
    try:
        assert {job.id for job in after.list("ana")} == {chip.id, scene.id, dead.id}
        assert after.get(chip.id) == chip
        assert list(after.events(chip.id)) == []
        assert after.results.summary(chip.id, Selection(chip.model_thresholds)) == numbers
        assert image(after, tmp_path / "chip.tif").id == chip.id  # the stored result
        after.start()
        assert after.wait(scene.id).status == "succeeded"
        assert after.wait(dead.id).status == "succeeded"
        assert after.events(scene.id)[-1].kind == "succeeded"
        after.delete(chip.id)
        assert {job.id for job in after.list("ana")} == {scene.id, dead.id}
    finally:
        after.stop()


def test_each_version_on_the_way_can_be_brought_up_to_date(database_url: str) -> None:
    engine = open_database(database_url)
    for revision in ("0002", "0001"):
        set_back(engine, revision)
        open_database(database_url).dispose()
        with engine.connect() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == SCHEMA_VERSION
        assert {"jobs", "uploads", "job_events", "users", "idempotency_keys"} <= tables(engine)
    engine.dispose()


def test_tables_of_a_later_version_are_refused_and_left_alone(database_url: str) -> None:
    engine = open_database(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0904'"))
    with pytest.raises(InputError, match=rf"of version 0904, this version of Suelo knows them up to {SCHEMA_VERSION}"):
        open_database(database_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0904"
    engine.dispose()
