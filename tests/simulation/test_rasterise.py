"""Tests of filling polygons: the quick way has to give what GDAL gives."""

from __future__ import annotations

import numpy as np
import shapely
from rasterio.features import rasterize

from suelo.simulation.drawing import rectangles, rounds, snap, sweep
from suelo.simulation.rasterise import fill_areas, fill_convex


def _shapes(seed: int, n: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centre = rng.uniform(-20, 180, (n, 2))
    return snap(rectangles(centre, rng.uniform(0, 7, n), rng.uniform(0.3, 60, n), rng.uniform(0.3, 20, n)))


def test_convex_polygons_cover_the_pixels_that_gdal_covers() -> None:
    for corners in (
        _shapes(1, 200),
        snap(rounds(np.random.default_rng(2).uniform(0, 160, (90, 2)), 7.0, np.random.default_rng(3))),
    ):
        ours = np.zeros((150, 160), np.int32)
        fill_convex(ours, corners, np.arange(1, len(corners) + 1))
        gdal = rasterize(
            zip(shapely.polygons(corners), range(1, len(corners) + 1), strict=True), (150, 160), dtype="int32"
        )
        np.testing.assert_array_equal(ours, gdal)


def test_a_shifted_window_gets_the_same_pixels() -> None:
    corners = _shapes(4, 150)
    whole = np.zeros((160, 160), np.int32)
    fill_convex(whole, corners, np.arange(150))
    part = np.zeros((60, 50), np.int32)
    fill_convex(part, corners - np.array([70.0, 31.0]), np.arange(150))
    np.testing.assert_array_equal(part, whole[31:91, 70:120])


def test_areas_with_holes_are_filled_by_pixel_centres() -> None:
    ring = shapely.box(2.1, 3.1, 12.1, 13.1).difference(shapely.box(5.6, 6.6, 8.4, 9.4))
    out = np.zeros((16, 16), np.uint8)
    fill_areas(out, [(ring, 7)])
    expected = np.zeros((16, 16), np.uint8)
    expected[3:13, 2:12] = 7
    expected[7:9, 6:8] = 0
    np.testing.assert_array_equal(out, expected)


def test_nothing_to_fill_leaves_the_raster_alone() -> None:
    out = np.full((5, 5), 3, np.int32)
    fill_areas(out, [])
    fill_convex(out, np.full((1, 4, 2), 40.0), np.array([1]))
    assert (out == 3).all()


def test_a_swept_polygon_is_the_hull_of_its_two_ends() -> None:
    corners = _shapes(6, 60)
    shift = np.random.default_rng(7).normal(0, 9, (60, 2))
    for polygon, swept, move in zip(corners, sweep(corners, shift), shift, strict=True):
        hull = shapely.convex_hull(shapely.MultiPoint(np.concatenate([polygon, polygon + move])))
        assert shapely.Polygon(swept).buffer(0).symmetric_difference(hull).area < 1e-6 * hull.area
