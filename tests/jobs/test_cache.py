"""The bounded folder of files that can be made again."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from suelo.jobs.cache import FileCache


def test_a_file_is_made_once_even_when_many_ask(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, 1_000_000)
    made = []

    def make(path: Path) -> None:
        made.append(path)
        time.sleep(0.05)
        path.write_text("content")

    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: cache.get("job/a.csv", make), range(8)))
    assert len(made) == 1
    assert made[0].suffix == ".csv"
    assert [path.read_text() for path in paths] == ["content"]


def test_a_file_that_fails_is_not_there_and_is_tried_again(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, 1_000_000)

    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        cache.get("a.csv", fail)
    assert list(tmp_path.iterdir()) == []
    assert cache.get("a.csv", lambda path: path.write_text("whole") and None).read_text() == "whole"


def test_the_files_used_longest_ago_go_first(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, 250)
    for number, name in enumerate(("a", "b")):
        path = cache.get(name, lambda path: path.write_bytes(bytes(100)) and None)
        os.utime(path, (number, number))
    cache.get("a", lambda path: pytest.fail("it is there"))
    cache.get("c", lambda path: path.write_bytes(bytes(100)) and None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]


def test_a_file_larger_than_the_cache_can_still_be_used(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, 10)
    assert cache.get("a", lambda path: path.write_bytes(bytes(100)) and None).stat().st_size == 100


def test_half_made_files_of_dead_processes_are_swept(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, 1_000_000)
    whole = cache.get("job/a", lambda path: path.write_bytes(b"a") and None)
    old, fresh, folder = tmp_path / "job" / ".old.csv", tmp_path / "job" / ".fresh.csv", tmp_path / "job" / ".folder"
    folder.mkdir()
    for path in (old, fresh, folder / "part"):
        path.write_text("half")
    for path in (old, folder, whole):
        os.utime(path, (0, 0))
    cache.sweep()
    assert sorted(path.name for path in (tmp_path / "job").iterdir()) == [".fresh.csv", "a"]
