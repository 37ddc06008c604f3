"""Polygons: exactly the pixels of each object, valid, and the same whatever the strips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.features import rasterize
from scipy import ndimage

from suelo.imagery.grid import Grid
from suelo.landcover import CLASSES
from suelo.segmentation import polygons, raster
from suelo.segmentation.polygons import polygonise
from suelo.segmentation.raster import ArrayProbabilities
from suelo.segmentation.selection import Selection

BUILDINGS, ROADS = CLASSES[0], CLASSES[2]
EVERYTHING = Selection((0.5,) * 10, min_area_m2=(0.0,) * 10)


def drawn(*rows, **where):
    """Probabilities whose first class is a picture: # is 1, a digit is tenths, x is no data."""
    levels = {"#": 250, ".": 0, "x": 255, **{str(n): 25 * n for n in range(10)}}
    band = np.array([[levels[c] for c in row] for row in rows], np.uint8)
    bands = np.zeros((10, *band.shape), np.uint8)
    bands[0] = band
    bands[:, band == 255] = 255
    return ArrayProbabilities(bands, Grid(*band.shape, **where))


def buildings(probabilities, selection=EVERYTHING):
    return [g for part in polygonise(probabilities, selection) if part.land_cover is BUILDINGS for g in part.geometry]


def all_geometries(probabilities, selection):
    found = {c.id: [np.zeros(0, object)] for c in CLASSES}
    for part in polygonise(probabilities, selection):
        found[part.land_cover.id].append(part.geometry)
    return {key: np.concatenate(parts) for key, parts in found.items()}


def test_a_square_is_a_square():
    (found,) = buildings(drawn("....", ".##.", ".##.", "...."))
    assert found.equals(shapely.box(1, 1, 3, 3))
    assert len(found.exterior.coords) == 5


def test_pixels_that_touch_at_a_corner_are_two_objects():
    found = buildings(drawn("#.", ".#"))
    assert len(found) == 2
    assert sorted(g.bounds for g in found) == [(0, 0, 1, 1), (1, 1, 2, 2)]


def test_a_hole_that_touches_the_outline_at_a_corner_is_still_a_hole():
    (found,) = buildings(drawn("###.", "#.#.", "##.#", "####"))
    assert found.is_valid
    assert found.area == 12
    assert sorted(len(hole.coords) for hole in found.interiors) in ([5], [5, 5])
    (ring,) = buildings(drawn("###", "#.#", "##."))
    assert ring.is_valid
    assert (ring.area, len(ring.interiors)) == (7, 1)


def test_islands_in_holes_are_their_own_objects():
    found = buildings(drawn("#####", "#...#", "#.#.#", "#...#", "#####"))
    assert sorted((g.area, len(g.interiors)) for g in found) == [(1, 0), (16, 1)]


@pytest.mark.parametrize("share", [0.3, 0.5, 0.6, 0.75])
@pytest.mark.parametrize("smallest_m2", [0, 8])
def test_noise_becomes_exactly_its_objects(make_noise, share, smallest_m2):
    probabilities = make_noise(share=share, seed=int(100 * share))
    selection = replace(EVERYTHING, min_area_m2=(float(smallest_m2),) * 10)
    found = all_geometries(probabilities, selection)
    grid = probabilities.grid
    for c in CLASSES:
        band = probabilities.read(c, grid.window)
        labels, _ = ndimage.label((band >= 125) & (band < 255))
        sizes = np.bincount(labels.ravel())
        expected = np.isin(labels, np.flatnonzero(sizes * 1.24**2 >= smallest_m2)) & (labels > 0)
        geometry = found[c.id]
        assert shapely.is_valid(geometry).all()
        assert len(geometry) == len(np.unique(labels[expected]))
        assert shapely.area(geometry).sum() == pytest.approx(expected.sum() * 1.24**2, rel=1e-6)
        burnt = rasterize(((g, 1) for g in geometry), grid.shape, transform=grid.transform) if len(geometry) else 0
        assert (burnt == expected).all()


def test_probability_and_area_are_those_of_the_pixels():
    parts = list(polygonise(drawn("69.5", "9..5", "...4"), EVERYTHING))
    assert [len(part) for part in parts] == [2]
    assert parts[0].mean_probability == pytest.approx([(0.6 + 0.9 + 0.9) / 3, 0.5])
    assert parts[0].area_m2 == pytest.approx([3 * 1.24**2, 2 * 1.24**2])


def test_pixels_without_data_are_in_no_polygon():
    assert shapely.area(buildings(drawn("xx#", "x##"))).sum() == 3


@pytest.mark.parametrize("rows", [512, 1024])
def test_strips_do_not_cut_objects(make_noise, monkeypatch, rows):
    probabilities = make_noise(1500, 40, share=0.68, seed=4, empty=0)
    whole = all_geometries(probabilities, EVERYTHING)
    monkeypatch.setattr(raster, "STRIP_PIXELS", rows * 40)
    assert len(list(raster.strip_windows(probabilities.grid))) > 1
    cut = all_geometries(probabilities, EVERYTHING)
    assert max(g.bounds[3] - g.bounds[1] for g in whole[1]) > 600 * 1.24
    for key, geometry in whole.items():
        assert len(geometry) == len(cut[key])
        assert shapely.equals_exact(geometry, cut[key]).all()


def test_batches_hold_every_polygon_once(make_noise, monkeypatch):
    probabilities = make_noise()
    whole = all_geometries(probabilities, EVERYTHING)
    monkeypatch.setattr(polygons, "BATCH", 7)
    parts = list(polygonise(probabilities, EVERYTHING))
    assert max(len(part) for part in parts) == 7
    assert all(len(part) == len(part.area_m2) == len(part.mean_probability) for part in parts)
    batched = np.concatenate([part.geometry for part in parts if part.land_cover is ROADS])
    assert shapely.equals_exact(batched, whole[3]).all()


