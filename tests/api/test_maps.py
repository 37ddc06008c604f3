"""Tiles, map facts and points over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from api_client import Client
from rasterio.io import MemoryFile

from suelo.landcover import CLASSES, class_by_name


@pytest.fixture
def job(chip: bytes, plant: Callable[..., dict]) -> dict:
    return plant(chip)


def pixels(png: bytes) -> np.ndarray:
    with MemoryFile(png) as file, file.open() as dataset:
        return dataset.read()


def test_map_facts_without_a_crs(client: Client, job: dict) -> None:
    facts = client.get(job["map"]).json()
    assert facts["georeferenced"] is False
    assert facts["crs"] == "Simple"
    assert facts["bounds"] == [[-96.0, 0.0], [0.0, 128.0]]
    assert (facts["min_zoom"], facts["native_zoom"], facts["tile_size"]) == (0, 0, 256)
    assert facts["metres_per_unit"] == 1.24
    assert set(facts["tiles"]) == {"classes", "true-colour", "near-infrared", "ndvi"}


def test_map_facts_with_a_crs(client: Client, draw_image: Callable[..., Path], tmp_path: Path) -> None:
    image = draw_image(tmp_path / "a.tif", epsg=9377).read_bytes()
    job = client.post("/segment_tiff", body=image).json()["job"]
    facts = client.get(job["map"]).json()
    assert (facts["georeferenced"], facts["crs"]) == (True, "EPSG:3857")
    (south, west), (north, east) = facts["bounds"]
    assert north - south == pytest.approx(96 * 1.24 / 110_600, rel=0.02)
    assert east - west == pytest.approx(128 * 1.24 / 110_950, rel=0.02)


def test_each_layer_has_tiles_at_each_zoom(client: Client, job: dict) -> None:
    facts = client.get(job["map"]).json()
    for template in facts["tiles"].values():
        for z in range(facts["min_zoom"], facts["max_native_zoom"] + 1):
            answer = client.get(template.format(z=z, x=0, y=0))
            assert (answer.status, answer.media_type) == (200, "image/png")
            shown = pixels(answer.body)
            assert shown.shape[0] == 3 or shown[3].any()
        assert client.get(template.format(z=facts["max_native_zoom"] + 1, x=0, y=0)).status == 404


def test_class_tiles_follow_the_selection(client: Client, job: dict) -> None:
    address = f"{job['url']}/tiles/classes/0/0/0.png"
    trees = pixels(client.get(f"{address}?threshold=0.4&classes=trees&min_area=0").body)
    shown = trees[:, trees[3] > 0].T
    assert len(shown) > 0
    assert (shown == (*class_by_name("trees").colour, 255)).all()
    area = client.get(f"{job['url']}?threshold=0.4&min_area=0").json()["statistics"][4]["area_m2"]
    assert len(shown) * 1.24**2 == pytest.approx(area)
    assert not pixels(client.get(f"{address}?classes=").body).any()
    assert client.get(f"{address}?classes=lawns").status == 400
    query = "?threshold=0.4&classes=trees&min_area=0"
    assert client.get(f"{job['url']}/tiles/0/0/0.png{query}").body == client.get(address + query).body


def test_tiles_are_kept_by_browsers_and_by_nobody_else(client: Client, job: dict) -> None:
    address = f"{job['url']}/tiles/classes/0/0/0.png"
    first = client.get(address)
    assert "private" in first.headers["Cache-Control"]
    assert "immutable" in first.headers["Cache-Control"]
    tag = first.headers["ETag"]
    again = client.get(address, headers={"If-None-Match": tag})
    assert (again.status, again.body) == (304, b"")
    for other in (
        f"{address}?threshold=0.9",
        f"{job['url']}/tiles/classes/1/0/0.png",
        f"{job['url']}/tiles/ndvi/0/0/0.png",
    ):
        assert client.get(other, headers={"If-None-Match": tag}).status == 200
    image = f"{job['url']}/tiles/ndvi/0/0/0.png"
    assert client.get(image).headers["ETag"] == client.get(f"{image}?threshold=0.9").headers["ETag"]


def test_tiles_far_away_are_empty(client: Client, job: dict) -> None:
    answer = client.get(f"{job['url']}/tiles/classes/0/{10**400}/3.png")
    assert answer.status == 200
    assert not pixels(answer.body).any()


@pytest.mark.parametrize(
    "address",
    ["tiles/lawns/0/0/0.png", "tiles/classes/99/0/0.png", "tiles/classes/0/-1/0.png", "tiles/classes/a/0/0.png"],
)
def test_tiles_that_are_not_there(client: Client, job: dict, address: str) -> None:
    answer = client.get(f"{job['url']}/{address}")
    assert (answer.status, answer.media_type) == (404, "application/problem+json")


def test_the_classes_at_a_point(client: Client, job: dict) -> None:
    answer = client.get(f"{job['url']}/point?lat=-40.5&lng=100.2&threshold=0.3&classes=trees,crops").json()
    assert (answer["row"], answer["col"], answer["valid"]) == (40, 100, True)
    assert [c["key"] for c in answer["classes"]] == [c.key for c in CLASSES]
    for c in answer["classes"]:
        assert c["shown"] == (c["probability"] >= 0.3 and c["key"] in {"trees", "crops"})
    assert len({c["probability"] for c in answer["classes"]}) > 5
    empty = client.get(f"{job['url']}/point?lat=-3&lng=10").json()
    assert (empty["valid"], empty["classes"]) == (False, [])
    assert client.get(f"{job['url']}/point?lat=3&lng=10").status == 404
    for wrong in ("", "?lat=1", "?lat=a&lng=1", "?lat=nan&lng=1"):
        assert client.get(f"{job['url']}/point{wrong}").status == 400
