"""The class map: colours by priority, without small objects, the same in every window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from suelo.imagery.grid import Grid, Window
from suelo.landcover import CLASSES
from suelo.segmentation.classmap import padding_for, render_classes, sieve
from suelo.segmentation.polygons import polygonise
from suelo.segmentation.selection import Selection

EVERYTHING = Selection((0.5,) * 10, min_area_m2=(0.0,) * 10)


def test_the_highest_priority_is_shown():
    bands = np.zeros((10, 1, 4), np.uint8)
    bands[5] = 250
    bands[2, 0, 1:] = 250
    bands[9, 0, 2] = 250
    bands[:, 0, 3] = 255
    shown = render_classes(bands, EVERYTHING, opacity=0.6)
    crops, road, vehicle = CLASSES[5], CLASSES[2], CLASSES[9]
    assert shown[:, 0].T.tolist() == [[*c.colour, 153] for c in (crops, road, vehicle)] + [[0, 0, 0, 0]]
    without_road = render_classes(bands, EVERYTHING.with_classes(["crops"]))
    assert without_road[:, 0].T.tolist() == [[*crops.colour, 255]] * 3 + [[0, 0, 0, 0]]


def test_small_objects_are_left_out_as_in_the_polygons(make_noise):
    probabilities = make_noise(80, 60)
    selection = Selection((0.5,) * 10, class_ids=(1,), min_area_m2=(9.0,) * 10)
    shown = render_classes(probabilities.read_all(), selection, probabilities.grid)[3] > 0
    area = sum(part.area_m2.sum() for part in polygonise(probabilities, selection))
    assert 0 < shown.sum() * 1.24**2 == pytest.approx(area)
    everything = render_classes(probabilities.read_all(), selection)[3] > 0
    assert everything.sum() > shown.sum()


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 50), st.integers(0, 40), st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_a_padded_window_shows_what_the_whole_shows(row, col, height, width, seed):
    rng = np.random.default_rng(seed)
    bands = np.where(rng.random((10, 80, 70)) < 0.5, 200, 50).astype(np.uint8)
    grid = Grid(80, 70, Affine(1.24, 0, 4.9e6, 0, -1.24, 2e6), CRS.from_epsg(9377))
    selection = Selection((0.5,) * 10, class_ids=(1, 3), min_area_m2=(10.0,) * 10)
    whole = render_classes(bands, selection, grid)
    window = Window(row, col, height, width)
    padded = window.padded(padding_for(selection, grid), grid)
    part = render_classes(bands[:, *padded.slices], selection, grid.crop(padded))
    inner = part[:, row - padded.row :, col - padded.col :][:, :height, :width]
    assert (inner == whole[:, *window.slices]).all()


def test_padding_is_the_length_of_the_longest_object_left_out():
    grid = Grid(50, 50, pixel_gsd_m=1.0)
    assert padding_for(EVERYTHING, grid) == 0
    assert padding_for(replace(EVERYTHING, min_area_m2=(1.0,) * 10), grid) == 0
    assert padding_for(replace(EVERYTHING, min_area_m2=(7.0,) * 10), grid) == 7
    assert padding_for(replace(EVERYTHING, min_area_m2=(7.0, *[50.0] * 9), class_ids=(1,)), grid) == 7
    assert padding_for(replace(EVERYTHING, class_ids=()), grid) == 0


def test_sieving_knows_that_rows_differ_in_area():
    mask = np.zeros((4, 6), bool)
    mask[0, :3] = mask[3, :3] = True
    kept = sieve(mask, np.array([1.0, 1.0, 1.0, 2.0]), 4.0)
    assert kept[3].sum() == 3
    assert not kept[0].any()
