"""`POST /segment_tiff`: a chip in, its land cover out."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest
import shapely
from api_client import Client

from suelo.landcover import CLASSES

Draw = Callable[..., Path]
Plant = Callable[..., dict]
COLUMNS = ["image", "class", "poly", "Multi", "name", "area_m2"]


def test_a_chip_comes_back_as_job_numbers_and_data_frame(client: Client, chip: bytes) -> None:
    answer = client.post("/segment_tiff?name=usme.tif", body=chip)
    assert (answer.status, answer.media_type) == (200, "application/json")
    document = answer.json()
    assert document["job"]["status"] == "succeeded"
    assert document["job"]["name"] == "usme"
    assert [row["class_id"] for row in document["statistics"]] == [c.id for c in CLASSES]
    frame = pandas.DataFrame(document["dataframe"])
    assert sorted(frame.columns) == sorted(COLUMNS)
    assert list(frame["class"]) == [c.id for c in CLASSES]
    assert set(frame["image"]) == {"usme"}


def test_the_data_frame_has_the_outlines_of_what_is_selected(client: Client, chip: bytes, plant: Plant) -> None:
    plant(chip)
    answer = client.post("/segment_tiff?threshold=0.4&min_area=0&classes=trees,roads", body=chip).json()
    numbers = {row["class_id"]: row for row in answer["statistics"]}
    assert [record["name"] for record in answer["dataframe"]] == ["Roads", "Trees"]
    for record in answer["dataframe"]:
        assert list(record) == ["image", "class", "poly", "Multi", "name", "area_m2"]  # the order of columns
        outline = shapely.from_wkt(record["Multi"])
        row = numbers[record["class"]]
        assert outline.is_valid
        assert outline.geom_type == "MultiPolygon"
        assert len(outline.geoms) == record["poly"] == row["polygons"] > 0
        # Outlines are in pixels of 1.24 m.
        assert outline.area * 1.24**2 == pytest.approx(record["area_m2"])
        assert record["area_m2"] == row["area_m2"]
        assert row["threshold"] == 0.4


@pytest.mark.parametrize("declared", [None, "image/tiff", "application/x-www-form-urlencoded"])
def test_the_body_is_taken_as_it_is_whatever_it_is_declared_as(
    client: Client, chip: bytes, declared: str | None
) -> None:
    # Programs like curl declare every body as a form unless they are told otherwise.
    assert client.post("/segment_tiff", body=chip, headers={"Content-Type": declared} if declared else {}).status == 200


@pytest.mark.parametrize("form", ["plain", "in lines", "data url"])
def test_base64_is_taken_too(client: Client, chip: bytes, form: str) -> None:
    text = base64.b64encode(chip)
    body = {
        "plain": text,
        "in lines": base64.encodebytes(chip),
        "data url": b"data:image/tiff;base64," + text,
    }[form]
    raw = client.post("/segment_tiff", body=chip).json()["job"]["id"]
    answer = client.post("/segment_tiff", body=body)
    assert answer.status == 200
    assert answer.json()["job"]["id"] == raw


def test_accept_chooses_the_form(client: Client, chip: bytes, plant: Plant) -> None:
    plant(chip)
    query = "/segment_tiff?threshold=0.4&classes=trees"
    geojson = client.post(query, body=chip, headers={"Accept": "application/geo+json"})
    assert geojson.media_type == "application/geo+json"
    table = client.post(query, body=chip, headers={"Accept": "text/csv"})
    assert table.media_type == "text/csv"
    (record,) = csv.DictReader(io.StringIO(table.text))
    assert list(record) == COLUMNS
    features = geojson.json()["features"]
    assert len(features) == int(record["poly"]) == len(shapely.from_wkt(record["Multi"]).geoms) > 0
    for accepted in ("*/*", "application/*", "text/html;q=0.9,application/json"):
        assert client.post(query, body=chip, headers={"Accept": accepted}).media_type == "application/json"
    refused = client.post(query, body=chip, headers={"Accept": "application/x-pickle"})
    assert (refused.status, refused.media_type) == (406, "application/problem+json")


def test_options_and_mistakes_in_the_query(client: Client, chip: bytes) -> None:
    assert client.post("/segment_tiff?gsd_m=0.5", body=chip).json()["job"]["image"]["gsd_m"] == 0.5
    jobs = len(client.get("/v1/jobs").json()["jobs"])
    for query in ("threshold=1.5", "classes=lawns", "gsd_m=far", "gsd_m=-1", "gsd_m=nan"):
        answer = client.post(f"/segment_tiff?{query}", body=chip + b"\0")
        assert (answer.status, answer.media_type) == (400, "application/problem+json")
    assert len(client.get("/v1/jobs").json()["jobs"]) == jobs


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 422, "empty"),
        (b"hello, this is text", 422, "text"),
        (base64.b64encode(b"hello, this is text"), 422, "text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), 422, "PNG"),
        (b"II*\0" + bytes(100), 422, "damaged"),
    ],
)
def test_what_is_no_image_is_refused(client: Client, body: bytes, status: int, said: str) -> None:
    answer = client.post("/segment_tiff", body=body)
    assert (answer.status, answer.media_type) == (status, "application/problem+json")
    assert answer.json()["type"] == "urn:problem-type:suelo:unusable-image"
    assert said in answer.json()["detail"]
    assert client.get("/v1/jobs").json()["jobs"] == []


def test_a_scene_is_too_large(client: Client, draw_image: Draw, tmp_path: Path) -> None:
    answer = client.post("/segment_tiff", body=draw_image(tmp_path / "scene.tif", 300, 300).read_bytes())
    assert (answer.status, answer.json()["type"]) == (413, "urn:problem-type:suelo:image-too-large")
    assert "/v1/uploads" in answer.json()["detail"]
    body = b"II*\0" + bytes(6_000_000)
    assert client.post("/segment_tiff", body=body).status == 413


def test_a_form_is_refused_with_advice(client: Client, chip: bytes) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="chip.tif"\r\n\r\n' + chip + b"\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/segment_tiff", body=form, headers=headers)
    assert answer.status == 415
    assert "--data-binary" in answer.json()["detail"]


def test_the_answer_says_how_long_it_took(client: Client, chip: bytes) -> None:
    header = client.post("/segment_tiff", body=chip).headers["Server-Timing"]
    times = dict(part.strip().split(";dur=") for part in header.split(","))
    assert {"receive", "job", "polygons", "table", "total"} <= set(times)
    assert float(times["total"]) >= float(times["job"]) > 0


@pytest.mark.shared_data
def test_real_chips(client: Client, shared_data: Path) -> None:
    for name in ("dstl_160_float16_8pages.tiff",):
        answer = client.post(f"/segment_tiff?name={name}", body=(shared_data / "chips" / name).read_bytes())
        assert answer.status == 200
        assert answer.json()["job"]["image"]["width"] == 160
