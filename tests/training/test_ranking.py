"""Average precision from counts of stored probabilities."""

import numpy as np
import pytest

from suelo.training.metrics import LevelCounts
from suelo.training.ranking import average_precision


def counted(levels, truth):
    """Counts of one scene in which every class has these levels and this truth."""
    counts = LevelCounts()
    counts.add(
        np.tile(np.array([levels], np.uint8), (10, 1, 1)),
        np.tile(np.array([truth], np.bool_), (10, 1, 1)),
    )
    return counts


def test_known_ranking():
    # From the top: right, wrong, right, wrong: precision 1 at the first half of the recall, 2/3 at the second.
    found = average_precision(counted([200, 150, 100, 50], [True, False, True, False]))
    assert found == pytest.approx([(1 + 2 / 3) / 2] * 10)


def test_order_within_a_level_does_not_matter():
    one = average_precision(counted([90, 90, 90, 90], [True, False, False, False]))
    other = average_precision(counted([90, 90, 90, 90], [False, False, False, True]))
    assert one == other == pytest.approx([0.25] * 10)


def test_perfect_and_worst():
    assert average_precision(counted([250, 249, 0], [True, True, False])) == pytest.approx([1.0] * 10)
    assert average_precision(counted([0, 1, 250], [True, False, False])) == pytest.approx([1 / 3] * 10)


def test_class_that_is_nowhere_is_not_measurable():
    counts = counted([10, 20], [True, False])
    counts.inside[3] = 0
    found = average_precision(counts)
    assert found[3] is None
    assert found[4] == pytest.approx(0.5)


def test_pixels_of_all_scenes_are_ranked_together():
    """A scene whose probabilities are all too high spoils the ranking of the other."""
    good = counted([100, 50], [True, False])
    loud = counted([250, 200], [False, False])
    assert average_precision(good + loud) == pytest.approx([1 / 3] * 10)
