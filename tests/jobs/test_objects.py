"""The object store, in a folder and in S3."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest

from suelo.errors import InputError, NotFoundError, UnavailableError
from suelo.jobs.cache import FileCache
from suelo.jobs.job import new_id
from suelo.jobs.objects import Objects, export_key, key


@pytest.fixture
def objects(store_url: str, tmp_path: Path) -> Objects:
    return Objects(store_url, FileCache(tmp_path / "cache", 100_000_000))


@pytest.fixture
def s3_objects(s3: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Objects:
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    return Objects(f"s3://results/{tmp_path.name}", FileCache(tmp_path / "cache", 100_000_000))


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


def test_a_large_object_goes_to_s3_and_comes_back_in_pieces(s3_objects: Objects, tmp_path: Path) -> None:
    job = new_id()
    made = tmp_path / "made.tif"
    made.write_bytes(np.random.default_rng(1).bytes(40_000_000))
    s3_objects.put_file(key(job, "probabilities.tif"), made, name="Usaquén 2.tif", media_type="image/tiff")
    assert s3_objects.local(key(job, "probabilities.tif")).read_bytes() == made.read_bytes()
    with urlopen(s3_objects.address_for_download(key(job, "probabilities.tif"))) as answer:
        # The tag of an object that came in parts ends with their number.
        assert re.search(r'-[2-9]"$', answer.headers["ETag"])
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''Usaqu%C3%A9n%202.tif"
        assert answer.headers["Content-Type"] == "image/tiff"
        assert answer.read() == made.read_bytes()


def test_nobody_sees_a_part_of_an_object_while_it_arrives(objects: Objects) -> None:
    job = new_id()
    seen = []

    def look() -> None:
        seen.append((objects.size(key(job, "input.tif")), objects.size(key(job, "display.tif"))))

    def arriving() -> Iterator[bytes]:
        for _ in range(4):
            yield bytes(6_000_000)
            others.submit(look).result()

    objects.put(key(job, "display.tif"), b"the old one")
    with ThreadPoolExecutor(1) as others:
        objects.put(key(job, "input.tif"), arriving())
        objects.put(key(job, "display.tif"), arriving())
    assert seen == [(None, 11)] * 4 + [(24_000_000, 11)] * 4
    assert objects.size(key(job, "display.tif")) == 24_000_000


def test_an_address_gives_one_object_for_one_purpose(s3_objects: Objects) -> None:
    mine, other = key(new_id(), "input.tif"), key(new_id(), "input.tif")
    s3_objects.put(other, b"other")
    address = s3_objects.address_for_upload(mine)
    with urlopen(Request(address, b"image", method="PUT")) as answer:
        assert answer.status == 200
    assert s3_objects.read(mine) == b"image"
    for request in (
        Request(address),
        Request(address.replace(mine, other), b"mine now", method="PUT"),
        Request(s3_objects.address_for_download(mine), method="DELETE"),
    ):
        with pytest.raises(HTTPError) as raised:
            urlopen(request)
        assert raised.value.code == 403
    assert (s3_objects.read(mine), s3_objects.read(other)) == (b"image", b"other")


def test_a_folder_has_no_addresses(tmp_path: Path) -> None:
    objects = Objects(tmp_path.as_uri(), FileCache(tmp_path / "cache", 1))
    assert objects.address_for_upload("jobs/a/input.tif") is None
    assert objects.address_for_download("jobs/a/input.tif") is None


def test_old_exports_are_swept(objects: Objects, tmp_path: Path) -> None:
    job = new_id()
    made = tmp_path / "a.gpkg"
    made.write_bytes(b"gpkg")
    objects.put_file(export_key(job, "polygons.gpkg"), made)
    objects.put(key(job, "result.json"), b"{}")
    objects.sweep_exports(timedelta(hours=1))
    assert objects.size(export_key(job, "polygons.gpkg")) == 4
    objects.sweep_exports(timedelta(seconds=-60))
    assert objects.size(export_key(job, "polygons.gpkg")) is None
    assert objects.size(key(job, "result.json")) == 2


def test_what_a_dead_process_was_writing_is_swept(tmp_path: Path) -> None:
    objects = Objects((tmp_path / "objects").as_uri(), FileCache(tmp_path / "cache", 1))
    whole, folder = key(new_id(), "input.tif"), tmp_path / "objects" / "jobs"
    objects.put(whole, b"image")
    half = (tmp_path / "objects" / whole).parent
    (half / "display.tif#1").write_bytes(b"half")
    (half / ".result.json.x1").write_bytes(b"{")
    (half / "parts" / ".0.npy.x2").mkdir(parents=True)
    (half / "parts" / "0.npy").write_bytes(b"strip")
    objects.sweep_unfinished(timedelta(hours=1))
    assert len(list(half.iterdir())) == 4
    objects.sweep_unfinished(timedelta(seconds=-60))
    left = {path.relative_to(half).as_posix() for path in folder.rglob("*") if half in path.parents}
    assert left == {"input.tif", "parts", "parts/0.npy"}


def test_a_store_that_is_away_is_an_error_of_its_own(
    s3: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        objects = Objects("s3://results/away", FileCache(tmp_path / "cache", 1))
        for use in (
            lambda: objects.put("jobs/a/input.tif", b"image"),
            lambda: objects.put("jobs/a/input.tif", iter([bytes(6_000_000)] * 2)),
            lambda: objects.size("jobs/a/input.tif"),
            lambda: objects.local("jobs/a/input.tif"),
            lambda: objects.delete_job("a"),
            lambda: objects.job_ids(timedelta(0)),
        ):
            with pytest.raises(UnavailableError, match="try again soon"):
                use()


@pytest.mark.parametrize("address", ["ftp://host/folder", "s3://", "s3:///prefix"])
def test_other_stores_are_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(InputError, match="file:///folder or s3://"):
        Objects(address, FileCache(tmp_path, 1))
