"""`suelo serve --processes`: every process answers, one that dies is replaced, and none outlives the first."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

Draw = Callable[..., Path]


def answering(suelo) -> list[psutil.Process]:
    """The processes that answer, oldest first."""
    started = []
    for child in psutil.Process(suelo.pid("serve")).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            if "spawn_main" in " ".join(child.cmdline()):
                started.append(child)
    return sorted(started, key=lambda child: child.create_time())


@pytest.fixture
def served(start_suelo, until):
    """A server of two processes, both of which answer."""
    suelo = start_suelo()
    suelo.start("serve", "--processes", "2")
    until(lambda: "The page is on" in suelo.log(), "the start of both processes")
    return suelo


def test_every_process_answers_and_finds_the_results_of_the_others(served, draw_image: Draw, tmp_path: Path) -> None:
    first, second = answering(served)
    chip = draw_image(tmp_path / "chip.tif", 64, 64).read_bytes()
    first.suspend()
    status, answer = served.ask("POST", "/segment_tiff", chip)
    first.resume()
    assert status == 200, answer
    second.suspend()
    try:
        assert served.job(answer["job"]["id"])["status"] == "succeeded"
        assert served.ask("POST", "/segment_tiff", chip)[1]["job"]["id"] == answer["job"]["id"]
    finally:
        second.resume()


def test_chips_that_come_together_are_all_answered(served, draw_image: Draw, tmp_path: Path) -> None:
    chips = [draw_image(tmp_path / f"{n}.tif", 64, 64, seed=n).read_bytes() for n in range(24)]
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda chip: served.ask("POST", "/segment_tiff", chip), chips))
    assert [status for status, _ in answers] == [200] * 24
    assert len({answer["job"]["id"] for _, answer in answers}) == 24
    status, listed = served.ask("GET", "/v1/jobs?limit=100")
    assert status == 200
    assert len(listed["jobs"]) == 24


def test_a_process_that_is_killed_is_replaced_and_its_job_finishes(
    served, draw_image: Draw, tmp_path: Path, until
) -> None:
    job = served.submit(draw_image(tmp_path / "scene.tif", 1300, 1000).read_bytes())
    until(lambda: served.job(job["id"])["status"] == "running", "the start of the job")
    first, second = answering(served)
    first.kill()
    until(lambda: len(answering(served)) == 2, "the start of another process")
    assert second in answering(served)
    until(lambda: served.job(job["id"])["status"] == "succeeded", "the end of the job")


def test_the_end_of_the_server_is_the_end_of_its_processes(served) -> None:
    processes = answering(served)
    assert served.end("serve") == 0
    assert psutil.wait_procs(processes, timeout=0)[1] == []


def test_processes_end_when_the_first_is_killed(served) -> None:
    processes = answering(served)
    served.kill("serve")
    assert psutil.wait_procs(processes, timeout=30)[1] == []
    socket.create_server(("127.0.0.1", served.port)).close()


def test_what_keeps_a_process_from_starting_is_said_once(start_suelo, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no folder")
    suelo = start_suelo()
    with pytest.raises(AssertionError):
        suelo.start("serve", "--processes", "2")
    assert suelo.log().count("Error:") == 1
    assert "Traceback" not in suelo.log()
