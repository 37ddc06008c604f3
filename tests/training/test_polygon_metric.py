"""The metric on polygons, against areas computed by hand and against the metric on pixels."""

from __future__ import annotations

import numpy as np
import pytest
from shapely import MultiPolygon, Polygon, box

from suelo.segmentation.selection import Selection
from suelo.training.metrics import JaccardCounts
from suelo.training.polygon_metric import AreaCounts, exported_polygons

HALF = Selection((0.5,) * 10)


def layers(**shapes):
    """Ten geometries; `c1=…` is that of class 1."""
    return [shapes.get(f"c{number}", MultiPolygon()) for number in range(1, 11)]


def test_areas_by_hand():
    counts = AreaCounts()
    known = np.ones((10, 20), bool)
    # 4 × 4 and 4 × 4, 2.5 apart: 6 in both, 26 in one of them.
    counts.add(layers(c1=box(0, 0, 4, 4)), layers(c1=box(2.5, 0, 6.5, 4), c3=box(0, 5, 8, 6)), known)
    assert counts.per_class()[0] == pytest.approx(6 / 26)
    # Summed before the division: 6 + 10 of 26 + 30.
    counts.add(layers(c1=box(0, 0, 20, 1)), layers(c1=box(10, 0, 20, 2)), known)
    assert counts.per_class()[0] == pytest.approx(16 / 56)
    assert counts.per_class()[2] == 0.0
    assert counts.scenes.tolist() == [2, 0, 1, 0, 0, 0, 0, 0, 0, 0]


def test_a_class_in_neither_is_not_measurable():
    counts = AreaCounts()
    counts.add(layers(c5=box(0, 0, 2, 2)), layers(c6=box(0, 0, 2, 2)), np.ones((4, 4), bool))
    assert counts.per_class() == (None, None, None, None, 0.0, 0.0, None, None, None, None)


def test_unknown_ground_is_cut_out_of_both():
    known = np.ones((10, 20), bool)
    known[:, 10:] = False
    counts = AreaCounts()
    drawn, found = box(8, 0, 14, 4), box(7, 0, 20, 4)
    counts.add(layers(c1=found, c2=box(12, 1, 15, 3)), layers(c1=drawn, c4=box(11, 0, 19, 9)), known)
    assert counts.per_class()[0] == pytest.approx(8 / 12)
    assert counts.per_class()[1] is None
    assert counts.per_class()[3] is None
    assert counts.scenes[3] == 0


def test_broken_geometries_are_repaired_and_overlapping_parts_count_once():
    bow_tie = Polygon([(0, 0), (4, 4), (4, 0), (0, 4)])  # two triangles of 4
    twice = MultiPolygon([box(0, 0, 4, 4), box(2, 0, 6, 4)])  # 24, not 32
    counts = AreaCounts()
    counts.add(layers(c1=bow_tie, c2=twice), layers(c1=box(0, 0, 4, 4), c2=box(0, 0, 6, 4)), np.ones((6, 6), bool))
    assert counts.per_class()[0] == pytest.approx(8 / 16)
    assert counts.per_class()[1] == pytest.approx(1.0)


def test_what_is_exported_is_compared_smallest_areas_applied():
    probabilities = np.zeros((10, 12, 12), np.uint8)
    probabilities[0, 2:8, 2:8] = 200
    probabilities[0, 4:6, 4:6] = 90  # a hole of 4 pixels
    probabilities[0, 10, 10] = 250  # 1.5 m²: too small for a building, large enough at 4 m per pixel
    probabilities[9, 10, 10:] = 130  # two vehicles' worth
    probabilities[5, 0] = 255
    found = exported_polygons(probabilities, HALF)
    assert [shape.area for shape in found] == [32, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert found[0].bounds == (2, 2, 8, 8)
    assert exported_polygons(probabilities, HALF, gsd_m=4.0)[0].area == 33
    assert exported_polygons(probabilities, Selection((0.9,) * 10), gsd_m=4.0)[0].area == 1


def test_on_whole_pixels_it_agrees_with_the_metric_on_pixels():
    rng = np.random.default_rng(5)
    everything = Selection((0.5,) * 10, min_area_m2=(0.0,) * 10)
    on_pixels, on_polygons = JaccardCounts(), AreaCounts()
    for _ in range(2):
        predicted, truth = (np.where(rng.random((10, 30, 40)) < 0.4, 250, 0).astype(np.uint8) for _ in range(2))
        known = rng.random((30, 40)) < 0.8
        on_pixels.add(predicted > 0, truth > 0, known)
        on_polygons.add(exported_polygons(predicted, everything), exported_polygons(truth, everything), known)
    assert on_polygons.per_class() == pytest.approx(on_pixels.per_class(), abs=1e-9)
    assert on_polygons.union == pytest.approx(on_pixels.union)
