"""What is left of jobs when a process dies, and what the next one makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from suelo.jobs.database import open_database
from suelo.jobs.identity import Worker
from suelo.jobs.job import Job, new_id, now
from suelo.jobs.objects import DISPLAY, INPUT, key
from suelo.jobs.parts import FOLDER as PARTS
from suelo.jobs.records import Records, Unfinished
from suelo.jobs.recovery import SILENCE, WORK_AGE
from suelo.jobs.service import JobService
from suelo.jobs.tables import JobRow
from suelo.settings import Settings

Draw = Callable[..., Path]

SERVER = """
import sys, time
from pathlib import Path
from suelo.jobs.service import JobService
from suelo.settings import Settings
service = JobService(Settings(home=Path(sys.argv[1]), max_direct_pixels=40_000))
upload = service.create_upload("scene.tif", None, "ana")
service.receive_upload(upload.id, [Path(sys.argv[2]).read_bytes()])
job = service.submit(upload.id, "ana")
service.start()
while service.get(job.id).progress == 0:
    time.sleep(0.02)
print(job.id, flush=True)
time.sleep(600)
"""


@pytest.fixture
def dead() -> str:
    """Name of a worker of this machine whose process has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return str(replace(Worker.here(), pid=process.pid, token="dead"))


def submit(service: JobService, path: Path) -> Job:
    upload = service.create_upload(path.name, None, "ana")
    service.receive_upload(upload.id, [path.read_bytes()])
    return service.submit(upload.id, "ana")


def records_of(settings: Settings) -> Records:
    return Records(open_database(settings.database_url))


def test_a_killed_server_loses_no_job(settings: Settings, draw_image: Draw, tmp_path: Path) -> None:
    scene = draw_image(tmp_path / "scene.tif", 2500, 800)
    process = subprocess.Popen([sys.executable, "-c", SERVER, settings.home, scene], stdout=subprocess.PIPE, text=True)
    job_id = process.stdout.readline().strip()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert any((settings.home / "work").iterdir())
    service = JobService(settings)
    assert service.get(job_id).status == "running"
    service.start()
    assert service.wait(job_id).status == "succeeded"
    assert [job.id for job in service.list("ana")] == [job_id]
    service.stop()
    assert not any((settings.home / "work").iterdir())


def keep_strip(service: JobService, job: Job) -> set[str]:
    """Store what a scene leaves when it is interrupted; the names of the job's objects."""
    for name in (f"{PARTS}/mark-00000.npy", DISPLAY):
        service._objects.put(key(job.id, name), b"strip")
    return names(service, job)


def names(service: JobService, job: Job) -> set[str]:
    folder = service.settings.home / "objects" / "jobs" / job.id
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("how", ["cancelled in the queue", "cancelled at work", "died three times", "took too long"])
def test_a_scene_that_ends_without_a_result_leaves_nothing_but_its_image(
    service: JobService, draw_image: Draw, tmp_path: Path, dead: str, how: str
) -> None:
    job = submit(service, draw_image(tmp_path / "scene.tif", 300, 300))
    kept = keep_strip(service, job)
    if how == "cancelled in the queue":
        service.cancel(job.id)
    elif how == "took too long":
        for _ in range(3):
            service.run_announced(job.id, lambda: True)
    else:
        for _ in range(1 if how == "cancelled at work" else 3):
            service._records.claim(dead)
            if how == "cancelled at work":
                service.cancel(job.id)
            assert names(service, job) == kept
            service.recover()
    assert service.get(job.id).status == ("cancelled" if how.startswith("cancelled") else "failed")
    assert names(service, job) == {INPUT}


def test_a_job_that_keeps_killing_its_process_fails_after_three_tries(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path, dead: str
) -> None:
    job = submit(service, draw_image(tmp_path / "scene.tif", 300, 300))
    records = records_of(settings)
    for tries in (1, 2, 3):
        records.claim(dead)
        service.recover()
        found = service.get(job.id)
        assert found.status == ("queued" if tries < 3 else "failed")
    assert "stopped 3 times" in found.message


def test_a_chip_whose_image_was_not_stored_fails_with_a_reason(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path, dead: str
) -> None:
    job = submit(service, draw_image(tmp_path / "scene.tif", 300, 300))
    records_of(settings).claim(dead)
    stored = settings.home / "objects" / key(job.id, INPUT)
    stored.write_bytes(stored.read_bytes()[:1000])
    service.recover()
    found = service.get(job.id)
    assert found.status == "failed"
    assert "send the image again" in found.message


