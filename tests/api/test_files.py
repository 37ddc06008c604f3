"""Downloads: exactly what the address selects, under a name one can read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pyogrio
import pytest
from api_client import Client
from rasterio.io import MemoryFile

QUERY = "threshold=0.3&threshold=trees=0.5&classes=trees,roads&min_area=10"


@pytest.fixture
def job(draw_image: Callable[..., Path], plant: Callable[..., dict], tmp_path: Path) -> dict:
    return plant(draw_image(tmp_path / "a.tif", 128, 128, epsg=9377).read_bytes(), "Engativá 3.tif")


@pytest.fixture
def numbers(client: Client, job: dict) -> dict[str, dict]:
    """Numbers of the classes in the query."""
    rows = client.get(f"{job['url']}?{QUERY}").json()["statistics"]
    return {row["key"]: row for row in rows if row["key"] in {"trees", "roads"}}


def test_every_file_has_a_type_and_a_name(client: Client, job: dict) -> None:
    types = {
        "polygons.gpkg": "application/geopackage+sqlite3",
        "polygons.geojson": "application/geo+json",
        "polygons.fgb": "application/flatgeobuf",
        "classes.csv": "text/csv",
        "classes.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "probabilities.tif": "image/tiff",
        "preview.png": "image/png",
        "result.json": "application/json",
    }
    assert set(job["files"]) == set(types)
    for name, media_type in types.items():
        answer = client.get(job["files"][name])
        assert (answer.status, answer.media_type) == (200, media_type)
        disposition = answer.headers["Content-Disposition"]
        assert disposition.startswith("attachment;")
        assert f"filename*=UTF-8''{quote('Engativá 3')}-{name}" in disposition
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("fmt", ["gpkg", "geojson", "fgb"])
def test_polygons_are_those_selected(
    client: Client, job: dict, numbers: dict[str, dict], tmp_path: Path, fmt: str
) -> None:
    path = tmp_path / f"polygons.{fmt}"
    path.write_bytes(client.get(f"{job['files'][f'polygons.{fmt}']}?{QUERY}").body)
    frame = pyogrio.read_dataframe(path)
    assert frame.is_valid.all()
    assert frame.crs.to_epsg() == (4326 if fmt == "geojson" else 9377)
    found = frame.groupby("class")
    assert found.size().to_dict() == {key: row["polygons"] for key, row in numbers.items()}
    assert found["area_m2"].sum().to_dict() == pytest.approx({key: row["area_m2"] for key, row in numbers.items()})


def test_the_table_is_the_one_selected(client: Client, job: dict, numbers: dict[str, dict]) -> None:
    text = client.get(f"{job['files']['classes.csv']}?{QUERY}").text
    rows = {row["class"]: row for row in csv.DictReader(io.StringIO(text))}
    assert list(rows) == ["roads", "trees"]
    assert (rows["roads"]["threshold"], rows["trees"]["threshold"]) == ("0.3", "0.5")
    for key, row in rows.items():
        assert int(row["polygons"]) == numbers[key]["polygons"]
        assert float(row["area_m2"]) == pytest.approx(numbers[key]["area_m2"], abs=0.01)


def test_the_spreadsheet_is_the_one_selected(
    client: Client, job: dict, numbers: dict[str, dict], tmp_path: Path
) -> None:
    path = tmp_path / "classes.xlsx"
    path.write_bytes(client.get(f"{job['files']['classes.xlsx']}?{QUERY}").body)
    rows = pyogrio.read_dataframe(path, layer="Clases").set_index("Clase")
    assert list(rows.index) == ["Vías", "Árboles"]
    for name, key in zip(rows.index, ("roads", "trees"), strict=True):
        assert rows["Objetos"][name] == numbers[key]["polygons"]
        assert rows["Área en m²"][name] == pytest.approx(numbers[key]["area_m2"])


def test_the_description_names_the_selection(client: Client, job: dict, numbers: dict[str, dict]) -> None:
    document = json.loads(client.get(f"{job['files']['result.json']}?{QUERY}").body)
    assert document["selection"]["classes"] == ["roads", "trees"]
    assert document["selection"]["thresholds"]["trees"] == 0.5
    assert [row for row in document["classes"] if row["key"] == "trees"] == [numbers["trees"]]


def test_probabilities_are_given_whole_or_in_part(client: Client, job: dict) -> None:
    address = job["files"]["probabilities.tif"]
    whole = client.get(address)
    part = client.get(address, headers={"Range": "bytes=100-199"})
    assert (part.status, part.body) == (206, whole.body[100:200])
    again = client.get(address, headers={"If-None-Match": whole.headers["ETag"]})
    assert again.status == 304
    with MemoryFile(whole.body) as file, file.open() as dataset:
        assert (dataset.count, dataset.crs.to_epsg()) == (10, 9377)


def test_files_of_different_selections_have_different_tags(client: Client, job: dict) -> None:
    address = job["files"]["classes.csv"]
    tags = {client.get(f"{address}?{query}").headers["ETag"] for query in ("", QUERY, "threshold=0.9", "classes=")}
    assert len(tags) == 4


def test_a_wrong_selection_is_refused(client: Client, job: dict) -> None:
    for name in ("polygons.gpkg", "classes.csv", "result.json"):
        answer = client.get(f"{job['files'][name]}?threshold=7")
        assert (answer.status, answer.media_type) == (400, "application/problem+json")
    assert client.get(f"{job['url']}/polygons.shp").status == 404
