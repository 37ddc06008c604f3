"""Databases, stores and services for the tests of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from suelo.jobs.database import open_database
from suelo.jobs.job import Job, new_id, now
from suelo.jobs.records import Records
from suelo.jobs.service import JobService
from suelo.settings import Settings


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.sqlite'}"
    url: str = request.getfixturevalue("postgresql")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def records(engine: Engine) -> Records:
    return Records(engine)


@pytest.fixture
def new_job() -> Callable[..., Job]:
    """A function that makes a queued job of an image of its own, with the values given; it is not recorded."""

    def make(**values: object) -> Job:
        made = Job(
            id=new_id(),
            owner="ana",
            shared=False,
            name="Bogotá",
            status="queued",
            progress=0.0,
            stage="",
            message="",
            created_at=now(),
            started_at=None,
            finished_at=None,
            width=300,
            height=200,
            gsd_m=1.24,
            crs="EPSG:9377",
            georeferenced=True,
            image_sha256=new_id() * 2,
            image_bytes=5_000_000_000,
            model_name="suelo 1",
            model_sha256="m" * 64,
            model_thresholds=(0.25,) * 10,
            statistics=None,
        )
        return replace(made, **values)

    return make


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home of its own, in which images of more than 200 × 200 pixels are queued."""
    return Settings(home=tmp_path / "home", max_direct_pixels=200 * 200)


@pytest.fixture
def service(settings: Settings) -> Iterator[JobService]:
    """A service whose background worker is not started."""
    service = JobService(settings)
    yield service
    service.stop()


@pytest.fixture(params=["folder", "s3"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of an empty object store of each kind."""
    if request.param == "folder":
        return (tmp_path / "objects").as_uri()
    for name, value in request.getfixturevalue("s3").items():
        monkeypatch.setenv(name, value)
    return f"s3://results/{tmp_path.name}"
