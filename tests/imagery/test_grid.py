import math

import numpy as np
import pytest
from affine import Affine
from pyproj import Geod, Transformer
from rasterio.crs import CRS

from suelo.imagery.grid import DEFAULT_GSD_M, Grid, Window

BOGOTA = CRS.from_epsg(9377)


def test_without_a_crs_the_coordinates_are_pixels_of_1_24_metres():
    grid = Grid(40, 60)
    assert grid.bounds == (0, 0, 60, 40)
    assert grid.gsd_m == pytest.approx(1.24)
    assert grid.row_areas_m2().tolist() == pytest.approx([1.24**2] * 40)
    assert Grid(40, 60, pixel_gsd_m=0.5).gsd_m == pytest.approx(0.5)


def test_projected_areas_are_planar_in_the_units_of_the_crs():
    metres = Grid(10, 10, Affine(2.0, 0, 4.9e6, 0, -1.5, 2.1e6), BOGOTA)
    assert metres.row_areas_m2(3, 5).tolist() == pytest.approx([3.0, 3.0])
    assert metres.gsd_m == pytest.approx(math.sqrt(3))
    feet = Grid(10, 10, Affine(10, 0, 9.8e5, 0, -10, 2e5), CRS.from_epsg(2263))
    assert feet.gsd_m == pytest.approx(3.048006096)


def test_a_rotated_pixel_has_the_area_of_its_parallelogram():
    grid = Grid(10, 10, Affine.translation(4.9e6, 2.1e6) @ Affine.rotation(30) @ Affine.scale(2, -2), BOGOTA)
    assert grid.gsd_m == pytest.approx(2)
    assert grid.bounds == pytest.approx(
        (4.9e6, 2.1e6 - 20 * math.cos(math.radians(30)), 4.9e6 + 20 * math.cos(math.radians(30)) + 10, 2.1e6 + 10)
    )


@pytest.mark.parametrize("latitude", [-70.0, 0.1, 4.6, 49.0])
def test_geographic_areas_are_those_on_the_ellipsoid(latitude):
    step = 1e-3  # degrees: large enough for an independent geodesic area to be exact
    grid = Grid(30, 20, Affine(step, 0, -74, 0, -step, latitude), CRS.from_epsg(4326))
    areas = grid.row_areas_m2()
    for row in (0, 17, 29):
        north = latitude - row * step
        lon = np.r_[np.linspace(-74, -74 + step, 9), np.linspace(-74 + step, -74, 9)]
        lat = np.r_[np.full(9, north), np.full(9, north - step)]
        expected = abs(Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0])
        assert areas[row] == pytest.approx(expected, rel=1e-6)
    assert np.array_equal(grid.row_areas_m2(5, 9), areas[5:9])


def test_geographic_areas_know_the_unit_of_the_crs():
    degrees = Grid(20, 20, Affine(1e-5, 0, 2.3, 0, -1e-5, 48.8), CRS.from_epsg(4326))
    grads = Grid(20, 20, Affine(1e-5 / 0.9, 0, 0, 0, -1e-5 / 0.9, 48.8 / 0.9), CRS.from_epsg(4807))
    assert grads.gsd_m == pytest.approx(degrees.gsd_m, rel=1e-3)


@pytest.mark.parametrize("latitude", [-55.0, 40.0, 60.0])
@pytest.mark.parametrize("epsg", [3857, 32662])
def test_areas_of_a_projection_that_distorts_them_are_those_on_the_ellipsoid(epsg, latitude):
    to_lonlat = Transformer.from_crs(epsg, 4326, always_xy=True)
    x, y = to_lonlat.transform(25, latitude, direction="INVERSE")
    grid = Grid(40, 20, Affine(100, 0, x, 0, -100, y), CRS.from_epsg(epsg))
    areas = grid.row_areas_m2()
    for row in (0, 39):
        lon, lat = to_lonlat.transform(x + np.array([0, 100, 100, 0]), y - 100 * (row + np.array([0, 0, 1, 1])))
        expected = abs(Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0])
        assert areas[row] == pytest.approx(expected, rel=1e-5)
    assert np.array_equal(grid.row_areas_m2(7, 9), areas[7:9])
    assert grid.gsd_m == pytest.approx(math.sqrt(areas[20]))


@pytest.mark.parametrize(("epsg", "x", "y"), [(32618, 166_000, 520_000), (9377, 4.88e6, 2.06e6), (2263, 9.8e5, 2e5)])
def test_a_scale_factor_of_a_survey_grid_changes_nothing(epsg, x, y):
    crs = CRS.from_epsg(epsg)
    grid = Grid(10, 10, Affine(1.24, 0, x, 0, -1.24, y), crs)
    assert set(grid.row_areas_m2()) == {1.24**2 * crs.linear_units_factor[1] ** 2}
    assert grid.pixel_m == (grid.gsd_m, grid.gsd_m)


def test_a_pixel_has_a_height_and_a_width_on_the_ground():
    assert Grid(10, 10).pixel_m == (DEFAULT_GSD_M, DEFAULT_GSD_M)
    wide = Grid(10, 10, Affine.translation(4.9e6, 2.1e6) @ Affine.rotation(30) @ Affine.scale(3, -2), BOGOTA)
    assert wide.pixel_m == pytest.approx((2, 3), rel=1e-6)
    degrees = Grid(100, 100, Affine(2e-5, 0, 25, 0, -2e-5, 60), CRS.from_epsg(4326))
    geod = Geod(ellps="WGS84")
    height = geod.line_length([25.001, 25.001], [60, 60 - 0.002]) / 100
    width = geod.line_length([25, 25.002], [59.999, 59.999]) / 100
    assert degrees.pixel_m == pytest.approx((height, width), rel=1e-5)


def test_a_crop_keeps_its_place_on_the_ground():
    grid = Grid(100, 80, Affine(2, 0, 1000, 0, -2, 5000), BOGOTA)
    part = grid.crop(Window(10, 20, 30, 40))
    assert part.shape == (30, 40)
    assert part.bounds == (1040, 4920, 1120, 4980)


def test_a_resampled_grid_covers_the_same_ground():
    grid = Grid(100, 80, Affine(2, 0, 1000, 0, -2, 5000), BOGOTA)
    coarse = grid.resampled(50, 20)
    assert coarse.bounds == pytest.approx(grid.bounds)
    assert coarse.row_areas_m2().sum() * 20 == pytest.approx(grid.row_areas_m2().sum() * 80)
    pixels = Grid(100, 80).resampled(50, 40)
    assert pixels.bounds == (0, 0, 40, 50)
    assert pixels.gsd_m == pytest.approx(2 * DEFAULT_GSD_M)


def test_a_padded_window_stays_inside_the_grid():
    grid = Grid(50, 60)
    assert Window(10, 12, 20, 20).padded(4, grid) == Window(6, 8, 28, 28)
    assert Window(0, 50, 50, 10).padded(8, grid) == Window(0, 42, 50, 18)
    assert np.zeros((50, 60))[Window(3, 5, 7, 11).slices].shape == (7, 11)
