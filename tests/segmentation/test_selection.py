"""What can be selected, and what is refused."""

import pytest

from suelo.errors import InputError
from suelo.landcover import CLASSES, class_by_name
from suelo.segmentation.selection import FULL_SCALE, Selection

HALF = Selection((0.5,) * 10)
TREES = class_by_name("trees")


@pytest.mark.parametrize("given", [["0.3", "trees=0.8"], ["trees=0.8", "0.3"]])
def test_the_number_for_a_class_holds_wherever_the_one_for_all_stands(given):
    selection = HALF.with_thresholds(given)
    assert selection.thresholds[TREES.id - 1] == 0.8
    assert {t for c, t in zip(CLASSES, selection.thresholds, strict=True) if c != TREES} == {0.3}


def test_smallest_areas_are_written_like_thresholds():
    selection = HALF.with_min_areas({"trees": 12})
    assert selection.min_area_m2[TREES.id - 1] == 12
    assert selection.thresholds == HALF.thresholds


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.58, 0.7, 0.004, 1.0])
def test_a_stored_probability_reaches_the_threshold_exactly_when_its_value_does(threshold):
    level = HALF.with_thresholds([str(threshold)]).level(TREES)
    assert level / FULL_SCALE >= threshold - 1e-9
    assert (level - 1) / FULL_SCALE < threshold


def test_classes_are_chosen_by_name_in_any_order():
    assert [c.key for c in HALF.with_classes(["Roads", "buildings", "roads"]).classes] == ["buildings", "roads"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["0"], "0 is not"),
        (["1.01"], "1.01 is not"),
        (["nan"], "nan is not"),
        (["half"], "'half' is neither"),
        (["pool=0.5"], "no class 'pool'"),
    ],
)
def test_bad_thresholds_are_refused_in_a_sentence(given, sentence):
    with pytest.raises(InputError, match=sentence):
        HALF.with_thresholds(given)


@pytest.mark.parametrize("area", ["-1", "inf", "nan"])
def test_bad_smallest_areas_are_refused(area):
    with pytest.raises(InputError, match="0 or more"):
        HALF.with_min_areas([area])


@pytest.mark.parametrize(
    ("name", "number"), [("road", 3), ("Track", 4), ("waterway", 7), ("Vehicle large", 9), ("vehicle_small", 10)]
)
def test_names_of_the_dstl_data_set_are_understood(name, number):
    assert class_by_name(name).id == number


def test_a_number_for_a_class_without_name_is_refused():
    with pytest.raises(InputError, match="no class before"):
        Selection((0.5,) * 10).with_thresholds(["=0.5"])
