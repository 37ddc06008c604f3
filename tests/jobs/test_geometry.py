"""Rasters on slippy maps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from affine import Affine
from pyproj import Transformer
from rasterio.crs import CRS

from suelo.imagery.grid import Grid
from suelo.jobs.geometry import TILE_SIZE, MapGeometry

BOGOTA = {"lon": -74.07, "lat": 4.71}


def grid_at(epsg: int, height: int, width: int, gsd: float, rotation: float = 0.0) -> Grid:
    """A grid whose upper left corner is in Bogotá."""
    x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(BOGOTA["lon"], BOGOTA["lat"])
    transform = Affine.translation(x, y) @ Affine.rotation(rotation) @ Affine.scale(gsd, -gsd)
    return Grid(height, width, transform, CRS.from_epsg(epsg))


def tile_of(lon: float, lat: float, z: int) -> tuple[int, int]:
    """Tile at a place, after the OpenStreetMap wiki's formula for slippy map tile names."""
    x = (lon + 180) / 360 * 2**z
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z
    return int(x), int(y)


@pytest.mark.parametrize(
    "grid",
    [
        grid_at(9377, 10_000, 10_000, 1.24),
        grid_at(32618, 900, 700, 0.31),
        grid_at(4326, 325, 325, 1.2e-5),
        grid_at(9377, 3000, 2000, 1.24, rotation=17),
    ],
    ids=["national", "utm", "geographic", "rotated"],
)
def test_tile_pixels_lie_where_proj_puts_them(grid: Grid) -> None:
    place = MapGeometry(grid)
    to_grid = Transformer.from_crs("EPSG:3857", grid.crs.to_wkt(), always_xy=True)
    world = 2 * math.pi * 6378137
    lon, lat = BOGOTA["lon"], BOGOTA["lat"]
    for z in range(place.min_zoom, place.max_native_zoom + 1):
        x, y = tile_of(lon, lat, z)
        rows, cols = place.tile_pixels(z, x, y)
        step = world / 2**z / TILE_SIZE
        centres = np.arange(TILE_SIZE) + 0.5
        mercator_x = -world / 2 + (x * TILE_SIZE + centres) * step
        mercator_y = world / 2 - (y * TILE_SIZE + centres) * step
        xs, ys = to_grid.transform(*np.meshgrid(mercator_x, mercator_y))
        inverse = ~grid.transform
        assert np.abs(inverse.a * xs + inverse.b * ys + inverse.c - cols).max() < 0.05
        assert np.abs(inverse.d * xs + inverse.e * ys + inverse.f - rows).max() < 0.05


def test_zoom_levels_reach_from_one_tile_to_sharp_pixels() -> None:
    place = MapGeometry(grid_at(9377, 10_000, 10_000, 1.24))
    # 156 543 m / 2^17 × cos 4.7° = 1.19 m: the first level with pixels at least as fine as 1.24 m.
    assert place.native_zoom == 17
    assert place.max_native_zoom > place.native_zoom
    # 12.4 km are less than a tile of zoom 11, which is 19.5 km wide.
    assert place.min_zoom <= 11
    (south, west), (north, east) = place.bounds
    assert (north, west) == pytest.approx((4.71, -74.07), abs=1e-3)
    assert (north - south, east - west) == pytest.approx((12_400 / 110_600, 12_400 / 110_950), rel=0.01)


def test_bounds_cover_a_rotated_raster() -> None:
    place = MapGeometry(grid_at(9377, 3000, 2000, 1.24, rotation=30))
    (south, west), (north, east) = place.bounds
    for row, col in ((0, 0), (0, 2000), (3000, 0), (3000, 2000)):
        x, y = place.grid.transform @ (col, row)
        lon, lat = Transformer.from_crs(9377, 4326, always_xy=True).transform(x, y)
        assert south - 1e-9 <= lat <= north + 1e-9
        assert west - 1e-9 <= lon <= east + 1e-9


def test_without_a_crs_the_map_is_the_raster_itself() -> None:
    place = MapGeometry(Grid(600, 1000))
    assert place.bounds == ((-600.0, 0.0), (0.0, 1000.0))
    assert (place.native_zoom, place.min_zoom) == (0, -2)
    rows, cols = place.tile_pixels(0, 1, 2)
    assert (rows[0, 0], cols[0, 0]) == (512.5, 256.5)
    assert (rows[255, 0], cols[0, 255]) == (767.5, 511.5)
    rows, cols = place.tile_pixels(-2, 0, 0)
    assert (rows[0, 0], cols[0, 1]) == (2.0, 6.0)
    rows, cols = place.tile_pixels(3, 0, 1)
    assert (rows[0, 0], cols[0, 8]) == (32.0625, 1.0625)


def test_the_pixel_at_a_point_of_the_map() -> None:
    simple = MapGeometry(Grid(60, 100))
    assert simple.pixel(-0.5, 99.5) == (0, 99)
    assert simple.pixel(-59.99, 0.0) == (59, 0)
    assert simple.pixel(0.5, 3.0) is None
    assert simple.pixel(-3.0, 100.0) is None
    place = MapGeometry(grid_at(9377, 500, 500, 1.24))
    x, y = place.grid.transform @ (123.5, 77.5)
    lon, lat = Transformer.from_crs(9377, 4326, always_xy=True).transform(x, y)
    assert place.pixel(lat, lon) == (77, 123)
    assert place.pixel(float(lat) + 1, float(lon)) is None
