"""Objects of a class: each once, as soon as it ends, in an order that does not depend on the strips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from scipy import ndimage

from suelo.imagery.grid import Window
from suelo.landcover import CLASSES
from suelo.segmentation import components
from suelo.segmentation.components import find_objects
from suelo.segmentation.selection import Selection

ROADS = CLASSES[2]
EVERYTHING = Selection((0.5,) * 10, min_area_m2=(0.0,) * 10)


@pytest.fixture
def strips_of(monkeypatch):
    """A function that sets how many rows are looked at in one go."""

    def cut(rows):
        def windows(grid):
            for row in range(0, grid.height, rows):
                yield Window(row, 0, min(rows, grid.height - row), grid.width)

        monkeypatch.setattr(components, "strip_windows", windows)

    return cut


def expected_objects(probabilities, land_cover):
    """Pixels, area, sum of probabilities and last pixel of each object, in the order of last pixels."""
    grid = probabilities.grid
    band = probabilities.read(land_cover, grid.window)
    labels, count = ndimage.label((band >= 125) & (band < 255))
    index = np.arange(1, count + 1)
    areas = np.broadcast_to(grid.row_areas_m2()[:, None], grid.shape)
    last = ndimage.maximum(np.arange(labels.size).reshape(labels.shape), labels, index)
    order = np.argsort(last)
    sums = [ndimage.sum_labels(values, labels, index)[order] for values in (np.ones(grid.shape), areas, band / 250)]
    return *sums, last[order]


@pytest.mark.parametrize("rows", [1, 3, 16, 89, 1000])
@pytest.mark.parametrize("where", [{}, {"transform": Affine(1e-3, 0, 2.3, 0, -1e-3, 60.0), "epsg": 4326}])
def test_every_object_comes_once_in_the_order_of_last_pixels(make_noise, strips_of, rows, where):
    probabilities = make_noise(share=0.6, **where)
    pixels, areas, sums, _ = expected_objects(probabilities, ROADS)
    strips_of(rows)
    found = [step.ended for step in find_objects(probabilities, EVERYTHING, ROADS)]
    assert np.concatenate([ended.pixels for ended in found]).tolist() == pixels.tolist()
    assert np.concatenate([ended.area_m2 for ended in found]) == pytest.approx(areas)
    assert np.concatenate([ended.probability_sum for ended in found]) == pytest.approx(sums)


@pytest.mark.parametrize("rows", [2, 10])
def test_an_object_comes_with_the_strip_that_shows_its_end(make_noise, strips_of, rows):
    probabilities = make_noise(share=0.5)
    *_, last = expected_objects(probabilities, ROADS)
    strips_of(rows)
    seen = 0
    for step in find_objects(probabilities, EVERYTHING, ROADS):
        seen += len(step.ended)
        # Whether an object that touches the last row of a strip goes on is known with the next strip.
        rows_known = min(step.row + rows, probabilities.grid.height) - (step.row < probabilities.grid.height)
        assert seen == np.count_nonzero(last < rows_known * probabilities.grid.width)
    assert seen == len(last)


@pytest.mark.parametrize("rows", [1, 16])
def test_small_objects_are_left_out_whole_wherever_a_strip_ends(make_noise, strips_of, rows):
    probabilities = make_noise(share=0.5)
    pixels, areas, *_ = expected_objects(probabilities, ROADS)
    strips_of(rows)
    selection = replace(EVERYTHING, min_area_m2=(4 * 1.24**2,) * 10)
    found = [step.ended.pixels for step in find_objects(probabilities, selection, ROADS)]
    assert np.concatenate(found).tolist() == pixels[areas > 3.5 * 1.24**2].tolist()
    assert 0 < sum(map(len, found)) < len(pixels)
