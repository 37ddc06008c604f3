"""What a Lambda machine keeps between invocations, and what it does not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from suelo.aws import machine


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Path]]:
    """Files that a worker left when it was killed, in a home and a folder for temporary files of this test."""
    home, temporary = tmp_path / "suelo", tmp_path
    monkeypatch.setenv("SUELO_HOME", str(home))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    files = {
        "half made": home / "work" / "lambda-abc~8~01234567" / ("0" * 32) / "probabilities.tif",
        "half fetched": home / "cache" / "jobs" / ("0" * 32) / ".0123.tif",
        "temporary": temporary / "suelo-0123" / "image.tif",
        "answer": temporary / "suelo-4567",
        "whole copy": home / "cache" / "jobs" / ("0" * 32) / "input.tif",
        "another's": temporary / "other",
    }
    for path in files.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"II*\0")
    machine.job_service.cache_clear()
    yield files
    machine.job_service().stop()
    machine.job_service.cache_clear()


def test_what_a_killed_process_left_makes_room_for_the_next_one(
    left: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    machine.job_service()
    assert {name for name, path in left.items() if path.exists()} == {"whole copy", "another's"}


def test_elsewhere_files_may_be_those_of_others(left: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_RUNTIME_API", raising=False)
    machine.job_service()
    assert all(path.exists() for path in left.values())
