"""What can only be seen from inside the process: failures of what lies behind the API, and its place in other apps."""

from __future__ import annotations

import io
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from suelo.api.app import add_api, create_api
from suelo.api.owner import GATEWAY_USER
from suelo.api.request_id import RequestIdFilter
from suelo.jobs.service import JobService
from suelo.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def service(settings: Settings) -> Iterator[JobService]:
    service = JobService(settings)
    yield service
    service.stop()


@pytest.fixture
def browser(service: JobService) -> FlaskClient:
    return create_api(service).test_client()


def test_what_goes_wrong_inside_stays_inside(browser: FlaskClient, service: JobService, chip: bytes) -> None:
    job = browser.post("/segment_tiff", data=chip).json["job"]

    def broken(*_: object) -> None:
        raise RuntimeError("secret path /srv/suelo")

    service.results.summary = broken
    answer = browser.get(job["url"])
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "secret" not in answer.text


def test_a_job_whose_result_is_lost_is_shown_without_numbers_and_can_be_deleted(
    browser: FlaskClient, settings: Settings, chip: bytes
) -> None:
    job = browser.post("/segment_tiff", data=chip).json["job"]
    shutil.rmtree(settings.home / "objects" / "jobs" / job["id"])
    shown = browser.get(job["url"])
    assert (shown.status_code, shown.json["status"]) == (200, "succeeded")
    assert "statistics" not in shown.json
    assert browser.get(job["files"]["classes.csv"]).status_code == 404
    assert browser.delete(job["url"]).status_code == 204


def test_a_failure_is_said_and_kept(browser: FlaskClient, settings: Settings, chip: bytes) -> None:
    (settings.home / "work").write_text("where a folder should be")
    answer = browser.post("/segment_tiff", data=chip)
    assert (answer.status_code, answer.json["type"]) == (500, "urn:problem-type:suelo:failure")
    (job,) = browser.get("/v1/jobs").json["jobs"]
    assert (job["status"], job["message"]) == ("failed", answer.json["detail"])
    (settings.home / "work").unlink()
    assert browser.post("/segment_tiff", data=chip).json["job"]["status"] == "succeeded"


def test_a_database_that_is_away_is_503(browser: FlaskClient, service: JobService, settings: Settings) -> None:
    assert browser.get("/healthz").status_code == 200
    service.stop()
    shutil.rmtree(settings.home)
    answer = browser.get("/healthz")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_a_server_whose_model_cannot_be_used_is_not_well(settings: Settings, tmp_path: Path) -> None:
    service = JobService(settings.model_copy(update={"model": tmp_path / "nothing.onnx"}))
    answer = create_api(service).test_client().get("/healthz")
    assert (answer.status_code, answer.json["type"]) == (500, "urn:problem-type:suelo:model")
    assert "nothing.onnx cannot be read" in answer.json["detail"]
    service.stop()


def test_the_cookie_is_for_https_alone_where_there_is_https(service: JobService) -> None:
    answer = create_api(service).test_client().get("/v1/jobs", base_url="https://suelo.example/")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_other_pages_of_an_app_keep_their_own_errors(service: JobService) -> None:
    app = Flask("page")
    add_api(app, service)
    browser = app.test_client()
    assert browser.get("/nothing").mimetype == "text/html"
    assert browser.get("/v1/nothing").mimetype == "application/problem+json"


def test_each_line_of_the_log_has_the_number_of_its_request(browser: FlaskClient, chip: bytes) -> None:
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(logging.Formatter("[%(request_id)s] %(message)s"))
    logger = logging.getLogger("suelo")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        made = browser.post("/v1/uploads", json={"name": "a.tif"}, headers={"X-Request-Id": "one"})
        browser.get("/healthz", headers={"X-Request-Id": "two"})
        browser.get("/v1/nothing", headers={"X-Request-Id": "three"})
        logger.info("outside")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    first, second, third = log.getvalue().splitlines()
    assert first.startswith("[one] POST /v1/uploads 201 in ")
    assert first.endswith(f" ms -> {made.headers['Location']}")
    assert second.startswith("[three] GET /v1/nothing 404 in ")
    assert third == "[-] outside"


def test_behind_a_gateway_who_it_is_comes_from_the_gateway_alone(tmp_path: Path, chip: bytes) -> None:
    service = JobService(Settings(home=tmp_path / "behind", auth="gateway"))
    app = create_api(service)
    ana, luis, nobody = app.test_client(), app.test_client(), app.test_client()
    ana.environ_base[GATEWAY_USER] = "ana"
    luis.environ_base[GATEWAY_USER] = "luis"
    made = ana.post("/segment_tiff", data=chip).json["job"]
    assert [job["id"] for job in ana.get("/v1/jobs").json["jobs"]] == [made["id"]]
    assert luis.get("/v1/jobs").json["jobs"] == []
    assert luis.delete(made["url"]).status_code == 403
    # A header is not the gateway, whatever it is called.
    for name in ("suelo.gateway_user", "Suelo-Gateway-User", "Authorization"):
        assert nobody.get("/v1/jobs", headers={name: "ana"}).status_code == 401
    assert nobody.get("/healthz").status_code == 200
    service.stop()
