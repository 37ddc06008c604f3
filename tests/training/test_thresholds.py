"""Thresholds chosen on validation scenes."""

from __future__ import annotations

import numpy as np
import pytest

from suelo.training.metrics import LevelCounts
from suelo.training.thresholds import choose_levels, choose_thresholds


def counts_with(truth_level, other_level, row=0):
    """Truth spread around one level, the rest around another."""
    rng = np.random.default_rng(0)
    counts = LevelCounts()
    for target, level, n in ((counts.inside, truth_level, 5000), (counts.outside, other_level, 50000)):
        levels = np.clip(np.rint(rng.normal(level, 12, n)), 0, 250).astype(int)
        target[row] += np.bincount(levels, minlength=251)
    return counts


@pytest.mark.parametrize(("truth_level", "other_level"), [(200, 60), (120, 20), (240, 150)])
def test_the_threshold_separates_truth_from_the_rest(truth_level, other_level):
    counts = counts_with(truth_level, other_level)
    level = choose_levels(counts)[0]
    assert other_level < level < truth_level
    assert counts.jaccard()[0, level] > np.nanmax(counts.jaccard()[0]) - 0.01


def test_one_lucky_level_does_not_decide():
    counts = LevelCounts()
    counts.inside[0, [160, 220]] = [400, 600]
    counts.outside[0, 219] = 2000  # at 220 alone all of these are gone and 600 of the truth are still there
    curve = counts.jaccard()[0]
    assert np.argmax(curve) == 220
    assert curve[221] == 0
    assert choose_levels(counts)[0] <= 160


def test_a_class_that_is_not_measurable_gets_the_middle():
    thresholds = choose_thresholds(counts_with(200, 60))
    assert thresholds[1:] == (0.5,) * 9
    assert 0.3 < thresholds[0] < 0.8


def test_every_kind_of_place_has_the_same_say_however_many_pixels_it_has():
    few, many = counts_with(120, 60), counts_with(220, 160)
    many = LevelCounts(many.inside * 100, many.outside * 100)
    both = choose_levels(few, many)[0]
    assert both < choose_levels(few + many)[0] - 20
    mean = np.mean([few.jaccard()[0], many.jaccard()[0]], axis=0)
    assert mean[both] > mean.max() - 0.01


def test_a_kind_of_place_without_the_class_has_no_say():
    empty = LevelCounts()
    empty.outside[0, 240] = 10_000
    assert choose_levels(counts_with(200, 60), empty)[0] == choose_levels(counts_with(200, 60))[0]
