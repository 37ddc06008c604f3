"""Uploads and jobs over HTTP, with the cookies of their visitors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from suelo.imagery.scene import open_scene
from suelo.imagery.statistics import measure_statistics
from suelo.jobs.job import new_id
from suelo.jobs.service import JobService
from suelo.settings import Settings

Draw = Callable[..., Path]


def send(client: FlaskClient, image: bytes, name: str = "chip.tif", **options):
    """Upload an image and make a job of it, as the page does; the answer to the last step."""
    made = client.post("/v1/uploads", json={"name": name, "size": len(image)})
    assert made.status_code == 201
    assert made.json["method"] == "PUT"
    sent = client.put(made.json["url"], data=image)
    assert sent.status_code == 200
    return client.post("/v1/jobs", json={"upload": made.json["id"], "options": options})


def ids(client: FlaskClient, address: str = "/v1/jobs") -> list[str]:
    return [job["id"] for job in client.get(address).json["jobs"]]


def test_from_upload_to_deletion(client: FlaskClient, settings: Settings, chip: bytes) -> None:
    made = send(client, chip, "Fontibón oriente.tif")
    assert made.status_code == 201
    job = made.json
    assert (job["status"], job["name"], job["mine"]) == ("succeeded", "Fontibón oriente", True)
    assert made.headers["Location"] == job["url"] == f"/v1/jobs/{job['id']}"
    shown = client.get(job["url"])
    assert [row["key"] for row in shown.json["statistics"]][:2] == ["buildings", "structures"]
    assert ids(client) == [job["id"]]
    for address in job["files"].values():
        assert client.get(address).status_code == 200
    assert client.delete(job["url"]).status_code == 204
    assert client.get(job["url"]).status_code == 404
    assert client.delete(job["url"]).status_code == 404
    assert ids(client) == []
    assert list(settings.home.rglob("*.tif")) == []


def test_the_same_image_again_is_the_same_job(client: FlaskClient, chip: bytes) -> None:
    first, second = send(client, chip), send(client, chip)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json["id"] == second.json["id"]
    assert send(client, chip, gsd_m=0.5).json["id"] != first.json["id"]


def test_a_scene_is_queued_cancelled_and_deleted(
    client: FlaskClient, settings: Settings, draw_image: Draw, tmp_path: Path
) -> None:
    job = send(client, draw_image(tmp_path / "scene.tif", 300, 300).read_bytes()).json
    assert job["status"] == "queued"
    assert "statistics" not in client.get(job["url"]).json
    for address in ("/map", "/classes.csv", "/tiles/classes/0/0/0.png", "/point?lat=-1&lng=1", "/probabilities.tif"):
        answer = client.get(job["url"] + address)
        assert (answer.status_code, answer.json["type"]) == (409, "urn:problem-type:suelo:conflict")
    cancelled = client.delete(job["url"])
    assert (cancelled.status_code, cancelled.json["status"]) == (202, "cancelled")
    assert client.delete(job["url"]).status_code == 204
    assert list(settings.home.rglob("*.tif")) == []


def test_visitors_do_not_see_each_others_jobs_in_lists(
    client: FlaskClient, stranger: FlaskClient, service: JobService, chip: bytes
) -> None:
    mine = send(client, chip).json
    theirs = send(stranger, chip).json
    sample = service.submit_image(chip, "Sample.tif", "", shared=True)
    assert mine["id"] != theirs["id"]
    assert ids(client) == [sample.id, mine["id"]]
    assert ids(stranger) == [sample.id, theirs["id"]]


def test_who_has_the_address_sees_a_job_but_only_its_owner_deletes_it(
    client: FlaskClient, stranger: FlaskClient, service: JobService, chip: bytes
) -> None:
    job = send(client, chip).json
    seen = stranger.get(job["url"])
    assert (seen.status_code, seen.json["mine"]) == (200, False)
    assert stranger.delete(job["url"]).status_code == 403
    sample = service.submit_image(chip, "Sample.tif", "", shared=True)
    assert client.delete(f"/v1/jobs/{sample.id}").status_code == 403
    assert client.get(job["url"]).status_code == 200


def test_the_token_of_a_visitor_stays_in_the_cookie(
    client: FlaskClient, app: Flask, service: JobService, chip: bytes
) -> None:
    answer = send(client, chip)
    cookie = client.get_cookie("suelo_owner")
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    assert not cookie.secure
    owner = service.get(answer.json["id"]).owner
    assert cookie.value not in {owner, answer.text}
    assert owner not in answer.text
    assert "Set-Cookie" not in client.get("/v1/jobs").headers
    secure = app.test_client().get("/v1/jobs", base_url="https://suelo.example/")
    assert "Secure" in secure.headers["Set-Cookie"]
    assert secure.headers["Cache-Control"] == "no-store"


def test_a_made_up_cookie_makes_nobody_an_owner(client: FlaskClient, service: JobService, chip: bytes) -> None:
    job = send(client, chip).json
    forger = client.application.test_client()
    forger.set_cookie("suelo_owner", service.get(job["id"]).owner)
    assert ids(forger) == []
    assert forger.get_cookie("suelo_owner").value != service.get(job["id"]).owner


def test_history_comes_in_pages_newest_first(client: FlaskClient, draw_image: Draw, tmp_path: Path) -> None:
    made = [
        client.post("/segment_tiff", data=draw_image(tmp_path / f"{n}.tif", 32, 32, seed=n).read_bytes())
        for n in range(5)
    ]
    expected = [answer.json["job"]["id"] for answer in reversed(made)]
    pages, following = [], "/v1/jobs?limit=2"
    while following:
        page = client.get(following).json
        pages.append([job["id"] for job in page["jobs"]])
        following = page["next"]
    assert pages == [expected[:2], expected[2:4], expected[4:]]
    for wrong in ("limit=0", "limit=1000", "limit=a", "before=../x"):
        assert client.get(f"/v1/jobs?{wrong}").status_code in {400, 404}


def test_options_of_a_job(client: FlaskClient, draw_image: Draw, tmp_path: Path, chip: bytes) -> None:
    with open_scene(draw_image(tmp_path / "other.tif", seed=9)) as scene:
        statistics = measure_statistics(scene).to_json()
    job = send(client, chip, gsd_m=2.5, statistics=statistics).json
    assert job["image"]["gsd_m"] == 2.5
    assert job["normalisation"] == statistics
    assert job["options"] == {"gsd_m": 2.5, "statistics": statistics}


@pytest.mark.parametrize(
    "options",
    [
        {"gsd_m": "far"},
        {"gsd_m": -1},
        {"gsd_m": True},
        {"statistics": {}},
        {"statistics": 1},
        {"speed": 9},
        {"gsd_m": 10**400},
    ],
)
def test_bad_options_are_refused_and_the_upload_can_be_used_again(
    client: FlaskClient, chip: bytes, options: dict
) -> None:
    made = client.post("/v1/uploads", json={"name": "chip.tif"}).json
    client.put(made["url"], data=chip)
    assert client.post("/v1/jobs", json={"upload": made["id"], "options": options}).status_code == 400
    assert client.post("/v1/jobs", json={"upload": made["id"]}).status_code == 201


def test_bad_images_leave_nothing(client: FlaskClient, settings: Settings) -> None:
    answer = send(client, b"this is no image")
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert ids(client) == []
    assert list((settings.home / "objects" / "jobs").iterdir()) == []


def test_uploads_are_checked(client: FlaskClient, chip: bytes) -> None:
    assert client.post("/v1/uploads", json={"name": "a.tif", "size": 2_000_001}).status_code == 413
    for wrong in ({"size": 0}, {"size": "9"}, {"name": 5}, {"size": True}):
        assert client.post("/v1/uploads", json=wrong).status_code == 400
    made = client.post("/v1/uploads", json={"name": "a.tif", "size": 10}).json
    assert client.put(made["url"], data=b"123").status_code == 400
    unlimited = client.post("/v1/uploads", json={"name": "a.tif"}).json
    assert client.put(unlimited["url"], data=bytes(2_000_001)).status_code == 413
    early = client.post("/v1/jobs", json={"upload": unlimited["id"]})
    assert (early.status_code, early.json["type"]) == (409, "urn:problem-type:suelo:conflict")
    assert client.put(f"/v1/uploads/{new_id()}", data=chip).status_code == 404
    assert client.post("/v1/jobs", json={"upload": new_id()}).status_code == 404
    assert client.post("/v1/jobs", json={}).status_code == 400
    for body in ("[" * 100_000, "{", "[]", "1"):
        assert client.post("/v1/jobs", data=body, content_type="application/json").status_code == 400
    assert client.post("/v1/jobs", json={"upload": "../../x"}).status_code == 404


def test_pages_of_other_sites_change_nothing(client: FlaskClient, chip: bytes) -> None:
    job = send(client, chip).json
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ):
        assert client.delete(job["url"], headers=headers).status_code == 403
        assert client.post("/segment_tiff", data=chip, headers=headers).status_code == 403
        assert client.get(job["url"], headers=headers).status_code == 200
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}):
        assert client.post("/segment_tiff", data=chip, headers=headers).status_code == 200
    form = client.post("/v1/jobs", data={"upload": "x"})
    assert (form.status_code, form.mimetype) == (415, "application/problem+json")
    text = client.post("/v1/uploads", data='{"name": "a.tif"}', content_type="text/plain")
    assert text.status_code == 415
