"""Uploads and jobs over HTTP, with the cookies of their visitors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import rasterio
from api_client import Backend, Client, own_ids, send_image

from suelo.imagery.scene import open_scene
from suelo.imagery.statistics import measure_statistics
from suelo.jobs.job import new_id

Draw = Callable[..., Path]
Stored = Callable[[str], set[str]]


def test_from_upload_to_deletion(client: Client, stored: Stored, chip: bytes) -> None:
    made = send_image(client, chip, "Fontibón oriente.tif")
    assert made.status == 201
    job = made.json()
    assert (job["status"], job["name"], job["mine"]) == ("succeeded", "Fontibón oriente", True)
    assert made.headers["Location"] == job["url"] == f"/v1/jobs/{job['id']}"
    shown = client.get(job["url"])
    assert [row["key"] for row in shown.json()["statistics"]][:2] == ["buildings", "structures"]
    assert own_ids(client) == [job["id"]]
    for address in job["files"].values():
        assert client.get(address).status == 200
    assert client.delete(job["url"]).status == 204
    assert client.get(job["url"]).status == 404
    assert client.delete(job["url"]).status == 404
    assert own_ids(client) == []
    assert stored(job["id"]) == set()


def test_the_same_image_again_is_the_same_job(client: Client, chip: bytes) -> None:
    first, second = send_image(client, chip), send_image(client, chip)
    assert (first.status, second.status) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert send_image(client, chip, gsd_m=0.5).json()["id"] != first.json()["id"]


def test_a_scene_is_queued_cancelled_and_deleted(
    client: Client, stored: Stored, draw_image: Draw, tmp_path: Path
) -> None:
    job = send_image(client, draw_image(tmp_path / "scene.tif", 300, 300).read_bytes()).json()
    assert job["status"] == "queued"
    assert "statistics" not in client.get(job["url"]).json()
    for address in ("/map", "/classes.csv", "/tiles/classes/0/0/0.png", "/point?lat=-1&lng=1", "/probabilities.tif"):
        answer = client.get(job["url"] + address)
        assert (answer.status, answer.json()["type"]) == (409, "urn:problem-type:suelo:conflict")
    cancelled = client.delete(job["url"])
    assert (cancelled.status, cancelled.json()["status"]) == (202, "cancelled")
    assert client.delete(job["url"]).status == 204
    assert stored(job["id"]) == set()


def test_cancelling_stops_what_is_unfinished_and_never_deletes(
    client: Client, stranger: Client, draw_image: Draw, tmp_path: Path, chip: bytes
) -> None:
    scene = send_image(client, draw_image(tmp_path / "scene.tif", 300, 300).read_bytes()).json()
    assert stranger.post(f"{scene['url']}/cancel").status == 403
    cancelled = client.post(f"{scene['url']}/cancel")
    assert (cancelled.status, cancelled.json()["status"]) == (200, "cancelled")
    assert client.post(f"{scene['url']}/cancel").json()["status"] == "cancelled"

    done = send_image(client, chip).json()
    too_late = client.post(f"{done['url']}/cancel")
    assert (too_late.status, too_late.json()["status"]) == (200, "succeeded")
    assert client.get(f"{done['url']}/classes.csv").status == 200
    assert client.post(f"/v1/jobs/{'0' * 32}/cancel").status == 404


def test_visitors_do_not_see_each_others_jobs_in_lists(client: Client, stranger: Client, chip: bytes) -> None:
    mine = send_image(client, chip).json()
    theirs = send_image(stranger, chip).json()
    assert mine["id"] != theirs["id"]
    for visitor, job, other in ((client, mine, theirs), (stranger, theirs, mine)):
        assert own_ids(visitor) == [job["id"]]
        assert other["id"] not in visitor.get("/v1/jobs").text


def test_the_sample_is_everybodys(client: Client, stranger: Client) -> None:
    sample = client.post("/v1/jobs/sample").json()
    assert (sample["status"], sample["shared"], sample["mine"]) == ("succeeded", True, False)
    assert stranger.post("/v1/jobs/sample").json()["id"] == sample["id"]
    assert sample["id"] in {job["id"] for job in stranger.get("/v1/jobs").json()["jobs"]}
    assert client.delete(sample["url"]).status == 403


def test_who_has_the_address_sees_a_job_but_only_its_owner_deletes_it(
    client: Client, stranger: Client, chip: bytes
) -> None:
    job = send_image(client, chip).json()
    seen = stranger.get(job["url"])
    assert (seen.status, seen.json()["mine"]) == (200, False)
    assert stranger.delete(job["url"]).status == 403
    assert client.get(job["url"]).status == 200


def test_the_token_of_a_visitor_stays_in_the_cookie(backend: Backend, client: Client, chip: bytes) -> None:
    answer = send_image(client, chip)
    cookie = client.cookies["suelo_owner"]
    assert (cookie["httponly"], cookie["samesite"], bool(cookie["secure"])) == (True, "Lax", backend.https)
    for secret in (cookie.value, hashlib.sha256(cookie.value.encode()).hexdigest()):
        assert secret not in answer.text
    assert "Set-Cookie" not in client.get("/v1/jobs").headers


def test_a_made_up_cookie_makes_nobody_an_owner(client: Client, stranger: Client, chip: bytes) -> None:
    send_image(client, chip)
    # What the records hold of an owner does not open anything.
    digest = hashlib.sha256(client.cookies["suelo_owner"].value.encode()).hexdigest()
    forged = stranger.get("/v1/jobs", headers={"Cookie": f"suelo_owner={digest}"})
    assert [job for job in forged.json()["jobs"] if job["mine"]] == []
    assert stranger.cookies["suelo_owner"].value != digest


def test_history_comes_in_pages_newest_first(client: Client, draw_image: Draw, tmp_path: Path) -> None:
    made = [
        client.post("/segment_tiff", body=draw_image(tmp_path / f"{n}.tif", 32, 32, seed=n).read_bytes())
        for n in range(5)
    ]
    expected = [answer.json()["job"]["id"] for answer in reversed(made)]
    pages, following = [], "/v1/jobs?limit=2"
    while following:
        page = client.get(following).json()
        pages.append(page["jobs"])
        following = page["next"]
    assert {len(page) for page in pages[:-1]} == {2}
    assert 1 <= len(pages[-1]) <= 2
    assert [job["id"] for page in pages for job in page if job["mine"]] == expected
    for wrong in ("limit=0", "limit=1000", "limit=a", "before=../x"):
        assert client.get(f"/v1/jobs?{wrong}").status in {400, 404}


def test_options_of_a_job(client: Client, draw_image: Draw, tmp_path: Path, chip: bytes) -> None:
    with open_scene(draw_image(tmp_path / "other.tif", seed=9)) as scene:
        statistics = measure_statistics(scene).to_json()
    job = send_image(client, chip, gsd_m=2.5, statistics=statistics).json()
    assert job["image"]["gsd_m"] == 2.5
    assert job["normalisation"] == statistics
    assert job["options"] == {"gsd_m": 2.5, "statistics": statistics}


@pytest.mark.parametrize(
    "options",
    [
        {"gsd_m": "far"},
        {"gsd_m": -1},
        {"gsd_m": 101},
        {"gsd_m": True},
        {"statistics": {}},
        {"statistics": 1},
        {"speed": 9},
        {"gsd_m": 10**400},
        [],
        "",
        0,
    ],
)
def test_bad_options_are_refused_and_the_upload_can_be_used_again(client: Client, chip: bytes, options: object) -> None:
    made = client.post("/v1/uploads", json={"name": "chip.tif"}).json()
    client.put(made["url"], body=chip)
    assert client.post("/v1/jobs", json={"upload": made["id"], "options": options}).status == 400
    assert client.post("/v1/jobs", json={"upload": made["id"]}).status == 201


def test_bad_images_leave_nothing(client: Client, stored: Stored) -> None:
    made = client.post("/v1/uploads", json={"name": "a.tif"}).json()
    client.request(made["method"], made["url"], body=b"this is no image")
    assert stored(made["id"]) == {"input.tif"}
    answer = client.post("/v1/jobs", json={"upload": made["id"]})
    assert (answer.status, answer.media_type) == (422, "application/problem+json")
    assert own_ids(client) == []
    assert stored(made["id"]) == set()


def test_the_address_of_an_upload_is_whole_and_names_the_server_as_the_sender_does(
    client: Client, backend: Backend
) -> None:
    made = client.post("/v1/uploads", json={"name": "a.tif"}, headers={"Host": "suelo.example:8443"})
    assert made.headers["Location"] == f"/v1/uploads/{made.json()['id']}"
    scheme = "https" if backend.https else "http"
    assert made.json()["url"] == f"{scheme}://suelo.example:8443{made.headers['Location']}"


def test_uploads_are_checked(client: Client, chip: bytes) -> None:
    assert client.post("/v1/uploads", json={"name": "a.tif", "size": 2_000_001}).status == 413
    for wrong in ({"size": 0}, {"size": "9"}, {"name": 5}, {"size": True}):
        assert client.post("/v1/uploads", json=wrong).status == 400
    made = client.post("/v1/uploads", json={"name": "a.tif", "size": 10}).json()
    assert client.put(made["url"], body=b"123").status == 400
    unlimited = client.post("/v1/uploads", json={"name": "a.tif"}).json()
    assert client.put(unlimited["url"], body=bytes(2_000_001)).status == 413
    early = client.post("/v1/jobs", json={"upload": unlimited["id"]})
    assert (early.status, early.json()["type"]) == (409, "urn:problem-type:suelo:conflict")
    assert client.put(f"/v1/uploads/{new_id()}", body=chip).status == 404
    assert client.post("/v1/jobs", json={"upload": new_id()}).status == 404
    assert client.post("/v1/jobs", json={}).status == 400
    for body in ("[" * 100_000, "{", "[]", "1"):
        assert client.post("/v1/jobs", body=body.encode(), headers={"Content-Type": "application/json"}).status == 400
    assert client.post("/v1/jobs", json={"upload": "../../x"}).status == 404


def test_pages_of_other_sites_change_nothing(client: Client, chip: bytes) -> None:
    job = send_image(client, chip).json()
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ):
        assert client.delete(job["url"], headers=headers).status == 403
        assert client.post("/segment_tiff", body=chip, headers=headers).status == 403
        assert client.get(job["url"], headers=headers).status == 200
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://suelo.example", "Host": "suelo.example"}):
        assert client.post("/segment_tiff", body=chip, headers=headers).status == 200
    form = client.post("/v1/jobs", body=b"upload=x", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (form.status, form.media_type) == (415, "application/problem+json")
    text = client.post("/v1/uploads", body=b'{"name": "a.tif"}', headers={"Content-Type": "text/plain"})
    assert text.status == 415


def test_a_small_file_that_declares_billions_of_pixels_is_refused(
    client: Client, stored: Stored, tmp_path: Path
) -> None:
    path = tmp_path / "sparse.tif"
    tiles = {"tiled": True, "blockxsize": 4096, "blockysize": 4096, "sparse_ok": True, "interleave": "pixel"}
    with rasterio.open(
        path, "w", driver="GTiff", width=100_000, height=100_000, count=8, dtype="uint16", BIGTIFF="YES", **tiles
    ):
        pass
    image = path.read_bytes()
    assert len(image) < 100_000
    made = client.post("/v1/uploads", json={"name": "sparse.tif"}).json()
    client.request(made["method"], made["url"], body=image)
    for answer in (client.post("/v1/jobs", json={"upload": made["id"]}), client.post("/segment_tiff", body=image)):
        assert (answer.status, answer.json()["type"]) == (413, "urn:problem-type:suelo:image-too-large")
        assert answer.json()["detail"].startswith("This image has 100000 × 100000 pixels")
    assert own_ids(client) == []
    assert stored(made["id"]) == set()
