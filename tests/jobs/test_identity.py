"""Telling whether the process that runs a job still lives."""

from __future__ import annotations

import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from suelo.jobs import identity
from suelo.jobs.identity import Worker


def test_a_worker_is_read_back_from_its_name() -> None:
    me = Worker.here()
    assert Worker.parse(str(me)) == me
    assert Worker.parse("something else") is None


def test_only_an_ended_process_of_this_machine_is_surely_dead() -> None:
    me = Worker.here()
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    other = replace(me, pid=process.pid, token="other")
    assert not other.surely_dead(me)
    process.communicate(b"\n")
    assert other.surely_dead(me)
    assert not replace(other, host="elsewhere").surely_dead(me)
    assert not me.surely_dead(me)


def test_an_earlier_process_with_the_same_number_is_dead() -> None:
    me = Worker.here()
    assert replace(me, token="earlier").surely_dead(me)


@pytest.mark.parametrize("differs", ["_BOOT_ID", "_PROCESSES"])
def test_machines_and_containers_with_the_same_name_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, differs: str
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "a-long-name." * 5 + "example")
    me = Worker.here()
    (tmp_path / "other").write_text("6f1c9a52-0000-4000-8000-000000000000")
    monkeypatch.setattr(identity, differs, tmp_path / "other")
    other = Worker.here()
    assert other.host != me.host
    assert not replace(me, token="other").surely_dead(other)
    assert Worker.parse(str(other)) == other


def test_a_system_without_proc_has_workers_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("_BOOT_ID", "_PROCESSES"):
        monkeypatch.setattr(identity, name, tmp_path / "missing")
    me = Worker.here()
    assert replace(me, token="earlier").surely_dead(me)


def test_machines_of_lambda_are_told_apart_although_they_share_names(monkeypatch):
    workers = []
    for stream in ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"):
        monkeypatch.setenv("AWS_LAMBDA_LOG_STREAM_NAME", f"2026/11/22/[$LATEST]{stream}")
        workers.append(Worker.here())
    first, second = workers
    assert first.pid == second.pid
    assert not first.surely_dead(second)
    assert Worker.parse(str(first)) == first
    assert "/" not in str(first)
