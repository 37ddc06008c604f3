"""The Flask app: documents, languages, security, and the API beside them."""

from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient

from suelo.web.app import content_policy, create_app
from suelo.web.language import LANGUAGE_COOKIE
from suelo.web.shell import document
from suelo.web.texts import Texts


@pytest.fixture
def client(service) -> FlaskClient:
    return create_app(service).test_client()


def test_documents_have_language_and_title(client, georeferenced) -> None:
    first = client.get("/", headers={"Accept-Language": "es-CO,es;q=0.9"})
    assert first.status_code == 200
    assert '<html lang="es"' in first.text
    assert "<title>Suelo · Cobertura" in first.text
    result = client.get(f"/results/{georeferenced.id}")
    assert "<title>place · Suelo</title>" in result.text


@pytest.mark.parametrize("path", ["/results/" + "0" * 32, "/nothing", "/results/<script>"])
def test_unknown_addresses_answer_404_with_the_page(client, path) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.mimetype == "text/html"
    assert "<script>alert" not in response.text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/nothing", None),
        ("POST", "/v1/job", None),
        ("POST", "/v1/jobs/", None),
        ("DELETE", "/v1/jobs/zz", None),
        ("PUT", "/v1/nothing", None),
        ("OPTIONS", "/v1/nothing", None),
        ("GET", "/v1/jobs/sample", {"POST", "OPTIONS"}),
        ("GET", "/segment_tiff", {"POST", "OPTIONS"}),
        ("DELETE", "/v1/jobs", {"GET", "HEAD", "POST", "OPTIONS"}),
    ],
)
def test_addresses_of_the_api_that_are_no_pages_answer_as_the_api(client, method, path, allowed) -> None:
    response = client.open(path, method=method)
    assert response.mimetype == "application/problem+json"
    if allowed is None:
        assert response.status_code == 404
        assert response.json["detail"] == "There is nothing at this address."
        assert "Allow" not in response.headers
    else:
        assert response.status_code == 405
        assert response.json["detail"] == f"This address does not take {method}."
        assert {name.upper() for name in response.allow} == allowed


def test_a_language_is_remembered_and_leaves_the_address(client) -> None:
    response = client.get("/results/abc?classes=roads&lang=es&threshold=0.4")
    assert response.status_code == 302
    assert response.location == "/results/abc?classes=roads&threshold=0.4"
    cookie = client.get_cookie(LANGUAGE_COOKIE)
    assert cookie is not None
    assert cookie.value == "es"
    assert '<html lang="es"' in client.get("/").text


def test_a_redirect_for_the_language_stays_on_this_site(client) -> None:
    response = client.get("//evil.example/?lang=es")
    assert not re.match(r"(https?:)?//", response.location)


def test_documents_name_no_other_host_and_allow_none(client) -> None:
    response = client.get("/")
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", response.text)
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'sha256-" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("", "img-src 'self' data: blob:;"),
        ("https://tile.example.org/{z}/{x}/{y}.png", "blob: https://tile.example.org;"),
        ("https://{s}.example.org/{z}/{x}/{y}.png", "blob: https://*.example.org;"),
    ],
)
def test_images_may_come_from_the_background_map_only(address, allowed) -> None:
    assert allowed in content_policy([], address)


def test_images_may_be_sent_to_the_store_that_takes_them_only() -> None:
    assert "connect-src" not in content_policy([], "")
    store = "https://results.s3.sa-east-1.amazonaws.com"
    assert f"; connect-src 'self' {store};" in content_policy([], "", store)


def test_names_of_images_are_escaped(service, draw_image, tmp_path, client) -> None:
    image = draw_image(tmp_path / "x.tif", seed=5).read_bytes()
    job = service.submit_image(image, "corn & beans.tif", "somebody")
    assert "<title>corn &amp; beans · Suelo</title>" in client.get(f"/results/{job.id}").text
    parts = dict.fromkeys(("metas", "css", "app_entry", "config", "scripts", "renderer"), "")
    assert "<script>" not in document(parts, "</title><script>", Texts("en"))


def test_thumbnails_are_sent_and_missing_ones_are_not(client, plane) -> None:
    response = client.get(f"/results/{plane.id}/thumbnail.png")
    assert response.mimetype == "image/png"
    assert response.data.startswith(b"\x89PNG")
    assert client.get("/results/" + "0" * 32 + "/thumbnail.png").status_code == 404


def test_the_list_is_the_visitors_own(service, draw_image, tmp_path) -> None:
    app = create_app(service)
    one, other = app.test_client(), app.test_client()
    image = draw_image(tmp_path / "mine.tif", seed=6)
    upload = one.post("/v1/uploads", json={"name": image.name, "size": image.stat().st_size}).json
    one.put(upload["url"], data=image.read_bytes())
    job = one.post("/v1/jobs", json={"upload": upload["id"]}).json
    assert job["id"] in _list(one)
    assert job["id"] not in _list(other)


def _list(client: FlaskClient) -> str:
    """The list of results as the page asks for it."""
    body = {
        "output": "..results.children...results-poll.disabled...results-older.hidden..",
        "outputs": [
            {"id": "results", "property": "children"},
            {"id": "results-poll", "property": "disabled"},
            {"id": "results-older", "property": "hidden"},
        ],
        "inputs": [
            {"id": "results-refresh", "property": "data", "value": 0},
            {"id": "results-poll", "property": "n_intervals"},
            {"id": "results-older", "property": "n_clicks"},
        ],
        "changedPropIds": [],
        "state": [],
    }
    response = client.post("/_dash-update-component", json=body)
    assert response.status_code == 200
    return json.dumps(response.json)


def test_several_apps_live_side_by_side(service) -> None:
    first, second = create_app(service), create_app(service)
    assert first is not second
    assert first.test_client().get("/_dash-dependencies").json == second.test_client().get("/_dash-dependencies").json
