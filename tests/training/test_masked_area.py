"""Areas inside a mask, against polygons that are really cut."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely import Point, Polygon, box, from_wkt
from shapely.affinity import translate

from suelo.training.masked_area import MaskedArea


def cells(mask):
    """The mask as polygons."""
    return shapely.union_all([box(c, r, c + 1, r + 1) for r, c in zip(*np.nonzero(mask), strict=True)])


def made_up_shapes():
    rng = np.random.default_rng(2)
    for number in range(12):
        shape = shapely.make_valid(Polygon(rng.uniform(-8, 40, (rng.integers(3, 30), 2))))
        yield shape.difference(Point(12, 9).buffer(4)) if number % 2 else shape


@pytest.mark.parametrize("shape", list(made_up_shapes()))
def test_it_is_the_area_of_the_polygons_cut_with_the_mask(shape):
    mask = np.random.default_rng(3).random((20, 27)) < 0.6
    expected = shape.intersection(cells(mask)).area
    area = MaskedArea(mask)
    assert area(shape) == pytest.approx(expected, abs=1e-9)
    assert area(shapely.reverse(shape)) == pytest.approx(expected, abs=1e-9)


def test_a_hole_and_a_part_outside_by_hand():
    mask = np.ones((4, 4), bool)
    mask[0, 0] = False
    ring = box(-2, 0, 3, 3).difference(box(1, 1, 2, 2))
    assert MaskedArea(mask)(ring) == pytest.approx(9 - 1 - 1)
    assert MaskedArea(mask)(translate(ring, 0.5, 0)) == pytest.approx(10.5 - 1 - 1)


def test_what_lies_beyond_each_edge_does_not_count():
    area = MaskedArea(np.ones((3, 5), bool))
    assert area(box(-10, -10, 20, 20)) == pytest.approx(15)
    for dx, dy in ((-30, 0), (30, 0), (0, -30), (0, 30)):
        assert area(translate(box(-10, -10, 20, 20), dx, dy)) == 0.0


def test_ground_outside_the_mask_is_exactly_nothing():
    """A rounding error instead of 0 would make an absent class measurable."""
    mask = np.zeros((50, 50), bool)
    mask[:, 30:] = True
    slivers = shapely.MultiPolygon([Point(x, y).buffer(1.3) for x in range(3, 27, 4) for y in range(3, 47, 4)])
    assert MaskedArea(mask)(slivers) == 0.0


def test_points_lines_and_nothing_have_no_area():
    area = MaskedArea(np.ones((9, 9), bool))
    mixed = from_wkt("GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,5 3),MULTIPOLYGON(((1 1,1 4,4 4,4 1,1 1)),EMPTY))")
    assert area(mixed) == pytest.approx(9)
    assert area(Polygon()) == 0.0
