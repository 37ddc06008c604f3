"""A scene that takes longer than one invocation may: its progress is kept, and the next worker goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rasterio
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from lambda_backend import sqs_event
from sqlalchemy.exc import OperationalError

from suelo.aws import machine, worker
from suelo.jobs.job import Job
from suelo.jobs.objects import DISPLAY, key
from suelo.jobs.parts import FOLDER
from suelo.jobs.service import JobService
from suelo.settings import Settings

HEIGHT, WIDTH = 2000, 600


class Context:
    """Lambda's context object, with a clock of ours."""

    function_name = "suelo-worker"
    memory_limit_in_mb = 7076
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:suelo-worker"
    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"

    def __init__(self, time_is_up: Any) -> None:
        self._time_is_up = time_is_up

    def get_remaining_time_in_millis(self) -> int:
        return 80_000 if self._time_is_up() else 600_000


@pytest.fixture
def service(queue: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobService]:
    """The service of the worker function, on SQLite and a folder, with a queue."""
    monkeypatch.setenv("SUELO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SUELO_QUEUE", queue.url)
    monkeypatch.setenv("SUELO_HANDOVER_S", "90")
    machine.job_service.cache_clear()
    yield machine.job_service()
    machine.job_service().stop()
    machine.job_service.cache_clear()


@pytest.fixture
def scene(service: JobService, draw_image: Any, tmp_path: Path) -> Job:
    content = draw_image(tmp_path / "long.tif", HEIGHT, WIDTH, empty_rows=40).read_bytes()
    upload = service.create_upload("long.tif", len(content), "owner")
    service.receive_upload(upload.id, [content])
    return service.submit(upload.id, "owner")


@pytest.fixture(autouse=True)
def low_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """More strips than a scene of this size has."""
    monkeypatch.setattr("suelo.segmentation.tiling.TILE_SIDE", 256)


def stored(service: JobService, job: Job) -> list[Path]:
    folder = Path(service.settings.store_url.removeprefix("file://")) / key(job.id, FOLDER)
    return sorted(folder.glob("*.npy"))  # not what is being written


def deliver(bodies: list[str], time_is_up: Any) -> None:
    messages = [{"MessageId": str(i), "ReceiptHandle": "", "Body": body} for i, body in enumerate(bodies)]
    assert worker.handler(sqs_event(messages), Context(time_is_up)) == {"batchItemFailures": []}


def test_the_next_worker_goes_on_where_the_last_one_was(
    service: JobService, scene: Job, queue: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    announced = queue.bodies()
    assert announced == [json.dumps({"job": scene.id})]
    deliver(announced, lambda: len(stored(service, scene)) >= 2)
    halfway = service.get(scene.id)
    assert halfway.status == "queued"
    assert 0.15 < halfway.progress < 0.95
    kept = {path: path.stat().st_mtime_ns for path in stored(service, scene)}
    assert len(kept) >= 2
    folder = Path(service.settings.store_url.removeprefix("file://"))
    display = (folder / key(scene.id, DISPLAY)).stat().st_mtime_ns

    # Another machine: nothing of the first one's files or memory is there.
    machine.job_service.cache_clear()
    monkeypatch.setenv("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0123456789abcdef0123456789abcdef")
    announced = queue.bodies()
    assert announced == [json.dumps({"job": scene.id})]
    rows = []
    run = service.model.run
    monkeypatch.setattr(service.model, "run", lambda images: rows.append(images.shape) or run(images))
    deliver(announced, lambda: False)
    done = service.get(scene.id)
    assert (done.status, done.progress, done.message) == ("succeeded", 1.0, "")
    assert stored(service, scene) == []
    assert queue.bodies() == []
    assert (folder / key(scene.id, DISPLAY)).stat().st_mtime_ns == display

    # It had less to do, and the result is the one of a run that nobody interrupted.
    second = len(rows)
    rows.clear()
    other = JobService(Settings(home=tmp_path / "other", queue="", max_direct_pixels=4 * HEIGHT * WIDTH))
    try:
        content = (folder / key(scene.id, "input.tif")).read_bytes()
        whole = other.submit_image(content, "long.tif", "owner")
        assert 0 < second < len(rows)
        with (
            rasterio.open(service.results.raster(scene.id, "probabilities")) as resumed,
            rasterio.open(other.results.raster(whole.id, "probabilities")) as expected,
        ):
            assert (resumed.read() == expected.read()).all()
    finally:
        other.stop()


def test_a_scene_that_gets_nowhere_fails_in_the_end(service: JobService, scene: Job, queue: SimpleNamespace) -> None:
    announced = queue.bodies()
    runs = 0
    while announced:
        deliver(announced, lambda: True)
        announced = queue.bodies()
        runs += 1
    failed = service.get(scene.id)
    assert (failed.status, runs) == ("failed", 3)
    assert "as long here" in failed.message


def test_a_scene_that_was_cancelled_on_the_way_ends_and_leaves_no_strips(
    service: JobService, scene: Job, queue: SimpleNamespace
) -> None:
    deliver(queue.bodies(), lambda: bool(stored(service, scene)))
    assert service.get(scene.id).status == "queued"
    service.cancel(scene.id)
    deliver(queue.bodies(), lambda: False)
    assert service.get(scene.id).status == "cancelled"
    service.delete(scene.id)
    assert stored(service, scene) == []


def test_what_a_dead_worker_held_is_announced_again(
    service: JobService, scene: Job, queue: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from suelo.jobs import recovery

    queue.bodies()
    assert service._records.claim("lambda-abc~7~00000000", scene.id) is not None
    service.recover()
    assert queue.bodies() == [], "a worker that was heard of lately lives"
    monkeypatch.setattr(recovery, "SILENCE", recovery.SILENCE * -1)
    service.recover()
    assert queue.bodies() == [json.dumps({"job": scene.id})]
    assert service.get(scene.id).status == "queued"


def test_a_message_that_failed_does_not_put_its_scene_to_sleep(
    service: JobService, scene: Job, queue: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("SELECT", {}, ConnectionError("the database is away"))

    # Taken and not deleted: SQS shows it again after the visibility timeout, here long after the test.
    queue.client.set_queue_attributes(QueueUrl=queue.url, Attributes={"VisibilityTimeout": "5400"})
    (failing,) = queue.client.receive_message(QueueUrl=queue.url)["Messages"]
    with monkeypatch.context() as patch:
        patch.setattr(service._records, "claim", away)
        with pytest.raises(BatchProcessingError):
            deliver([failing["Body"]], lambda: False)
    assert service.get(scene.id).status == "queued"
    assert service.announce_lost() == 1
    again = queue.bodies()
    deliver(again, lambda: False)
    assert service.get(scene.id).status == "succeeded"
    # The first one comes after all.
    deliver([failing["Body"]], lambda: False)
    assert [event.kind for event in service.events(scene.id)] == ["submitted", "started", "succeeded"]


def test_only_an_empty_queue_means_that_messages_were_lost(
    service: JobService, scene: Job, queue: SimpleNamespace
) -> None:
    assert service.announce_lost() == 0
    queue.bodies()
    assert service.announce_lost() == 1
    assert queue.bodies() == [json.dumps({"job": scene.id})]
