"""Problem documents, the model and health."""

from __future__ import annotations

import pytest
from api_client import Client

from suelo import errors as module
from suelo.api.errors import TITLES
from suelo.errors import SueloError
from suelo.jobs.job import new_id
from suelo.landcover import CLASS_KEYS
from suelo.model.session import load_model


def test_problems_have_all_members(client: Client) -> None:
    address = f"/v1/jobs/{new_id()}"
    answer = client.get(address)
    assert (answer.status, answer.media_type) == (404, "application/problem+json")
    problem = answer.json()
    assert problem == {
        "type": "urn:problem-type:suelo:not-found",
        "title": "There is no such thing",
        "status": 404,
        "detail": "There is no such job; it may have been deleted.",
        "instance": address,
        "request_id": answer.headers["X-Request-Id"],
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
def test_addresses_that_are_not_there_are_problems_too(client: Client, method: str, address: str, status: int) -> None:
    answer = client.request(method, address)
    assert (answer.status, answer.media_type) == (status, "application/problem+json")
    assert answer.json()["status"] == status
    assert answer.json()["title"]
    if status == 405:
        assert answer.headers["Allow"]


def test_every_error_has_its_own_title() -> None:
    kinds = {kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, SueloError)}
    assert set(TITLES) == kinds
    order = list(TITLES)
    for later, kind in enumerate(order):
        assert not any(issubclass(kind, earlier) for earlier in order[:later])


def test_the_model_says_what_it_is(client: Client) -> None:
    model = load_model()
    document = client.get("/v1/model").json()
    assert document["sha256"] == model.sha256
    assert document["contract"]["classes"] == list(CLASS_KEYS)
    assert [c["threshold"] for c in document["classes"]] == list(model.contract.thresholds)
    assert document["classes"][0]["name_es"] == "Edificaciones"
    assert document["classes"][0]["colour"] == "#cc0000"


def test_health(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