def test_a_job_that_was_cancelled_when_its_process_died_is_cancelled(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path, dead: str
) -> None:
    job = submit(service, draw_image(tmp_path / "scene.tif", 300, 300))
    records_of(settings).claim(dead)
    service.cancel(job.id)
    service.recover()
    assert service.get(job.id).status == "cancelled"


def test_the_job_of_a_living_worker_is_left_alone_until_it_falls_silent(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path
) -> None:
    job = submit(service, draw_image(tmp_path / "scene.tif", 300, 300))
    elsewhere = str(replace(Worker.here(), host="another-machine"))
    records_of(settings).claim(elsewhere)
    service.recover()
    assert service.get(job.id).status == "running"
    with Session(open_database(settings.database_url)) as session, session.begin():
        session.execute(update(JobRow).values(heartbeat_at=now() - SILENCE - timedelta(seconds=1)))
    service.recover()
    assert service.get(job.id).status == "queued"


def test_a_chip_that_begins_while_its_server_looks_for_dead_jobs_is_not_taken_for_one(
    service: JobService, draw_image: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = draw_image(tmp_path / "chip.tif").read_bytes()
    begun, looked = threading.Event(), threading.Event()
    put, unfinished = service._objects.put, service._records.unfinished

    def put_later(object_key: str, content: bytes) -> None:
        begun.set()
        assert looked.wait(60)
        put(object_key, content)

    with ThreadPoolExecutor(1) as pool:
        chips = []

        def unfinished_with_a_new_chip() -> list[Unfinished]:
            chips.append(pool.submit(service.submit_image, image, "chip.tif", "ana"))
            assert begun.wait(60)
            return unfinished()

        monkeypatch.setattr(service._objects, "put", put_later)
        monkeypatch.setattr(service._records, "unfinished", unfinished_with_a_new_chip)
        service.recover()
        looked.set()
        job = chips[0].result()
    assert (job.status, job.message) == ("succeeded", "")
    assert [event.kind for event in service.events(job.id)] == ["submitted", "started", "succeeded"]


def test_a_scene_that_is_being_taken_from_the_queue_is_not_put_back(
    service: JobService, draw_image: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(service, draw_image(tmp_path / "scene.tif", 300, 300))
    looking = threading.Event()
    claim, unfinished = service._records.claim, service._records.unfinished
    heartbeat = threading.Thread(target=service.recover)

    def unfinished_says_so() -> list[Unfinished]:
        rows = unfinished()
        looking.set()
        return rows

    def claim_and_look(worker: str, job_id: str | None = None) -> Job | None:
        claimed = claim(worker, job_id)
        heartbeat.start()
        assert looking.wait(60)
        return claimed

    monkeypatch.setattr(service._records, "unfinished", unfinished_says_so)
    monkeypatch.setattr(service._records, "claim", claim_and_look)
    assert service.run_announced(job.id, lambda: False).status == "succeeded"
    heartbeat.join()
    assert [event.kind for event in service.events(job.id)] == ["submitted", "started", "succeeded"]


def test_leftovers_are_swept_at_start(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path, dead: str
) -> None:
    objects = settings.home / "objects" / "jobs"
    job = submit(service, draw_image(tmp_path / "chip.tif"))
    waiting = service.create_upload("waiting.tif", None, "ana")
    service.receive_upload(waiting.id, [b"II*\0"])
    orphan, fresh = objects / new_id(), objects / new_id()
    for folder in (orphan, fresh):
        folder.mkdir()
        (folder / INPUT).write_bytes(b"II*\0")
    for folder in objects.iterdir():
        if folder != fresh:
            for path in folder.iterdir():
                os.utime(path, (time.time() - 7200,) * 2)
    parent = str(replace(Worker.here(), pid=os.getppid()))
    unfinished, living = settings.home / "work" / dead, settings.home / "work" / parent
    old, young = (settings.home / "work" / str(replace(Worker.here(), host=f"before-{n}")) for n in range(2))
    for folder in (unfinished, living, old, young):
        folder.mkdir(parents=True)
        (folder / "half.tif").write_bytes(b"II*\0")
    for path in (old / "half.tif", old, young, living / "half.tif", living):
        os.utime(path, (time.time() - WORK_AGE.total_seconds() - 60,) * 2)
    service.start()
    assert {folder.name for folder in objects.iterdir()} == {job.id, waiting.id, fresh.name}
    assert not unfinished.exists()
    assert living.exists()
    # What ran before this machine was started, or in another container, may still live for all that is known here.
    assert (old.exists(), young.exists()) == (False, True)
