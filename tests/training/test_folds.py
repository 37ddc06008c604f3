"""Folds that share no ground."""

from __future__ import annotations

import pytest

from suelo.errors import InputError
from suelo.training.dstl import place_of, region_of
from suelo.training.folds import folds

IDS = (
    *("6010_1_2", "6010_4_2", "6010_4_4", "6040_1_0", "6040_1_3", "6040_2_2", "6040_4_4", "6060_2_3", "6070_2_3"),
    *("6090_2_0", "6100_1_3", "6100_2_2", "6100_2_3", "6110_1_2", "6110_3_1", "6110_4_0", "6120_2_0", "6120_2_2"),
    *("6140_1_2", "6140_3_1", "6150_2_3", "6160_2_1", "6170_0_4", "6170_2_4", "6170_4_1"),
)
"""The 25 labelled images of the competition."""


def fold_of(found, image_id):
    (number,) = [number for number, fold in enumerate(found) if image_id in fold]
    return number


@pytest.mark.parametrize("by", ["scene", "region"])
@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_every_image_is_in_one_fold_and_the_same_ground_never_in_two(by, count):
    found = folds(IDS, count, by)
    assert len(found) == count
    assert all(found)
    assert sorted(image_id for fold in found for image_id in fold) == sorted(IDS)
    for one, other in (("6110_1_2", "6140_1_2"), ("6110_3_1", "6140_3_1")):
        assert fold_of(found, one) == fold_of(found, other)


def test_the_same_ground_stays_together_even_with_as_many_folds_as_places():
    places = {place_of(image_id) for image_id in IDS}
    assert len(places) == 23
    found = folds(IDS, 23)
    assert fold_of(found, "6110_3_1") == fold_of(found, "6140_3_1")
    with pytest.raises(InputError, match="23 separate scenes cannot be split into 24 folds; 2 to 23 can"):
        folds(IDS, 24)


@pytest.mark.parametrize("count", [2, 4, 9])
def test_regions_stay_whole_and_those_that_share_ground_are_one(count):
    found = folds(IDS, count, "region")
    for fold_number, fold in enumerate(found):
        for image_id in fold:
            same_square = [other for other in IDS if other[:4] == image_id[:4]]
            assert all(fold_of(found, other) == fold_number for other in same_square)
    assert fold_of(found, "6110_4_0") == fold_of(found, "6140_1_2")
    assert region_of("6140_3_1") == region_of("6110_4_0") != region_of("6100_1_3")


@pytest.mark.parametrize(("by", "spread"), [("scene", 1), ("region", 5)])
def test_folds_are_balanced(by, spread):
    sizes = [len(fold) for fold in folds(IDS, 5, by)]
    assert max(sizes) - min(sizes) <= spread


def test_parts_of_one_region_are_spread_over_the_scene_folds():
    found = folds(IDS, 3)
    assert len({fold_of(found, image_id) for image_id in ("6010_1_2", "6010_4_2", "6010_4_4")}) == 3


def test_the_order_of_the_ids_does_not_matter():
    assert folds(tuple(reversed(IDS)), 5) == folds(IDS, 5)
    assert folds(list(IDS), 4, "region") == folds(IDS[10:] + IDS[:10], 4, "region")


@pytest.mark.parametrize("count", [0, 1, 30])
def test_counts_that_cannot_be_had_are_refused(count):
    with pytest.raises(InputError, match="cannot be split"):
        folds(IDS, count, "region")
