"""`kill -9` at any moment: no job is lost, none is stuck, and nothing is left over."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio

from suelo.jobs.objects import DISPLAY, INPUT, PROBABILITIES, RESULT, key
from suelo.jobs.service import JobService
from suelo.settings import Settings

Draw = Callable[..., Path]


class Visitor(threading.Thread):
    """Sends chips and scenes one after the other, whether or not the server is there."""

    def __init__(self, suelo, images: Iterator[tuple[str, bytes]]) -> None:
        super().__init__()
        self._suelo = suelo
        self._images = images
        self._enough = threading.Event()
        self.accepted: dict[str, str] = {}
        self.problems: list[str] = []

    def run(self) -> None:
        for name, image in self._images:
            while not self._enough.is_set():
                with contextlib.suppress(OSError):
                    try:
                        job = self._suelo.submit(image, name)
                    except AssertionError as error:
                        self.problems.append(str(error))
                        break
                    self.accepted[job["id"]] = name
                    break
                time.sleep(0.05)
            if self._enough.is_set():
                return

    def finish(self) -> None:
        self._enough.set()
        self.join()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["one process", "server and worker"])
def test_nothing_is_lost_stuck_or_left_over_after_kills_at_random_moments(
    kind: str, request: pytest.FixtureRequest, start_suelo, draw_image: Draw, tmp_path: Path
) -> None:
    # A job whose process was killed three times is not tried again, so no process is killed more than twice.
    if kind == "one process":
        commands = {"serve": ["serve"]}
        suelo = start_suelo()
        settings = Settings(home=tmp_path / "home")
    else:
        commands = {"worker": ["worker"], "serve": ["serve", "--no-jobs"]}
        postgres, s3 = request.getfixturevalue("postgres"), request.getfixturevalue("s3_server")
        suelo = start_suelo(SUELO_DATABASE=postgres.url, SUELO_STORE=s3.url, **s3.environment)
        monkeypatch = request.getfixturevalue("monkeypatch")
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        settings = Settings(home=tmp_path / "home", database=postgres.url, store=s3.url)
    seed = time.time_ns() % 1_000_000
    print("seed", seed)
    dice = random.Random(seed)

    def images() -> Iterator[tuple[str, bytes]]:
        for number in range(1000):
            # Chips; scenes; and now and then one that is large enough to go on where it was.
            size = (1300, 1000) if number % 12 == 4 else (400, 300) if number % 4 == 0 else (64, 64)
            path = draw_image(tmp_path / "image.tif", *size, seed=number)
            yield f"{number}.tif", path.read_bytes()

    for command in commands.values():
        suelo.start(*command)
    visitor = Visitor(suelo, images())
    visitor.start()
    for _ in range(2):
        for name, command in commands.items():
            time.sleep(dice.uniform(0.2, 2.5))
            suelo.kill(name)
            suelo.start(*command)
    visitor.finish()

    service = JobService(settings)
    records, objects = service._records, service._objects
    end = time.monotonic() + 120
    while records.unfinished():
        assert time.monotonic() < end, "a job is stuck"
        time.sleep(0.1)
    assert visitor.accepted
    for job_id, name in visitor.accepted.items():
        job = service.get(job_id)
        assert (job.status, job.message) == ("succeeded", ""), name
    # Nothing but an answer that never came may have cost an image.
    assert visitor.problems == []
    for job in service.list(next(iter(service.get(i).owner for i in visitor.accepted)), 1000):
        if job.status == "failed":
            assert "send the image again" in job.message
            continue
        for name in (INPUT, DISPLAY, PROBABILITIES, RESULT):
            assert objects.size(key(job.id, name)), (job.id, name)
        with rasterio.open(service.results.raster(job.id, "probabilities")) as dataset:
            assert np.isin(dataset.read(1), [*range(251), 255]).all()
    for name in commands:
        assert suelo.end(name) == 0

    service.tidy(timedelta(0))
    assert [name for name, _ in objects._all("jobs") if "/parts/" in name] == []
    found = set(objects.job_ids(timedelta(seconds=-60)))
    assert records.known(found) == found
    if kind == "one process":
        unfinished = [p for p in (tmp_path / "home" / "objects").rglob("*") if "#" in p.name or p.name.startswith(".")]
        assert unfinished == []
    assert [p for p in (tmp_path / "home" / "work").iterdir() if p.name != str(service._worker)] == []
    service.stop()
