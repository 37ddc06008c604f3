"""A server that knows its users by tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from api_client import Backend, Client, own_ids, send_image

from suelo.jobs.database import open_database
from suelo.jobs.users import Users


@pytest.fixture(scope="session")
def guarded(start_backend: Callable[..., Backend]) -> Backend:
    return start_backend(auth="token", max_upload_mb=2)


@pytest.fixture
def users(guarded: Backend) -> Iterator[Users]:
    engine = open_database(guarded.settings.database_url)
    users = Users(engine)
    yield users
    for user in users.list():
        users.remove(user.name)
    engine.dispose()


@pytest.fixture
def ana(guarded: Backend, users: Users) -> Client:
    return signed(guarded.visit(), users.add("ana"))


def signed(client: Client, token: str) -> Client:
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def test_a_request_without_a_token_is_refused(guarded: Backend, chip: bytes) -> None:
    nobody = guarded.visit()
    for method, address in (
        ("GET", "/v1/jobs"),
        ("GET", "/v1/model"),
        ("POST", "/v1/uploads"),
        ("POST", "/v1/jobs/sample"),
        ("POST", "/segment_tiff"),
        ("POST", f"/v1/jobs/{'0' * 32}/cancel"),
        ("DELETE", f"/v1/jobs/{'0' * 32}"),
        ("GET", f"/v1/jobs/{'0' * 32}/tiles/classes/0/0/0.png"),
    ):
        answer = nobody.request(method, address, body=chip if method == "POST" else b"")
        assert (answer.status, answer.media_type) == (401, "application/problem+json"), address
        assert answer.json()["type"] == "urn:problem-type:suelo:not-signed-in"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert "Set-Cookie" not in answer.headers


def test_what_says_how_to_sign_in_is_open(guarded: Backend) -> None:
    nobody = guarded.visit()
    for prefix in ("", "/v1"):
        assert nobody.get(f"{prefix}/healthz").json() == {"status": "ok"}
        assert nobody.get(f"{prefix}/openapi.json").json()["openapi"] == "3.1.0"
    assert nobody.get("/docs").status == 200
    document = nobody.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert document["security"] == [{"token": []}]
    assert document["paths"]["/healthz"]["get"]["security"] == []
    assert "401" in document["paths"]["/v1/jobs"]["get"]["responses"]
    assert "$TOKEN" in nobody.get("/docs").text


def test_the_address_of_an_upload_is_enough_to_send_it(guarded: Backend, ana: Client, chip: bytes) -> None:
    made = ana.post("/v1/uploads", json={"name": "chip.tif", "size": len(chip)}).json()
    nobody = guarded.visit()  # as with an address of S3, which takes no token of ours
    sent = nobody.request(made["method"], made["url"], body=chip)
    assert sent.status == 200
    assert sent.json()["size"] == len(chip)
    assert nobody.request(made["method"], made["url"], body=chip[:-1] + b"?").status == 400
    assert nobody.post("/v1/jobs", json={"upload": made["id"]}).status == 401
    assert nobody.request("PUT", f"/v1/uploads/{'0' * 32}", body=chip).status == 404
    assert ana.post("/v1/jobs", json={"upload": made["id"]}).status == 201
    assert nobody.request(made["method"], made["url"], body=chip).status == 404  # the job keeps its image


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer ", "Basic YW5hOnBhc3M=", "nonsense", "Bearer \xe9"])
def test_other_tokens_are_refused(guarded: Backend, users: Users, header: str) -> None:
    users.add("ana")
    answer = guarded.visit().get("/v1/jobs", headers={"Authorization": header})
    assert answer.status == 401


def test_users_have_their_own_lists(guarded: Backend, users: Users, ana: Client, chip: bytes) -> None:
    luis = signed(guarded.visit(), users.add("luis"))
    job = send_image(ana, chip).json()
    assert own_ids(ana) == [job["id"]]
    assert own_ids(luis) == []
    assert job["id"] not in luis.get("/v1/jobs").text
    assert luis.get(job["url"]).json()["mine"] is False
    assert luis.delete(job["url"]).status == 403
    # The token is the user, whatever program sends it.
    elsewhere = Client(ana.transport, dict(ana.headers))
    assert own_ids(elsewhere) == [job["id"]]
    assert elsewhere.delete(job["url"]).status == 204


def test_no_cookie_is_given_where_there_are_tokens(ana: Client) -> None:
    assert "Set-Cookie" not in ana.get("/v1/jobs").headers
    assert ana.cookies == {}


def test_a_new_token_ends_the_old_one(guarded: Backend, users: Users, ana: Client, chip: bytes) -> None:
    job = send_image(ana, chip).json()
    new = signed(guarded.visit(), users.renew("ana"))
    assert ana.get("/v1/jobs").status == 401
    assert own_ids(new) == [job["id"]]
    users.remove("ana")
    assert new.get("/v1/jobs").status == 401
