"""Signing in on the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from suelo.jobs.service import JobService
from suelo.settings import Settings
from suelo.web.app import create_app
from suelo.web.texts import Texts
from suelo.web.views import Views

HTML = {"Accept": "text/html,*/*;q=0.8"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[JobService]:
    service = JobService(Settings(home=tmp_path / "home", auth="token"))
    yield service
    service.stop()


@pytest.fixture
def browser(service: JobService) -> FlaskClient:
    return create_app(service).test_client()


@pytest.fixture
def token(service: JobService) -> str:
    return service.users.add("ana")


def test_pages_lead_to_the_form_and_back(browser: FlaskClient, token: str) -> None:
    sent = browser.get("/results/123?threshold=0.4", headers=HTML)
    assert sent.status_code == 302
    form = browser.get(sent.headers["Location"])
    assert form.status_code == 200
    assert 'value="/results/123?threshold=0.4"' in form.text
    done = browser.post("/sign-in", data={"token": token, "next": "/results/123?threshold=0.4"})
    assert (done.status_code, done.headers["Location"]) == (303, "/results/123?threshold=0.4")
    cookie = browser.get_cookie("suelo_token")
    assert (cookie.http_only, cookie.same_site) == (True, "Lax")
    assert browser.get("/", headers=HTML).status_code == 200
    # The page's scripts use the API with the same cookie.
    assert browser.get("/v1/jobs").status_code == 200


def test_a_wrong_token_is_refused_in_the_readers_language(browser: FlaskClient, token: str) -> None:
    answer = browser.post("/sign-in", data={"token": "suelo_wrong"}, headers={"Accept-Language": "es-CO"})
    assert (answer.status_code, "no es de nadie" in answer.text) == (401, True)
    assert browser.get_cookie("suelo_token") is None
    assert token not in answer.text


def test_signing_out(browser: FlaskClient, token: str) -> None:
    browser.post("/sign-in", data={"token": token})
    assert browser.post("/sign-out").status_code == 303
    assert browser.get("/", headers=HTML).status_code == 302
    assert browser.get("/v1/jobs").status_code == 401


@pytest.mark.parametrize("wanted", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "x"])
def test_the_form_leads_nowhere_else(browser: FlaskClient, token: str, wanted: str) -> None:
    assert browser.post("/sign-in", data={"token": token, "next": wanted}).headers["Location"] == "/"


def test_other_sites_sign_nobody_in(browser: FlaskClient, token: str) -> None:
    answer = browser.post("/sign-in", data={"token": token}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert browser.get_cookie("suelo_token") is None


def test_what_is_no_page_says_401(browser: FlaskClient) -> None:
    for address in ("/_dash-layout", "/results/123/thumbnail.png"):
        assert browser.get(address, headers={"Accept": "application/json"}).status_code == 401
    assert browser.post("/_dash-update-component", json={}).status_code == 401
    assert browser.get("/assets/favicon.svg").status_code == 200


def test_pages_have_a_way_to_sign_out_where_people_sign_in(service: JobService, tmp_path: Path, parts) -> None:
    open_service = JobService(Settings(home=tmp_path / "open"))
    for asked, ways in ((service, ["/sign-out"]), (open_service, [])):
        views = Views(asked, lambda: "me")
        for address in ("/", "/nothing"):
            page = parts(views.content(address, "", Texts("en")))
            assert [part["props"]["action"] for part in page if part["type"] == "Form"] == ways
    open_service.stop()


def test_a_server_without_users_has_no_form(tmp_path: Path) -> None:
    service = JobService(Settings(home=tmp_path / "open"))
    app = create_app(service)
    assert app.test_client().get("/", headers=HTML).status_code == 200
    assert app.test_client().post("/sign-in").status_code in {404, 405}
    service.stop()
