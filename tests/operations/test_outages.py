"""The database or the object store is away for a while: nothing is lost, and who asks is told to come back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from suelo.errors import UnavailableError
from suelo.jobs import intake
from suelo.jobs.database import open_database
from suelo.jobs.events import events_of
from suelo.jobs.objects import Objects
from suelo.jobs.service import JobService
from suelo.settings import Settings

Draw = Callable[..., Path]


def history(url: str, job_id: str) -> list[str]:
    engine = open_database(url)
    try:
        return [event.kind for event in events_of(engine, job_id)]
    finally:
        engine.dispose()


@pytest.mark.slow
def test_a_scene_outlives_an_absence_of_database_and_store(
    start_suelo, until, postgres, s3_server, draw_image: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suelo = start_suelo(SUELO_DATABASE=postgres.url, SUELO_STORE=s3_server.url, **s3_server.environment)
    suelo.start("serve", "--no-jobs")
    suelo.start("worker")
    scene = draw_image(tmp_path / "scene.tif", 1500, 1300).read_bytes()
    job = suelo.submit(scene)

    until(lambda: suelo.job(job["id"])["progress"] > 0.1, "progress")
    postgres.stop()
    status, problem = suelo.ask("GET", "/v1/jobs")
    assert (status, problem["title"]) == (503, "The service is not ready")
    s3_server.stop()
    postgres.start()
    # The network is done, and its results wait for the store.
    until(lambda: suelo.job(job["id"])["progress"] >= 0.95, "the end of the network")
    status, upload = suelo.ask("POST", "/v1/uploads", {"name": "other.tif", "size": 4})
    assert status == 201
    status, problem = suelo.ask("PUT", upload["url"], b"II*\0")
    assert (status, problem["title"]) == (503, "The service is not ready")
    assert suelo.job(job["id"])["status"] == "running"
    s3_server.start()
    done = until(lambda: (found := suelo.job(job["id"]))["status"] != "running" and found, "the end of the job")
    assert (done["status"], done["message"]) == ("succeeded", "")
    assert history(postgres.url, job["id"]) == ["submitted", "started", "succeeded"]
    assert suelo.ask("GET", f"{job['url']}/classes.csv")[0] == 200

    # Who deletes a result while the store is away does not have to come back; the sweep finishes it.
    s3_server.stop()
    assert suelo.ask("DELETE", job["url"])[0] == 204
    s3_server.start()
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    service = JobService(Settings(home=tmp_path / "sweeper", database=postgres.url, store=s3_server.url))
    objects: Objects = service._objects
    assert objects.job_ids(timedelta(seconds=-60)) == [job["id"]]
    service.tidy(timedelta(0))
    assert objects.job_ids(timedelta(seconds=-60)) == []
    service.stop()
    for surprise in ("could not be served", "Looking after jobs failed", f"Job {job['id']} failed"):
        assert surprise not in suelo.log()
    assert (suelo.end("worker"), suelo.end("serve")) == (0, 0)


@pytest.mark.parametrize("away", ["long", "for a moment"])
def test_a_large_upload_outlives_an_absence_of_the_store_when_a_job_is_to_be_made_of_it(
    s3_server, draw_image: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(intake, "LARGE_BYTES", 1000)
    service = JobService(Settings(home=tmp_path / "home", store=s3_server.url, max_direct_pixels=100))
    upload = service.create_upload("scene.tif", None, "ana")
    service.receive_upload(upload.id, [draw_image(tmp_path / "scene.tif", 300, 300).read_bytes()])
    assert service.model
    s3_server.stop()
    if away == "long":
        with pytest.raises(UnavailableError):
            service.submit(upload.id, "ana")
        s3_server.start()
    else:
        size = service._objects.size

        def size_as_soon_as_the_store_is_back(object_key: str) -> int | None:
            s3_server.start()
            return size(object_key)

        monkeypatch.setattr(service._objects, "size", size_as_soon_as_the_store_is_back)
    assert service.submit(upload.id, "ana").status == "queued"
    service.stop()


def test_a_server_whose_database_is_away_says_so_in_one_sentence(postgres, tmp_path: Path) -> None:
    postgres.stop()
    environment = {"SUELO_HOME": str(tmp_path), "SUELO_DATABASE": postgres.url}
    for command in ("serve", "worker"):
        ended = subprocess.run(
            [Path(sys.executable).with_name("suelo"), command],
            env=os.environ | environment,
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
        assert ended.returncode == 1
        assert ended.stderr.startswith("Error: The database cannot be reached (")
        assert ended.stderr.count("\n") == 1
