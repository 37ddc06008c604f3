"""`Idempotency-Key`: what is sent twice is done once."""

from __future__ import annotations

import threading

import pytest
from api_client import Backend, Client, own_ids


def keyed(key: str, **more: str) -> dict[str, str]:
    return {"Idempotency-Key": key, **more}


@pytest.fixture(autouse=True)
def known(client: Client) -> None:
    """The visitor has a cookie: a key belongs to somebody."""
    client.get("/v1/jobs")


def test_an_upload_is_made_once(client: Client) -> None:
    first = client.post("/v1/uploads", json={"name": "a.tif"}, headers=keyed("a"))
    again = client.post("/v1/uploads", json={"name": "a.tif"}, headers=keyed("a"))
    assert (again.status, again.body) == (first.status, first.body) == (201, first.body)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    other = client.post("/v1/uploads", json={"name": "a.tif"}, headers=keyed("b"))
    assert other.json()["id"] != first.json()["id"]
    assert client.post("/v1/uploads", json={"name": "a.tif"}).json()["id"] != first.json()["id"]


def test_a_job_is_answered_with_201_each_time(client: Client, chip: bytes) -> None:
    upload = client.post("/v1/uploads", json={"name": "a.tif"}).json()
    client.request(upload["method"], upload["url"], body=chip)
    first = client.post("/v1/jobs", json={"upload": upload["id"]}, headers=keyed("j"))
    again = client.post("/v1/jobs", json={"upload": upload["id"]}, headers=keyed("j"))
    assert (first.status, again.status) == (201, 201)
    assert again.json() == first.json()


def test_an_upload_of_which_a_job_was_made_leads_to_that_job(client: Client, stranger: Client, chip: bytes) -> None:
    """A sender that got no answer, and sent no key, finds the job all the same."""
    upload = client.post("/v1/uploads", json={"name": "a.tif"}).json()
    client.request(upload["method"], upload["url"], body=chip)
    first = client.post("/v1/jobs", json={"upload": upload["id"]})
    again = client.post("/v1/jobs", json={"upload": upload["id"]})
    assert (again.status, again.json()) == (201, first.json())
    assert client.post("/v1/jobs", json={"upload": upload["id"], "options": {"gsd_m": 2.0}}).status == 404
    assert stranger.post("/v1/jobs", json={"upload": upload["id"]}).status == 404


def test_while_a_request_is_carried_out_the_second_is_told_when_to_come_again(
    client: Client, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(backend, "service"):
        pytest.skip("the server is another process")
    entered, answered = threading.Event(), threading.Event()
    create = backend.service.create_upload

    def slowly(*values: object) -> object:
        entered.set()
        assert answered.wait(60)
        return create(*values)

    monkeypatch.setattr(backend.service, "create_upload", slowly)
    first = threading.Thread(target=lambda: client.post("/v1/uploads", json={}, headers=keyed("h")))
    first.start()
    assert entered.wait(60)
    second = client.post("/v1/uploads", json={}, headers=keyed("h"))
    answered.set()
    first.join()
    assert (second.status, second.json()["type"]) == (409, "urn:problem-type:suelo:key-in-use")
    assert int(second.headers["Retry-After"]) > 0
    assert client.post("/v1/uploads", json={}, headers=keyed("h")).headers["Idempotent-Replayed"] == "true"


def test_a_chip_is_answered_as_before_even_when_its_job_is_gone(client: Client, chip: bytes) -> None:
    first = client.post("/segment_tiff?threshold=0.5", body=chip, headers=keyed("c"))
    client.delete(first.json()["job"]["url"])
    again = client.post("/segment_tiff?threshold=0.5", body=chip, headers=keyed("c"))
    assert (again.status, again.json()) == (200, first.json())
    assert own_ids(client) == []


def test_a_key_stands_for_one_request(client: Client, chip: bytes) -> None:
    client.post("/segment_tiff", body=chip, headers=keyed("d"))
    for query, body, more in (
        ("?threshold=0.4", chip, {}),
        ("", chip + b"\0", {}),
        ("", chip, {"Accept": "text/csv"}),
    ):
        answer = client.post(f"/segment_tiff{query}", body=body, headers=keyed("d", **more))
        assert (answer.status, answer.json()["type"]) == (422, "urn:problem-type:suelo:key-reused")
    assert client.post("/v1/uploads", json={}, headers=keyed("d")).status == 422


def test_keys_of_others_are_others(client: Client, stranger: Client) -> None:
    stranger.get("/v1/jobs")
    mine = client.post("/v1/uploads", json={}, headers=keyed("e")).json()
    assert stranger.post("/v1/uploads", json={}, headers=keyed("e")).json()["id"] != mine["id"]


def test_a_mistake_can_be_mended_under_the_same_key(client: Client, chip: bytes) -> None:
    assert client.post("/segment_tiff?threshold=7", body=chip, headers=keyed("f")).status == 400
    assert client.post("/segment_tiff?threshold=7", body=chip, headers=keyed("f")).status == 400
    assert client.post("/segment_tiff?threshold=0.7", body=chip, headers=keyed("f")).status == 200


def test_at_the_same_moment_it_is_done_once(client: Client, chip: bytes) -> None:
    answers = []

    def send() -> None:
        answers.append(client.post("/segment_tiff", body=chip, headers=keyed("g")))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} <= {200, 409}
    done = [answer.json()["job"]["id"] for answer in answers if answer.status == 200]
    assert own_ids(client) == [done[0]]
    assert set(done) == {done[0]}


@pytest.mark.parametrize("key", ["", "two words", "x" * 201])
def test_what_is_no_key_is_refused(client: Client, key: str) -> None:
    answer = client.post("/v1/uploads", json={}, headers=keyed(key))
    assert (answer.status, answer.media_type) == (400, "application/problem+json")
    assert "Idempotency-Key" in answer.json()["detail"]
