"""What HTTP offers: compression, request numbers, conditions, parts of files."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from api_client import Backend, Client, send_image

GZIP = {"Accept-Encoding": "gzip, br"}


@pytest.fixture
def job(chip: bytes, plant: Callable[..., dict]) -> dict:
    return plant(chip)


def test_text_is_compressed_for_who_takes_that(client: Client, job: dict) -> None:
    for address in (job["url"], job["files"]["polygons.geojson"], job["files"]["result.json"], "/openapi.json"):
        plain = client.get(f"{address}?threshold=0.4&min_area=0")
        packed = client.get(f"{address}?threshold=0.4&min_area=0", headers=GZIP)
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        assert len(packed.body) < len(plain.body) / 2
        for answer in (plain, packed):
            assert "Accept-Encoding" in answer.headers["Vary"]


def test_what_is_small_or_packed_already_goes_out_as_it_is(client: Client, job: dict) -> None:
    for address in ("/healthz", job["files"]["probabilities.tif"], job["files"]["preview.png"]):
        assert "Content-Encoding" not in client.get(address, headers=GZIP).headers
    refused = client.get(job["url"], headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


def test_answers_to_posts_are_compressed_too(client: Client, chip: bytes) -> None:
    packed = client.post("/segment_tiff", body=chip, headers=GZIP)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.body))["job"]["status"] == "succeeded"
    table = client.post("/segment_tiff?threshold=0.1", body=chip, headers={**GZIP, "Accept": "text/csv"})
    text = gzip.decompress(table.body) if "Content-Encoding" in table.headers else table.body
    assert len(list(csv.DictReader(io.StringIO(text.decode())))) == 10


def test_a_copy_that_is_still_right_is_not_sent_again(client: Client, job: dict) -> None:
    for name, address in job["files"].items():
        first = client.get(address)
        again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status, again.body) == (304, b""), name
        packed = client.get(address, headers=GZIP)
        again = client.get(address, headers={**GZIP, "If-None-Match": packed.headers["ETag"]})
        assert (again.status, again.body) == (304, b""), name
        assert client.get(address, headers={"If-None-Match": '"other"'}).status == 200
        # Reading a file does not make it newer.
        assert client.get(address).headers["Last-Modified"] == first.headers["Last-Modified"]
        assert client.get(address, headers={"If-Modified-Since": first.headers["Last-Modified"]}).status == 304


def test_parts_of_files(client: Client, job: dict) -> None:
    for name, address in job["files"].items():
        whole = client.get(address)
        assert whole.headers["Accept-Ranges"] == "bytes"
        end = client.get(address, headers={**GZIP, "Range": "bytes=-10"})
        assert (end.status, end.body) == (206, whole.body[-10:]), name
        assert end.headers["Content-Range"].endswith(f"/{len(whole.body)}")
        held = {"Range": "bytes=5-9", "If-Range": whole.headers["ETag"]}
        assert client.get(address, headers=held).body == whole.body[5:10]
        assert client.get(address, headers={**held, "If-Range": '"other"'}).status == 200
        outside = client.get(address, headers={"Range": "bytes=900000000-"})
        assert (outside.status, outside.media_type) == (416, "application/problem+json")


def test_ranges_that_mean_the_whole_file(client: Client, job: dict) -> None:
    address = job["files"]["polygons.geojson"]
    whole = client.get(address)
    end = client.get(address, headers={"Range": "bytes=-99999999"})
    assert (end.status, end.body) == (206, whole.body)
    assert end.headers["Content-Range"] == f"bytes 0-{len(whole.body) - 1}/{len(whole.body)}"
    weak = client.get(address, headers=GZIP).headers["ETag"]
    assert weak.startswith("W/")
    for ignored in ({"Range": "items=0-1"}, {"Range": "bytes=0-1,4-5"}, {"Range": "bytes=0-1", "If-Range": weak}):
        answer = client.get(address, headers=ignored)
        assert (answer.status, answer.body) == (200, whole.body), ignored
    for wrong in ("bytes=-0", "bytes=5-2", "bytes=a-b"):
        assert client.get(address, headers={"Range": wrong}).status == 416
    assert client.head(address, headers={"Range": "bytes=0-1"}).status == 200


def test_a_file_that_is_made_again_is_the_same_file(client: Client, backend: Backend, job: dict) -> None:
    if not hasattr(backend, "service"):
        pytest.skip("the server is another process")
    for name, address in job["files"].items():
        first = client.get(address)
        backend.service._cache.drop(f"jobs/{job['id']}")
        again = client.get(address)
        assert again.headers["ETag"] == first.headers["ETag"], name
        assert again.body == first.body, name


def test_head_says_what_get_would(client: Client, job: dict) -> None:
    for address in (job["url"], job["files"]["probabilities.tif"]):
        get, head = client.get(address), client.head(address)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["Content-Length"] == str(len(get.body))


def test_requests_have_numbers(client: Client) -> None:
    numbers = [client.get(address).headers["X-Request-Id"] for address in ("/healthz", "/healthz", "/v1/nothing")]
    assert len(set(numbers)) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", number) for number in numbers)
    given = client.get("/v1/nothing", headers={"X-Request-Id": "Root=1-67a9b2c3:4d"})
    assert given.headers["X-Request-Id"] == given.json()["request_id"] == "Root=1-67a9b2c3:4d"
    for made_up in ("a b", "x" * 200, "<script>"):
        assert client.get("/healthz", headers={"X-Request-Id": made_up}).headers["X-Request-Id"] != made_up


def test_a_scene_runs_when_a_worker_takes_it(
    client: Client, backend: object, draw_image: Callable[..., Path], tmp_path: Path
) -> None:
    job = send_image(client, draw_image(tmp_path / "scene.tif", 300, 260).read_bytes(), "scene.tif").json()
    assert job["status"] == "queued"
    backend.work(job["id"])
    done = client.get(job["url"]).json()
    assert (done["status"], done["progress"]) == ("succeeded", 1.0)
    kinds = [event["kind"] for event in client.get(f"{job['url']}/events").json()["events"]]
    assert (kinds[0], kinds[-1]) == ("submitted", "succeeded")
    assert client.get(done["files"]["classes.csv"]).status == 200
