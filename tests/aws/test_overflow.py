"""Answers that Lambda cannot carry are fetched from S3 instead."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from flask import Flask, Response, request, send_file
from werkzeug.test import Client

from suelo.aws.overflow import MAX_ANSWER, redirect_large_answers
from suelo.jobs.service import JobService
from suelo.settings import Settings

LARGE = bytes(range(251)) * (MAX_ANSWER // 251 + 2)


@pytest.fixture(params=["s3", "folder"])
def service(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobService]:
    store = ""
    if request.param == "s3":
        for name, value in request.getfixturevalue("s3").items():
            monkeypatch.setenv(name, value)
        store = f"s3://results/{uuid4().hex}"
    service = JobService(Settings(home=tmp_path / "home", store=store))
    yield service
    service.stop()


@pytest.fixture
def client(service: JobService, tmp_path: Path) -> Client:
    app = Flask("large")
    (tmp_path / "map.bin").write_bytes(LARGE)

    @app.get("/file")
    def file() -> Response:
        return send_file(
            tmp_path / "map.bin", "application/geo+json", as_attachment=True, download_name="Zona ñ.geojson"
        )

    @app.post("/echo")
    def echo() -> Response:
        response = Response(request.get_data(), mimetype="text/csv")
        response.set_cookie("visitor", "1")
        return response

    @app.get("/failure")
    def failure() -> tuple[bytes, int]:
        return LARGE, 500

    return Client(redirect_large_answers(app.wsgi_app, service.downloads.lend))


def fetch(address: str, headers: dict[str, str] | None = None) -> tuple[int, http.client.HTTPMessage, bytes]:
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.netloc, timeout=60)
    connection.request("GET", f"{place.path}?{place.query}", headers=headers or {})
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


@pytest.mark.parametrize("service", ["s3"], indirect=True)
def test_a_large_file_is_fetched_from_s3_with_name_and_type(client: Client) -> None:
    answer = client.get("/file", headers={"Range": f"bytes=10-{MAX_ANSWER + 20}", "Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.data) == (303, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    status, headers, body = fetch(answer.headers["Location"])
    assert (status, body == LARGE) == (200, True)
    assert headers["Content-Type"] == "application/geo+json"
    assert "filename*=UTF-8''Zona%20%C3%B1.geojson" in headers["Content-Disposition"]
    status, _, body = fetch(answer.headers["Location"], {"Range": "bytes=10-19"})
    assert (status, body) == (206, LARGE[10:20])


@pytest.mark.parametrize("service", ["s3"], indirect=True)
def test_an_answer_to_what_was_sent_is_too(client: Client) -> None:
    answer = client.post("/echo", data=LARGE)
    assert answer.status_code == 303
    assert "visitor=1" in answer.headers["Set-Cookie"]
    assert fetch(answer.headers["Location"])[2] == LARGE


def test_small_answers_and_small_parts_go_directly(client: Client) -> None:
    assert client.post("/echo", data=b"few").data == b"few"
    part = client.get("/file", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.data) == (206, LARGE[10:20])
    most = LARGE[:MAX_ANSWER]
    assert client.post("/echo", data=most).data == most


def test_what_cannot_be_redirected_is_refused(client: Client, request: pytest.FixtureRequest) -> None:
    assert client.get("/failure").status_code == 413
    if "folder" in request.node.name:
        answer = client.get("/file")
        assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")
