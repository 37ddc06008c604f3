"""The object store, in a folder and in S3."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from suelo.errors import InputError, NotFoundError
from suelo.jobs.cache import FileCache
from suelo.jobs.job import new_id
from suelo.jobs.objects import Objects, key


@pytest.fixture
def objects(store_url: str, tmp_path: Path) -> Objects:
    return Objects(store_url, FileCache(tmp_path / "cache", 100_000_000))


def test_objects_come_back_whole(objects: Objects, tmp_path: Path) -> None:
    job = new_id()
    large = bytes(range(256)) * 50_000
    objects.put(key(job, "input.tif"), (large[i : i + 1_000_003] for i in range(0, len(large), 1_000_003)))
    objects.put(key(job, "result.json"), b"{}")
    file = tmp_path / "made.tif"
    file.write_bytes(large[::-1])
    objects.put_file(key(job, "display.tif"), file)
    assert objects.local(key(job, "input.tif")).read_bytes() == large
    assert objects.local(key(job, "display.tif")).read_bytes() == large[::-1]
    assert objects.read(key(job, "result.json")) == b"{}"
    assert objects.size(key(job, "input.tif")) == len(large)


def test_an_object_that_does_not_arrive_whole_is_not_there(objects: Objects) -> None:
    job = new_id()

    def breaks_off() -> Iterator[bytes]:
        for _ in range(12):
            yield bytes(1_000_000)
        raise ConnectionResetError("the sender is gone")

    with pytest.raises(ConnectionResetError):
        objects.put(key(job, "input.tif"), breaks_off())
    assert objects.size(key(job, "input.tif")) is None
    with pytest.raises(NotFoundError):
        objects.local(key(job, "input.tif"))


def test_a_deleted_job_leaves_nothing(objects: Objects) -> None:
    gone, kept = new_id(), new_id()
    for job in (gone, kept):
        objects.put(key(job, "input.tif"), b"image")
        objects.put(key(job, "result.json"), b"{}")
    objects.local(key(gone, "input.tif"))
    objects.delete_job(gone)
    assert objects.job_ids(timedelta(seconds=-60)) == [kept]
    with pytest.raises(NotFoundError):
        objects.local(key(gone, "input.tif"))
    assert objects.read(key(kept, "input.tif")) == b"image"


def test_fresh_objects_are_not_taken_for_leftovers(objects: Objects) -> None:
    objects.put(key(new_id(), "input.tif"), b"image")
    assert objects.job_ids(timedelta(hours=1)) == []


def test_other_stores_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="file:///folder or s3://"):
        Objects("ftp://host/folder", FileCache(tmp_path, 1))
