"""Which class is called what, against pixels counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from suelo.training.confusion import NONE, Confusion

LEVELS = np.full(10, 125)
TREES, CROPS, ROADS = 4, 5, 2


def counted(said, members, known=None, levels=LEVELS):
    """A confusion of one scene of one row: which classes each pixel is called and has."""
    width = len(said)
    probabilities, truth = np.zeros((10, 1, width), np.uint8), np.zeros((10, 1, width), bool)
    for column, (called, has) in enumerate(zip(said, members, strict=True)):
        probabilities[list(called), 0, column] = 200
        truth[list(has), 0, column] = True
    confusion = Confusion()
    confusion.add(probabilities, truth, np.ones_like(truth) if known is None else known, levels)
    return confusion


def test_rows_are_what_pixels_are_and_columns_what_they_are_called():
    shares = counted([{TREES}, {TREES}, {ROADS}, set()], [{TREES}, {CROPS}, {CROPS}, {CROPS}]).shares()
    assert shares[TREES, TREES] == 1.0
    assert shares[CROPS, TREES] == shares[CROPS, ROADS] == shares[CROPS, NONE] == pytest.approx(1 / 3)
    assert shares[CROPS, CROPS] == 0.0
    assert shares[TREES, CROPS] == 0.0
    assert np.isnan(shares[ROADS]).all()


def test_a_pixel_of_both_classes_is_no_confusion():
    shares = counted([{TREES}, {TREES}], [{TREES, CROPS}, {CROPS}]).shares()
    assert shares[CROPS, TREES] == 0.5  # the second pixel alone: there is a tree on the first
    assert shares[TREES, TREES] == 1.0
    assert shares[TREES, CROPS] == 0.0


def test_pixels_of_no_class_have_a_row():
    shares = counted([{ROADS}, set(), set(), {TREES}], [set(), set(), set(), {TREES}]).shares()
    assert shares[NONE, ROADS] == pytest.approx(1 / 3)
    assert shares[NONE, NONE] == pytest.approx(2 / 3)
    assert shares[TREES, NONE] == 0.0


def test_where_the_truth_of_a_class_is_not_known_nothing_is_called_wrong():
    known = np.ones((10, 1, 3), bool)
    known[TREES, 0, 0] = False
    confusion = counted([{TREES}, {TREES}, set()], [{CROPS}, {CROPS}, {CROPS}], known)
    assert confusion.shares()[CROPS, TREES] == 0.5
    assert confusion.judged[CROPS, TREES] == 2
    assert confusion.judged[CROPS, CROPS] == 3
    known[CROPS] = False
    assert np.isnan(counted([{TREES}] * 3, [{CROPS}] * 3, known).shares()).all()


def test_levels_decide_and_pixels_without_data_do_not_count():
    assert counted([{TREES}], [{TREES}], levels=np.full(10, 201)).shares()[TREES, NONE] == 1.0
    confusion = Confusion()
    probabilities = np.full((10, 1, 2), 255, np.uint8)
    probabilities[:, 0, 0] = 0
    confusion.add(probabilities, np.ones((10, 1, 2), bool), np.ones((10, 1, 2), bool), LEVELS)
    assert confusion.judged[TREES, TREES] == 1
    assert confusion.called[TREES, TREES] == 0


def test_scenes_add_up():
    confusion = counted([{TREES}], [{CROPS}])
    one = counted([{CROPS}, {CROPS}], [{CROPS}, {CROPS}])
    probabilities = np.zeros((10, 1, 2), np.uint8)
    probabilities[CROPS] = 200
    truth = np.zeros((10, 1, 2), bool)
    truth[CROPS] = True
    confusion.add(probabilities, truth, np.ones_like(truth), LEVELS)
    assert confusion.shares()[CROPS, CROPS] == pytest.approx(2 / 3)
    assert one.shares()[CROPS, CROPS] == 1.0
