"""The OpenAPI document is whole, its examples hold, and schemathesis finds no answer that it does not describe."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis
from api_client import Backend, Client, send_image
from flask import Flask

from suelo.api.openapi import make_document

StartBackend = Callable[..., Backend]
Document = dict[str, Any]


@pytest.fixture(scope="session")
def target(start_backend: StartBackend) -> Backend:
    return start_backend(max_direct_pixels=64 * 64, max_upload_mb=1)


@pytest.fixture
def document(target: Backend) -> Document:
    return target.visit().get("/openapi.json").json()


@pytest.fixture(scope="session")
def visitor(target: Backend) -> Client:
    return target.visit()


@pytest.fixture(scope="session")
def chip_64(draw_image: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return draw_image(tmp_path_factory.mktemp("chip") / "chip.tif", 64, 64, epsg=9377).read_bytes()


sqlite_alone = pytest.mark.parametrize("start_backend", ["sqlite-folder"], indirect=True, scope="session")


def hunt(address: str, document: Path, *more: str) -> None:
    """Let schemathesis look for answers that the document does not describe."""
    # What fits the schema may still be no image, or belong to nobody, so not all of it is accepted.
    command = ["run", str(document), "--url", address, "--exclude-checks", "positive_data_acceptance"]
    command += ["--phases", "examples,coverage,fuzzing", "--max-examples", "4", "--seed", "1"]
    command += ["--generation-database", "none", "--request-timeout", "60", "--no-color"]
    # What breaks two rules may be refused for either.
    (document.parent / "schemathesis.toml").write_text(
        "[checks]\nnegative_data_rejection.expected-statuses = [400, 404, 405, 406, 409, 413, 415, 416, 422]\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", *command, *more],
        capture_output=True,
        text=True,
        cwd=document.parent,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-5_000:]
    assert re.search(r"[1-9]\d* passed", run.stdout), run.stdout[-2000:]


@pytest.mark.slow
@sqlite_alone
def test_answers_are_as_described(target: Backend, document: Document, tmp_path: Path) -> None:
    target.visit().post("/v1/jobs/sample")
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(document))
    hunt(target.address, path)


@pytest.mark.slow
@sqlite_alone
def test_answers_about_a_result_are_as_described(
    target: Backend, document: Document, visitor: Client, chip_64: bytes, tmp_path: Path
) -> None:
    job = send_image(visitor, chip_64).json()
    known = deepcopy(document)
    for path in document["paths"]:
        if "{job_id}" not in path:
            del known["paths"][path]
            continue
        for described in known["paths"][path].values():
            for parameter in described["parameters"]:
                if parameter["name"] == "job_id":
                    parameter["schema"], parameter["example"] = {"enum": [job["id"]]}, job["id"]
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(known))
    # Deleting the job is left out: there is but one.
    hunt(target.address, path, "--exclude-method", "DELETE")


@sqlite_alone
def test_the_document_is_valid_openapi(document: Document) -> None:
    assert document["openapi"] == "3.1.0"
    assert schemathesis.openapi.from_dict(document).statistic.operations.total == 25
    ids = [described["operationId"] for item in document["paths"].values() for described in item.values()]
    assert len(ids) == len(set(ids))
    for item in document["paths"].values():
        for described in item.values():
            assert described["summary"].endswith(".")
            assert re.fullmatch(r"[2-5]\d\d", "".join(sorted(described["responses"])[:1]))


@sqlite_alone
def test_examples_are_what_the_schemas_say(document: Document) -> None:
    checked = 0
    for name, schema in document["components"]["schemas"].items():
        whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        for example in schema.get("examples", []):
            jsonschema.Draft202012Validator(whole).validate(example)
            checked += 1
    for item in document["paths"].values():
        for described in item.values():
            for parameter in described.get("parameters", []):
                if "example" in parameter:
                    jsonschema.Draft202012Validator(parameter["schema"]).validate(parameter["example"])
                    checked += 1
    assert checked > 30


@sqlite_alone
def test_every_document_that_comes_in_or_goes_out_has_an_example(document: Document) -> None:
    schemas, seen = document["components"]["schemas"], set()
    for item in document["paths"].values():
        for described in item.values():
            for whole in (described.get("requestBody", {}), *described["responses"].values()):
                for content in whole.get("content", {}).values():
                    seen.add(content.get("schema", {}).get("$ref", "").rpartition("/")[2])
    seen.discard("")  # bytes of files
    assert {"Segmentation", "JobList", "Problem", "NewJob", "Model"} <= seen
    for name in seen:
        assert schemas[name]["examples"], name


@sqlite_alone
def test_examples_are_like_real_answers(visitor: Client, document: Document, chip_64: bytes) -> None:
    def shape(value: Any) -> Any:
        return {name: shape(inner) for name, inner in value.items()} if isinstance(value, dict) else None

    shown = {name: schema.get("examples", [None])[-1] for name, schema in document["components"]["schemas"].items()}
    real = visitor.post("/segment_tiff?classes=roads", body=chip_64).json()
    assert shape(shown["Segmentation"]["job"]) == shape(real["job"]) == shape(shown["Job"])
    assert shape(shown["Segmentation"]["statistics"][0]) == shape(real["statistics"][0])
    assert set(shown["Segmentation"]["dataframe"][0]) == set(real["dataframe"][0])
    url = real["job"]["url"]
    assert shape(shown["Map"]) == shape(visitor.get(f"{url}/map").json())
    assert shape(shown["EventList"]["events"][0]) == shape(visitor.get(f"{url}/events").json()["events"][0])
    assert set(shown["JobList"]) == set(visitor.get("/v1/jobs").json())
    model = visitor.get("/v1/model").json()
    assert [shape(c) for c in shown["Model"]["classes"]] == [shape(c) for c in model["classes"]]
    assert set(shown["Model"]["contract"]) <= set(model["contract"])


@sqlite_alone
def test_what_a_header_can_lead_to_is_described_with_it(visitor: Client, document: Document) -> None:
    with_key = [
        described
        for item in document["paths"].values()
        for described in item.values()
        if "Idempotency-Key" in [parameter["name"] for parameter in described.get("parameters", [])]
    ]
    assert len(with_key) == 3
    for described in with_key:
        assert {"400", "409", "422"} <= set(described["responses"])
    first = visitor.post("/v1/uploads", json={"name": "a.tif"}, headers={"Idempotency-Key": "one"})
    other = visitor.post("/v1/uploads", json={"name": "b.tif"}, headers={"Idempotency-Key": "one"})
    assert (first.status, other.status) == (201, 422)


@sqlite_alone
def test_operations_that_heed_a_moment_say_so(visitor: Client, document: Document, chip_64: bytes) -> None:
    url = visitor.post("/segment_tiff", body=chip_64).json()["job"]["url"]
    heeding = 0
    for path, item in document["paths"].items():
        if "{job_id}" not in path or "get" not in item:
            continue
        address = url + path.partition("{job_id}")[2].format(fmt="gpkg", table="csv", layer="classes", z=17, x=0, y=0)
        answer = visitor.get(f"{address}?lat=4.7&lng=-74.2" if address.endswith("/point") else address)
        moment = answer.headers.get("Last-Modified")
        again = visitor.get(address, headers={"If-Modified-Since": moment or "Fri, 01 Jan 2100 00:00:00 GMT"})
        named = [parameter["name"] for parameter in item["get"]["parameters"]]
        assert ("If-Modified-Since" in named) == (again.status == 304), path
        heeding += again.status == 304
    assert heeding == 5


def test_a_route_without_a_description_is_found() -> None:
    app = Flask("forgetful")
    app.add_url_rule("/v1/forgotten", "api.forgotten", lambda: "")
    with pytest.raises(LookupError, match="/v1/forgotten"):
        make_document(app, signed=False)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                assert value not in self.ids
                self.ids.add(str(value))
            if name in {"href", "src"}:
                self.links.append(str(value))


@sqlite_alone
def test_the_reference_shows_every_address_and_needs_nothing_from_elsewhere(
    target: Backend, document: Document
) -> None:
    answer = target.visit().get("/docs")
    assert (answer.status, answer.media_type) == (200, "text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    page = _Page()
    page.feed(answer.text)
    for item in document["paths"].values():
        for described in item.values():
            assert described["operationId"] in page.ids
    assert set(document["components"]["schemas"]) <= page.ids
    for link in page.links:
        assert link == "/openapi.json" or link.removeprefix("#") in page.ids
    assert not {"script", "img", "link"} & page.tags
    assert f"{target.address}/segment_tiff?threshold=0.5" in answer.text
    assert json.dumps(document["components"]["schemas"]["NewJob"]["examples"][0]["options"]) in answer.text.replace(
        "&quot;", '"'
    )
