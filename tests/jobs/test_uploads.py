"""Images on their way in."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from sqlalchemy import Engine, delete, text
from sqlalchemy.orm import Session

from suelo.errors import ConflictError, ImageTooLargeError, InputError, NotFoundError
from suelo.jobs.cache import FileCache
from suelo.jobs.database import open_database
from suelo.jobs.job import Job
from suelo.jobs.objects import INPUT, Objects, key
from suelo.jobs.records import Records
from suelo.jobs.tables import UploadRow
from suelo.jobs.uploads import Uploads, clean_name


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects((tmp_path / "objects").as_uri(), FileCache(tmp_path / "cache", 1))


@pytest.fixture
def uploads(engine: Engine, objects: Objects) -> Uploads:
    return Uploads(engine, objects, max_bytes=1000)


def test_an_image_arrives(uploads: Uploads, objects: Objects) -> None:
    made = uploads.create("scene.tif", 9, "ana")
    with pytest.raises(ConflictError):
        uploads.whole(made.id)
    uploads.receive(made.id, [b"abc", b"def", b"ghi"])
    arrived = uploads.whole(made.id)
    assert (arrived.name, arrived.received) == ("scene.tif", 9)
    assert arrived.sha256 == hashlib.sha256(b"abcdefghi").hexdigest()
    assert objects.read(key(made.id, INPUT)) == b"abcdefghi"


def test_an_image_above_the_limit_is_refused_before_and_while_it_comes(uploads: Uploads, objects: Objects) -> None:
    with pytest.raises(ImageTooLargeError):
        uploads.create("scene.tif", 1001, "ana")
    made = uploads.create("scene.tif", None, "ana")
    with pytest.raises(ImageTooLargeError):
        uploads.receive(made.id, [bytes(500)] * 3)
    assert objects.size(key(made.id, INPUT)) is None


@pytest.mark.parametrize("size", [3, 9])
def test_an_image_of_another_size_than_announced_is_refused(uploads: Uploads, objects: Objects, size: int) -> None:
    made = uploads.create("scene.tif", 6, "ana")
    with pytest.raises(InputError, match="6 were announced"):
        uploads.receive(made.id, [bytes(size)])
    assert objects.size(key(made.id, INPUT)) is None


def test_an_image_with_another_digest_than_announced_is_refused(uploads: Uploads, objects: Objects) -> None:
    with pytest.raises(InputError, match="64 hexadecimal"):
        uploads.create("scene.tif", 3, "ana", "ABC")
    made = uploads.create("scene.tif", 3, "ana", hashlib.sha256(b"abc").hexdigest())
    with pytest.raises(InputError, match="SHA-256"):
        uploads.receive(made.id, [b"abd"])
    assert objects.size(key(made.id, INPUT)) is None
    assert uploads.receive(made.id, [b"abc"]).received == 3


@pytest.mark.parametrize("announced", [True, False])
def test_an_image_may_come_again_but_no_other(uploads: Uploads, objects: Objects, announced: bool) -> None:
    digest = hashlib.sha256(b"abc").hexdigest()
    made = uploads.create("scene.tif", 3, "ana", digest if announced else None)
    for _ in range(2):
        assert uploads.receive(made.id, [b"abc"]).sha256 == digest
        with pytest.raises(InputError, match="another SHA-256"):
            uploads.receive(made.id, [b"abd"])
    assert objects.read(key(made.id, INPUT)) == b"abc"
    assert uploads.whole(made.id).sha256 == digest


@pytest.mark.parametrize("meanwhile", ["another image came", "a job was made of it"])
def test_what_is_still_on_its_way_does_not_replace_what_is_there(
    uploads: Uploads, objects: Objects, records: Records, new_job: Callable[..., Job], meanwhile: str
) -> None:
    made = uploads.create("scene.tif", None, "ana")

    def slowly() -> Iterator[bytes]:
        yield b"a"
        with ThreadPoolExecutor(1) as another:
            another.submit(uploads.receive, made.id, [b"abc"]).result()
        if meanwhile == "a job was made of it":
            records.add(new_job(id=made.id), from_upload=True)
        yield b"bd"

    with pytest.raises(InputError if meanwhile == "another image came" else NotFoundError):
        uploads.receive(made.id, slowly())
    assert objects.read(key(made.id, INPUT)) == b"abc"


@pytest.fixture
def s3_uploads(engine: Engine, s3: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Uploads:
    """Uploads that go straight to S3."""
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    objects = Objects(f"s3://results/{tmp_path.name}", FileCache(tmp_path / "cache", 10**8))
    return Uploads(engine, objects, max_bytes=1000, presign=True)


def put(address: str | None, content: bytes) -> None:
    assert address is not None
    with urlopen(Request(address, content, method="PUT")) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("announced", [True, False])
def test_an_image_arrives_past_the_server(s3_uploads: Uploads, announced: bool) -> None:
    digest = hashlib.sha256(b"abc").hexdigest()
    made = s3_uploads.create("scene.tif", 3, "ana", digest if announced else None)
    with pytest.raises(ConflictError):
        s3_uploads.whole(made.id)
    put(s3_uploads.address(made), b"abc")
    arrived = s3_uploads.whole(made.id)
    assert (arrived.received, arrived.sha256) == (3, digest)


@pytest.mark.parametrize(
    ("size", "sha256", "content", "sentence"),
    [
        (4, None, b"abc", "4 were announced"),
        (None, "0" * 64, b"abc", "another SHA-256"),
        (None, hashlib.sha256(bytes(1001)).hexdigest(), bytes(1001), "larger than"),
    ],
)
def test_a_wrong_image_that_arrived_past_the_server_is_forgotten(
    s3_uploads: Uploads, size: int | None, sha256: str | None, content: bytes, sentence: str
) -> None:
    made = s3_uploads.create("scene.tif", size, "ana", sha256)
    put(s3_uploads.address(made), content)
    with pytest.raises(InputError, match=sentence):
        s3_uploads.whole(made.id)
    with pytest.raises(NotFoundError):
        s3_uploads.whole(made.id)


def test_a_large_image_does_not_go_past_the_server_without_its_digest(
    s3_uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suelo.jobs.uploads.LARGE_BYTES", 100)
    for size in (101, None):
        with pytest.raises(InputError, match="announce its size, and above"):
            s3_uploads.create("scene.tif", size, "ana")
        assert s3_uploads.create("scene.tif", size, "ana", "0" * 64).sha256 == "0" * 64
    assert s3_uploads.create("scene.tif", 100, "ana").size == 100


def test_images_come_through_the_server_unless_it_is_told_otherwise(uploads: Uploads) -> None:
    assert uploads.address(uploads.create("scene.tif", 3, "ana")) is None


def test_nothing_is_no_image(uploads: Uploads) -> None:
    with pytest.raises(InputError, match="empty"):
        uploads.receive(uploads.create("scene.tif", None, "ana").id, [])


def test_a_discarded_upload_is_gone(uploads: Uploads, objects: Objects) -> None:
    made = uploads.create("scene.tif", None, "ana")
    uploads.receive(made.id, [b"abc"])
    uploads.discard(made.id)
    assert objects.size(key(made.id, INPUT)) is None
    with pytest.raises(NotFoundError):
        uploads.receive(made.id, [b"abc"])


def test_a_job_that_is_being_made_of_an_upload_keeps_its_image_when_the_upload_is_forgotten(
    new_database: Callable[[], str], objects: Objects
) -> None:
    # Not on SQLite, where transactions that change something take turns.
    engine = open_database(new_database())
    uploads = Uploads(engine, objects, max_bytes=1000)
    made = uploads.create("scene.tif", None, "ana")
    uploads.receive(made.id, [b"abc"])
    with ThreadPoolExecutor(1) as pool:
        with Session(engine) as session, session.begin():
            session.execute(delete(UploadRow).where(UploadRow.id == made.id))
            forgotten = pool.submit(uploads.discard, made.id)
            with engine.connect() as watcher:
                end = time.monotonic() + 60
                while not watcher.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                    assert time.monotonic() < end, "it does not wait"
                    time.sleep(0.01)
        forgotten.result()
    engine.dispose()
    assert objects.size(key(made.id, INPUT)) == 3


def test_old_uploads_are_swept(uploads: Uploads, objects: Objects) -> None:
    made = uploads.create("scene.tif", None, "ana")
    uploads.receive(made.id, [b"abc"])
    uploads.sweep(timedelta(hours=1))
    assert objects.size(key(made.id, INPUT)) == 3
    uploads.sweep(timedelta(seconds=-1))
    assert objects.size(key(made.id, INPUT)) is None


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("Bogotá, Usaquén (norte).tif", "Bogotá, Usaquén (norte).tif"),
        ("../../etc/passwd", "passwd"),
        ("C:\\scans\\a.tif", "a.tif"),
        ('a"b\r\nSet-Cookie: x.tif', "a_b__Set-Cookie_ x.tif"),
        ("...", "image"),
        ("", "image"),
        ("a" * 300 + ".tif", "a" * 116 + ".tif"),
    ],
)
def test_file_names_are_made_safe_and_stay_readable(given: str, safe: str) -> None:
    assert clean_name(given) == safe
