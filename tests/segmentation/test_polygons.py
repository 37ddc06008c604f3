"""Polygons: exactly the pixels of each object, valid, and the same whatever the strips."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.features import rasterize
from scipy import ndimage

from suelo.imagery.grid import Grid, Window
from suelo.landcover import CLASSES
from suelo.segmentation import components, polygons, raster
from suelo.segmentation.components import Totals
from suelo.segmentation.polygons import polygonise
from suelo.segmentation.raster import ArrayProbabilities
from suelo.segmentation.selection import Selection
from suelo.segmentation.summary import summarise_class

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


def by_class(probabilities, selection, totals=None):
    """Geometries, areas and mean probabilities of each class."""
    parts = list(polygonise(probabilities, selection, totals))
    return {
        key: [
            np.concatenate([getattr(part, name) for part in parts if part.land_cover.id == key])
            for name in ("geometry", "area_m2", "mean_probability")
        ]
        for key in sorted({part.land_cover.id for part in parts})
    }


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
    monkeypatch.setattr(polygons, "TOGETHER_PIXELS", 0)
    monkeypatch.setattr(raster, "STRIP_PIXELS", rows * 40)
    assert len(list(raster.strip_windows(probabilities.grid))) > 1
    cut = all_geometries(probabilities, EVERYTHING)
    assert max(g.bounds[3] - g.bounds[1] for g in whole[1]) > 600 * 1.24
    for key, geometry in whole.items():
        assert len(geometry) == len(cut[key])
        assert shapely.equals_exact(geometry, cut[key]).all()


@pytest.mark.parametrize("rows", [1, 2, 7, 33])
@pytest.mark.parametrize("share", [0.4, 0.6, 0.75])
@pytest.mark.parametrize("simplify_m", [0, 2.5])
def test_polygons_and_their_order_are_the_same_however_high_strips_are(
    make_noise, monkeypatch, rows, share, simplify_m
):
    probabilities = make_noise(100, 60, share=share, seed=9, empty=0.02)
    selection = replace(EVERYTHING, class_ids=(1, 3), simplify_m=simplify_m, min_area_m2=(3.2,) * 10)
    whole = by_class(probabilities, selection)
    monkeypatch.setattr(polygons, "TOGETHER_PIXELS", 0)
    monkeypatch.setattr(
        components,
        "strip_windows",
        lambda grid: (Window(row, 0, min(rows, 100 - row), grid.width) for row in range(0, 100, rows)),
    )
    cut = by_class(probabilities, selection)
    assert list(cut) == list(whole) == [1, 3]
    for key, (geometry, areas, probability) in whole.items():
        assert len(geometry) > 1
        assert shapely.equals_exact(cut[key][0], geometry).all()
        assert cut[key][1] == pytest.approx(areas)
        assert cut[key][2] == pytest.approx(probability)


def test_a_spiral_and_a_comb_that_join_late_are_one_polygon_each(monkeypatch):
    # Teeth join in the last row only, and the gaps between them touch diagonally before anybody knows that.
    rows = ["#.#.#.#.#", "#.#.#.#.#", ".#.#.#.#.", "#.#.#.#.#", "#########"]
    picture = [
        *rows,
        ".........",
        "#########",
        "#.......#",
        "#.#####.#",
        "#.#...#.#",
        "#.#.###.#",
        "#.#.....#",
        "#.#######",
    ]
    monkeypatch.setattr(polygons, "TOGETHER_PIXELS", 0)
    monkeypatch.setattr(
        components, "strip_windows", lambda grid: (Window(row, 0, 1, grid.width) for row in range(grid.height))
    )
    found = buildings(drawn(*picture))
    pixels = np.array([[c == "#" for c in row] for row in picture])
    labels, count = ndimage.label(pixels)
    assert len(found) == count
    assert sorted(g.area for g in found) == sorted(np.bincount(labels.ravel())[1:])
    assert all(g.is_valid for g in found)
    assert (rasterize(((g, 1) for g in found), pixels.shape) == pixels).all()


class TallScene:
    """Probabilities of any height that are never in memory: small objects of one class in every strip."""

    def __init__(self, height, width=512, step=8, side=6):
        self.grid = Grid(height, width, pixel_gsd_m=1)
        self._step, self._side = step, side

    def read(self, land_cover, window):
        rows = np.arange(window.row, window.stop_row)[:, None] % self._step
        columns = np.arange(window.col, window.stop_col) % self._step
        inside = (rows < self._side) & (columns < self._side) & ((rows != 2) | (columns != 2))
        return np.where(inside, np.uint8(200), np.uint8(20))


def peak_of_polygonising(scene):
    """Count, area of the outlines, area of the pixels, and the most memory that arrays took, in bytes."""
    count, outlines, pixels = 0, 0.0, 0.0
    tracemalloc.start()
    for part in polygonise(scene, replace(EVERYTHING, class_ids=(1,))):
        count += len(part)
        outlines += shapely.area(part.geometry).sum()
        pixels += part.area_m2.sum()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return count, outlines, pixels, peak


def test_memory_depends_neither_on_height_nor_on_the_number_of_polygons(monkeypatch):
    monkeypatch.setattr(raster, "STRIP_PIXELS", 512 * 512)
    low, high = (peak_of_polygonising(TallScene(height)) for height in (2048, 4 * 2048))
    assert (low[0], high[0]) == (2048 * 512 // 64, 4 * 2048 * 512 // 64)
    assert high[3] < 1.05 * low[3]


@pytest.mark.slow
def test_a_million_polygons_cover_their_pixels_in_little_memory():
    scene = TallScene(4096, 4096, step=4, side=2)
    count, outlines, pixels, peak = peak_of_polygonising(scene)
    assert count == 4096 * 4096 // 16 == 1_048_576
    assert pixels == 4 * count
    assert outlines == pytest.approx(pixels, rel=1e-6)
    assert peak < 200e6
    assert summarise_class(scene, EVERYTHING, BUILDINGS, 1.0).polygons == count


@pytest.mark.parametrize("simplify_m", [0, 2.5])
@pytest.mark.parametrize("where", [{}, {"transform": Affine(1e-5, 0, 2.3, 0, -1e-5, 60.0), "epsg": 4326}])
def test_classes_that_are_searched_at_once_have_the_same_polygons(make_noise, monkeypatch, simplify_m, where):
    probabilities = make_noise(70, 90, share=0.7, empty=0.02, **where)
    thresholds = tuple(0.45 + 0.01 * c.id for c in CLASSES[:9])
    # The last class has nothing to show, another one is switched off.
    selection = Selection((*thresholds, 1.0), (1, 2, 3, 5, 6, 7, 8, 9, 10), (0.0, 3.2) * 5, simplify_m)
    together, apart = ({c.id: Totals() for c in selection.classes} for _ in range(2))
    found = by_class(probabilities, selection, together)
    monkeypatch.setattr(polygons, "TOGETHER_PIXELS", 0)
    expected = by_class(probabilities, selection, apart)
    assert list(found) == list(expected) == [1, 2, 3, 5, 6, 7, 8, 9]
    for key, (geometry, areas, probability) in expected.items():
        assert shapely.equals_identical(found[key][0], geometry).all()
        np.testing.assert_array_equal(found[key][1], areas)
        np.testing.assert_array_equal(found[key][2], probability)
        assert vars(together[key]) == pytest.approx(vars(apart[key]), rel=1e-12)
    assert together[10].count == apart[10].count == 0


def test_batches_hold_every_polygon_once(make_noise, monkeypatch):
    probabilities = make_noise()
    whole = all_geometries(probabilities, EVERYTHING)
    monkeypatch.setattr(polygons, "BATCH", 7)
    parts = list(polygonise(probabilities, EVERYTHING))
    assert max(len(part) for part in parts) == 7
    monkeypatch.setattr(polygons, "BATCH_VERTICES", 40)
    assert max(shapely.get_num_coordinates(part.geometry).sum() for part in parts if len(part) > 1) > 40
    few = list(polygonise(probabilities, EVERYTHING))
    assert max(shapely.get_num_coordinates(part.geometry).sum() for part in few if len(part) > 1) <= 40
    assert all(len(part) == len(part.area_m2) == len(part.mean_probability) for part in parts)
    for batches in (parts, few):
        batched = np.concatenate([part.geometry for part in batches if part.land_cover is ROADS])
        assert shapely.equals_exact(batched, whole[3]).all()
        assert all(shapely.area(part.geometry) == pytest.approx(part.area_m2) for part in batches)


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
    return ArrayProbabilities(
        bands, Grid(size, size, Affine(gsd_m, 0, 4_880_000, 0, -gsd_m, 2_080_000), CRS.from_epsg(9377))
    )


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


@pytest.mark.parametrize(("lon", "lat", "left"), [(1e-5, 2e-5, "upper"), (8e-5, 1e-5, "right")])
def test_metres_of_simplification_are_metres_along_both_sides_of_a_pixel(lon, lat, left):
    # At 60° north a degree of longitude is half as long as one of latitude: one side is four times the other.
    bands = np.zeros((10, 60, 60), np.uint8)
    bands[0, 10:50, 10:50] = 250
    bands[0, 9, 20:26] = bands[0, 20:26, 50] = 250  # a bump on the upper edge and one on the right edge
    grid = Grid(60, 60, Affine(lon, 0, 11, 0, -lat, 60), CRS.from_epsg(4326))
    tolerance = 0.55 * max(grid.pixel_m)
    assert tolerance > 2 * min(grid.pixel_m)
    (simple,) = buildings(ArrayProbabilities(bands, grid), replace(EVERYTHING, simplify_m=tolerance))
    _, _, east, north = simple.bounds
    assert ((east - 11) / lon, (60 - north) / lat) == pytest.approx((51, 10) if left == "right" else (50, 9))


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