@pytest.mark.parametrize(
    "transform",
    [
        Affine(1.24, 0, 5e6, 0, -1.24, 2e6),
        Affine(0, 1.24, 5e6, 1.24, 0, 2e6),
        Affine(-2, 0, 5e6, 0, -2, 2e6),
        Affine.rotation(30) @ Affine.scale(1.24, -1.24),
    ],
)
def test_shells_run_counter_clockwise_on_every_grid(make_noise, transform):
    probabilities = make_noise(40, 30, transform=transform)
    geometry = all_geometries(probabilities, EVERYTHING)[1]
    assert shapely.is_ccw(shapely.get_exterior_ring(geometry)).all()
    holes = np.concatenate([list(g.interiors) for g in geometry])
    assert len(holes) > 3
    assert not shapely.is_ccw(holes).any()
    band = probabilities.read(BUILDINGS, probabilities.grid.window)
    pixels = ((band >= 125) & (band < 255)).sum()
    assert shapely.area(geometry).sum() == pytest.approx(pixels * abs(transform.determinant), rel=1e-6)


def test_areas_are_geodesic_in_degrees(make_noise):
    from pyproj import Geod

    step = 1.24 / 111_320
    probabilities = make_noise(60, 50, transform=Affine(step, 0, 2.3, 0, -step, 60.0), epsg=4326)
    geod = Geod(ellps="WGS84")
    for part in polygonise(probabilities, EVERYTHING):
        true = [abs(geod.geometry_area_perimeter(g)[0]) for g in part.geometry]
        assert part.area_m2 == pytest.approx(true, rel=1e-4)
        assert part.area_m2.sum() == pytest.approx(sum(true), rel=1e-6)


def blobs(size=260, gsd_m=1.0):
    """Large smooth objects with holes, and small ones."""
    rng = np.random.default_rng(1)
    field = ndimage.gaussian_filter(rng.normal(size=(size, size)), 12) * 30 + ndimage.gaussian_filter(
        rng.normal(size=(size, size)), 2
    )
    bands = np.zeros((10, size, size), np.uint8)
    bands[0] = np.where(field > 0, 200, 10)
    return ArrayProbabilities(bands, Grid(size, size, Affine(gsd_m, 0, 0, 0, -gsd_m, 0), CRS.from_epsg(9377)))


@pytest.mark.parametrize("gsd_m", [1.0, 0.3])
def test_simplified_outlines_cover_the_same_ground(gsd_m):
    probabilities = blobs(gsd_m=gsd_m)
    exact = np.array(buildings(probabilities))
    parts = list(polygonise(probabilities, replace(EVERYTHING, simplify_m=2.0)))
    simple = np.concatenate([part.geometry for part in parts])
    assert shapely.is_valid(simple).all()
    common, union = shapely.area(shapely.intersection(exact, simple)), shapely.area(shapely.union(exact, simple))
    assert (common / union >= 0.99 - 1e-9).all()
    assert [len(g.interiors) for g in simple] == [len(g.interiors) for g in exact]
    large = np.argmax(shapely.area(exact))
    assert shapely.get_num_coordinates(simple[large]) < 0.7 * shapely.get_num_coordinates(exact[large])
    assert shapely.hausdorff_distance(exact[large].exterior, simple[large].exterior) <= 2.0
    # What is reported is the mapped area, as in the summary, not that of the simplified outline.
    assert np.concatenate([part.area_m2 for part in parts]) == pytest.approx(shapely.area(exact))


def test_simplification_stays_within_its_tolerance():
    probabilities = blobs()
    exact = buildings(probabilities)
    simple = buildings(probabilities, replace(EVERYTHING, simplify_m=0.8))
    assert sum(len(g.exterior.coords) for g in simple) < sum(len(g.exterior.coords) for g in exact)
    assert max(shapely.hausdorff_distance(a.exterior, b.exterior) for a, b in zip(exact, simple, strict=True)) <= 0.8


def test_removing_many_vertices_does_not_add_up_beyond_the_tolerance():
    # A hundredth of a large disc is much ground: only the tolerance keeps its outline round.
    rows, columns = np.mgrid[0:700, 0:700]
    bands = np.zeros((10, 700, 700), np.uint8)
    bands[0] = np.where(np.hypot(rows - 350, columns - 350) < 330, 250, 0)
    probabilities = ArrayProbabilities(bands, Grid(700, 700, pixel_gsd_m=1))
    (exact,) = buildings(probabilities)
    (simple,) = buildings(probabilities, replace(EVERYTHING, simplify_m=1.0))
    assert shapely.hausdorff_distance(exact.exterior, simple.exterior) <= 1.0
    assert len(simple.exterior.coords) < len(exact.exterior.coords) / 4


def test_simplified_noise_stays_valid(make_noise):
    probabilities = make_noise(120, 120, share=0.62)
    selection = replace(EVERYTHING, simplify_m=3.0)
    for key, geometry in all_geometries(probabilities, selection).items():
        assert shapely.is_valid(geometry).all()
        assert len(geometry) == len(all_geometries(probabilities, EVERYTHING)[key]) > 0


def test_nothing_gives_nothing():
    assert list(polygonise(drawn("...", "..."), EVERYTHING)) == []
    assert list(polygonise(drawn("###", "xxx"), replace(EVERYTHING, class_ids=()))) == []
    assert list(polygonise(drawn("xxx", "xxx"), EVERYTHING)) == []
