"""Labelled scenes: what counts, what belongs to a class, and how bands are stretched."""

from __future__ import annotations

import numpy as np
import pytest

from suelo.training.labelled import UNKNOWN, LabelledScene, band_statistics, members


def scene():
    values = np.arange(8 * 4 * 5, dtype=np.uint16).reshape(8, 4, 5)
    truth = np.zeros((10, 4, 5), np.uint8)
    truth[1, 0] = (124, 125, 250, 254, UNKNOWN)
    valid = np.ones((4, 5), bool)
    valid[3] = False
    return LabelledScene(values, truth, valid, band_statistics(values, valid), "s")


def test_a_pixel_belongs_to_a_class_that_covers_half_of_it_and_to_none_that_is_unknown():
    found = scene().members()
    assert found[1, 0].tolist() == [False, True, True, True, False]
    assert found.sum() == 3
    np.testing.assert_array_equal(members(scene().truth), found)


def test_what_counts_is_known_and_has_data():
    known = scene().known()
    assert not known[:, 3].any()
    assert known[1, 0].tolist() == [True, True, True, True, False]
    assert known.sum() == 10 * 15 - 1


def test_the_input_of_the_network_is_stretched_between_the_percentiles_and_0_without_data():
    found = scene().normalised()
    assert found.shape == (8, 4, 5)
    assert not found[:, 3].any()
    for band in found[:, :3].reshape(8, -1):  # fifteen valid numbers from 0 on: percentiles at 0.14 and 13.86
        np.testing.assert_allclose(band, (np.arange(15) - 0.14) / 13.72, atol=1e-5)


def test_statistics_are_the_percentiles_of_valid_pixels():
    values = np.tile(np.arange(10_000, dtype=np.float32).reshape(100, 100), (8, 1, 1))
    valid = values[0] < 5000
    found = band_statistics(values, valid)
    assert found.low[0] == pytest.approx(0.01 * 4999)
    assert found.high[7] == pytest.approx(0.99 * 4999)
    assert found.valid_fraction == 0.5


def test_a_chip_without_data_has_statistics_that_can_be_used():
    found = band_statistics(np.ones((8, 4, 4), np.uint16), np.zeros((4, 4), bool))
    assert (set(found.low), set(found.high), found.valid_fraction) == ({0.0}, {1.0}, 0.0)
