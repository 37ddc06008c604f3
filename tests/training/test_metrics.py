"""The metric, against areas counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from suelo.training.metrics import JaccardCounts, LevelCounts, as_stored


def layers(height=4, width=4):
    return np.zeros((10, height, width), bool)


def test_areas_are_summed_over_scenes_before_the_division():
    counts = JaccardCounts()
    valid = np.ones((4, 4), bool)
    predicted, truth = layers(), layers()
    predicted[0, 0, :2], truth[0, 0, :1] = True, True  # 1 of 2
    counts.add(predicted, truth, valid)
    predicted, truth = layers(), layers()
    predicted[0, :3], truth[0] = True, True  # 12 of 16
    counts.add(predicted, truth, valid)
    assert counts.per_class()[0] == pytest.approx(13 / 18)  # and not the mean of 1/2 and 3/4


def test_a_class_in_neither_truth_nor_prediction_is_not_measurable_and_not_in_the_mean():
    counts = JaccardCounts()
    predicted, truth = layers(), layers()
    predicted[2], truth[2, :2] = True, True  # 8 of 16
    predicted[5, 0] = True  # predicted, not there: 0
    counts.add(predicted, truth, np.ones((4, 4), bool))
    found = counts.per_class()
    assert found[2] == pytest.approx(0.5)
    assert found[5] == 0.0
    assert [found[i] for i in (0, 1, 3, 4, 6, 7, 8, 9)] == [None] * 8
    assert counts.mean() == pytest.approx(0.25)


def test_nothing_measurable_has_no_mean():
    assert JaccardCounts().mean() is None


def test_pixels_without_data_count_for_nothing():
    counts = JaccardCounts()
    predicted, truth = layers(), layers()
    predicted[0], truth[0, 0] = True, True
    valid = np.zeros((4, 4), bool)
    valid[0] = True
    counts.add(predicted, truth, valid)
    assert counts.per_class()[0] == 1.0


def test_channels_last_arrays_are_refused():
    wrong = np.zeros((4, 4, 10), bool)
    with pytest.raises(ValueError, match=r"are \(10, H, W\)"):
        JaccardCounts().add(wrong, wrong, np.ones((4, 4), bool))


def test_every_threshold_at_once_agrees_with_one_at_a_time():
    rng = np.random.default_rng(4)
    every = LevelCounts()
    scenes = []
    for _ in range(2):
        truth = rng.random((10, 16, 24)) > 0.8
        probabilities = np.clip(rng.normal(0.3, 0.2, truth.shape) + 0.3 * truth, 0, 1).astype(np.float32)
        valid = rng.random((16, 24)) > 0.1
        stored = as_stored(probabilities, valid)
        every.add(stored, truth)
        scenes.append((stored, truth, valid))
    for level in (1, 60, 125, 250):
        one = JaccardCounts()
        for stored, truth, valid in scenes:
            one.add((stored >= level) & (stored != 255), truth, valid)
        np.testing.assert_allclose(every.jaccard()[:, level], one.per_class())
        at = every.at(np.full(10, level))
        assert at.per_class() == one.per_class()
        np.testing.assert_array_equal(at.truth, one.truth)


def test_where_nobody_knows_the_truth_of_a_class_that_class_alone_is_not_judged():
    stored = np.full((10, 4, 4), 200, np.uint8)
    truth, known = layers(), np.ones((10, 4, 4), bool)
    truth[3, :2] = truth[4, :2] = True
    known[3, 1:] = False  # one row of truth is left, and none of the false half
    counts = LevelCounts()
    counts.add(stored, truth, known)
    found = counts.at(np.full(10, 125))
    assert found.per_class()[3:5] == (1.0, 0.5)
    assert found.truth[3:5].tolist() == [4, 8]


def test_counts_of_two_sets_of_scenes_add_up():
    one, two, both = LevelCounts(), LevelCounts(), LevelCounts()
    rng = np.random.default_rng(0)
    for counts in (one, two):
        stored, truth = rng.integers(0, 251, (10, 8, 8)).astype(np.uint8), rng.random((10, 8, 8)) > 0.7
        counts.add(stored, truth)
        both.add(stored, truth)
    np.testing.assert_array_equal((one + two).inside, both.inside)
    np.testing.assert_array_equal((one + two).outside, both.outside)
    levels = np.full(10, 90)
    assert (one.at(levels) + two.at(levels)).per_class() == both.at(levels).per_class()


def test_stored_probabilities_are_0_to_250_and_255():
    stored = as_stored(np.full((10, 1, 3), 0.5, np.float32), np.array([[True, False, True]]))
    assert stored[0].tolist() == [[125, 255, 125]]
