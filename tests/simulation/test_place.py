"""Tests of where made-up scenes lie."""

from __future__ import annotations

import pytest
from pyproj import Transformer

from suelo.errors import InputError
from suelo.simulation.place import scene_grid


@pytest.mark.parametrize("crs", ["EPSG:9377", "EPSG:4326", "EPSG:32618", "EPSG:3116"])
def test_scenes_lie_on_the_savanna_of_bogota(crs: str) -> None:
    grid = scene_grid(100, 80, crs, 1.24)
    x, y = grid.transform @ (40, 50)
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    assert -74.35 < lon < -74.05
    assert 4.6 < lat < 5.0
    assert grid.gsd_m == pytest.approx(1.24, rel=0.005)
    assert grid.transform.e < 0 < grid.transform.a


def test_a_crs_in_feet_keeps_the_size_of_a_pixel_and_its_own_place() -> None:
    grid = scene_grid(100, 80, "EPSG:2263", 2.0)
    assert grid.gsd_m == pytest.approx(2.0, rel=1e-6)
    x, y = grid.transform @ (40, 50)
    lon, lat = Transformer.from_crs("EPSG:2263", "EPSG:4326", always_xy=True).transform(x, y)
    assert -75 < lon < -71
    assert 40 < lat < 42


def test_without_a_crs_coordinates_are_pixels() -> None:
    grid = scene_grid(100, 80, None, 1.5)
    assert grid.crs is None
    assert grid.transform.is_identity
    assert grid.gsd_m == pytest.approx(1.5)


def test_an_unknown_crs_is_refused_with_its_name() -> None:
    with pytest.raises(InputError, match="EPSG:999999"):
        scene_grid(100, 80, "EPSG:999999", 1.24)
