"""Large files of results come from S3 itself, where clients may have addresses of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from flask.testing import FlaskClient

from suelo.api.app import create_api
from suelo.jobs import downloads
from suelo.jobs.job import now
from suelo.jobs.objects import ADDRESS_LIFETIME
from suelo.jobs.recovery import EXPORT_AGE, EXPORT_SWEEP_AGE
from suelo.jobs.service import JobService
from suelo.settings import Settings

Draw = Callable[..., Path]


@pytest.fixture
def service(s3: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobService]:
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(downloads, "DIRECT_BYTES", 2000)
    service = JobService(Settings(home=tmp_path / "home", store=f"s3://results/{tmp_path.name}", presign=True))
    yield service
    service.stop()


@pytest.fixture
def client(service: JobService) -> FlaskClient:
    return create_api(service).test_client()


def fetch(address: str) -> tuple[bytes, str, str]:
    with urlopen(address) as answer:
        return answer.read(), answer.headers["Content-Disposition"], answer.headers["Content-Type"]


def test_large_files_are_redirected_to_s3_and_small_ones_come_at_once(
    client: FlaskClient, service: JobService, s3: dict[str, str], draw_image: Draw, tmp_path: Path
) -> None:
    image = draw_image(tmp_path / "a.tif").read_bytes()
    job = client.post("/segment_tiff?name=Usaquén.tif", data=image).json["job"]

    answer = client.get(job["files"]["probabilities.tif"])
    assert (answer.status_code, answer.headers["Cache-Control"]) == (303, "no-store")
    content, disposition, media_type = fetch(answer.headers["Location"])
    assert content == Path(service.results.raster(job["id"], "probabilities")).read_bytes()
    assert disposition == "attachment; filename*=UTF-8''Usaqu%C3%A9n-probabilities.tif"
    assert media_type == "image/tiff; application=geotiff; profile=cloud-optimized"

    answer = client.get(job["files"]["polygons.gpkg"] + "?threshold=0.05")
    assert answer.status_code == 303
    content, disposition, media_type = fetch(answer.headers["Location"])
    assert content.startswith(b"SQLite format 3")
    assert disposition == "attachment; filename*=UTF-8''Usaqu%C3%A9n-polygons.gpkg"
    assert media_type == "application/geopackage+sqlite3"
    other = client.get(job["files"]["polygons.gpkg"] + "?classes=").headers["Location"]
    assert other.partition("?")[0] != answer.headers["Location"].partition("?")[0]

    small = client.get(job["files"]["classes.csv"])
    assert (small.status_code, small.data[:8]) == (200, b"class_id")

    # What is deleted is gone from S3, exports too.
    assert client.delete(job["url"]).status_code == 204
    with pytest.raises(OSError, match="404"):
        fetch(answer.headers["Location"])


def test_the_address_of_an_export_outlives_the_sweep(
    client: FlaskClient, service: JobService, draw_image: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = client.post("/segment_tiff", data=draw_image(tmp_path / "a.tif").read_bytes()).json["job"]
    stored = []
    put_file = service._objects.put_file
    monkeypatch.setattr(service._objects, "put_file", lambda *args: stored.append(args[0]) or put_file(*args))

    def ask(later: timedelta) -> int:
        monkeypatch.setattr(downloads, "now", lambda: now() + later)
        assert client.get(job["files"]["polygons.gpkg"]).status_code == 303
        return len(stored)

    # One that is old is put again, so that whoever has just got its address finds it for as long as the address holds.
    assert ask(timedelta(0)) == 1
    assert ask(EXPORT_AGE - timedelta(minutes=1)) == 1
    assert ask(EXPORT_AGE + timedelta(minutes=1)) == 2
    assert EXPORT_SWEEP_AGE >= EXPORT_AGE + ADDRESS_LIFETIME
    service.tidy()
    assert ask(timedelta(0)) == 2


def test_an_image_goes_to_s3_by_an_address_that_needs_no_cookie(
    client: FlaskClient, s3: dict[str, str], draw_image: Draw, tmp_path: Path
) -> None:
    image = draw_image(tmp_path / "a.tif").read_bytes()
    made = client.post("/v1/uploads", json={"name": "a.tif", "size": len(image)})
    assert (made.status_code, made.json["method"]) == (201, "PUT")
    assert made.json["url"].startswith(s3["AWS_ENDPOINT"])
    early = client.post("/v1/jobs", json={"upload": made.json["id"]})
    assert (early.status_code, early.json["type"]) == (409, "urn:problem-type:suelo:conflict")
    with urlopen(Request(made.json["url"], image, method="PUT")):
        pass
    job = client.post("/v1/jobs", json={"upload": made.json["id"]})
    assert (job.status_code, job.json["status"]) == (201, "succeeded")
    # Whoever still has the address can spoil the image, but not the result.
    with urlopen(Request(made.json["url"], b"something else", method="PUT")):
        pass
    assert client.get(f"{job.json['url']}/classes.csv").status_code == 200


def test_a_large_image_is_not_fetched_to_be_looked_at(
    client: FlaskClient, service: JobService, draw_image: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hashlib import sha256

    from suelo.jobs import intake, uploads

    for module in (intake, uploads):
        monkeypatch.setattr(module, "LARGE_BYTES", 1000)
    service._intake._max_direct_pixels = 200 * 200

    def submit(image: bytes, digest: str):
        made = client.post("/v1/uploads", json={"name": "a.tif", "size": len(image), "sha256": digest}).json
        with urlopen(Request(made["url"], image, method="PUT")):
            pass
        return client.post("/v1/jobs", json={"upload": made["id"]})

    image = draw_image(tmp_path / "scene.tif", 300, 400).read_bytes()
    made = submit(image, sha256(image).hexdigest())
    assert (made.status_code, made.json["status"], made.json["image"]["width"]) == (201, "queued", 400)
    assert not list((tmp_path / "home" / "cache").rglob("input.tif"))
    assert service.run_announced(made.json["id"], lambda: False).status == "succeeded"

    # The worker finds out that other bytes came.
    other = submit(image, "0" * 64)
    assert other.status_code == 201
    failed = service.run_announced(other.json["id"], lambda: False)
    assert failed.status == "failed"
    assert "not the one announced" in failed.message
    assert json.loads(client.get(other.json["url"]).data)["message"] == failed.message

    refused = submit(b"this is no image" * 100, sha256(b"this is no image" * 100).hexdigest())
    assert refused.status_code == 422
    assert refused.json["detail"].startswith("The image is damaged or not a TIFF; Suelo needs")
