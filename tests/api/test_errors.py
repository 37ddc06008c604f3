"""Problem documents, the model and health."""

from __future__ import annotations

import shutil

import pytest
from flask import Flask
from flask.testing import FlaskClient

from suelo import errors as module
from suelo.api.app import add_api
from suelo.api.errors import TITLES
from suelo.errors import SueloError
from suelo.jobs.job import new_id
from suelo.jobs.service import JobService
from suelo.landcover import CLASS_KEYS
from suelo.settings import Settings


def test_problems_have_all_members(client: FlaskClient) -> None:
    address = f"/v1/jobs/{new_id()}"
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    problem = answer.json
    assert problem == {
        "type": "urn:problem-type:suelo:not-found",
        "title": "There is no such thing",
        "status": 404,
        "detail": "There is no such job; it may have been deleted.",
        "instance": address,
    }


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/jobs/..%2F..%2Fetc%2Fpasswd", 404),
        ("GET", "/v1/jobs/UPPERCASE", 404),
        ("POST", "/v1/model", 405),
        ("GET", "/segment_tiff", 405),
    ],
)
def test_addresses_that_are_not_there_are_problems_too(
    client: FlaskClient, method: str, address: str, status: int
) -> None:
    answer = client.open(address, method=method)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json["status"] == status
    assert answer.json["title"]
    if status == 405:
        assert answer.headers["Allow"]


def test_every_error_has_its_own_title() -> None:
    kinds = {kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, SueloError)}
    assert set(TITLES) == kinds
    order = list(TITLES)
    for later, kind in enumerate(order):
        assert not any(issubclass(kind, earlier) for earlier in order[:later])


def test_what_goes_wrong_inside_stays_inside(client: FlaskClient, service: JobService, chip: bytes) -> None:
    job = client.post("/segment_tiff", data=chip).json["job"]

    def broken(*_: object) -> None:
        raise RuntimeError("secret path /srv/suelo")

    service.results.summary = broken
    answer = client.get(job["url"])
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "secret" not in answer.text


def test_a_database_that_is_away_is_503(client: FlaskClient, service: JobService, settings: Settings) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    service.stop()
    shutil.rmtree(settings.home)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_other_pages_of_an_app_keep_their_own_errors(service: JobService) -> None:
    app = Flask("page")
    add_api(app, service)
    client = app.test_client()
    assert client.get("/nothing").mimetype == "text/html"
    assert client.get("/v1/nothing").mimetype == "application/problem+json"


def test_the_model_says_what_it_is(client: FlaskClient, service: JobService) -> None:
    document = client.get("/v1/model").json
    assert document["sha256"] == service.model.sha256
    assert document["contract"]["classes"] == list(CLASS_KEYS)
    assert [c["threshold"] for c in document["classes"]] == list(service.model.contract.thresholds)
    assert document["classes"][0]["name_es"] == "Edificaciones"
    assert document["classes"][0]["colour"] == "#cc0000"
