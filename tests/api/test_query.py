"""Selections in addresses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suelo.api.query import selection_from_query, selection_to_query
from suelo.errors import InputError
from suelo.landcover import CLASS_KEYS, CLASSES
from suelo.segmentation.selection import Selection

DEFAULT = Selection(tuple(0.3 + i / 100 for i in range(10)))


def test_an_empty_query_is_the_default() -> None:
    assert selection_from_query("", DEFAULT) == DEFAULT
    assert selection_to_query(DEFAULT, DEFAULT) == ""


def test_one_threshold_is_for_all_and_named_ones_for_their_class_in_any_order() -> None:
    for query in ("threshold=0.5&threshold=buildings=0.4", "threshold=buildings%3D0.4&threshold=0.5"):
        thresholds = dict(zip(CLASS_KEYS, selection_from_query(query, DEFAULT).thresholds, strict=True))
        assert thresholds.pop("buildings") == 0.4
        assert set(thresholds.values()) == {0.5}
    assert selection_from_query("threshold=trees=0.9", DEFAULT).thresholds[0] == 0.3


def test_classes_smallest_areas_and_tolerance() -> None:
    selection = selection_from_query("classes=roads,buildings&min_area=0&min_area=trees=25.5&simplify=1.5", DEFAULT)
    assert [c.key for c in selection.classes] == ["buildings", "roads"]
    assert selection.min_area_m2 == tuple(25.5 if c.key == "trees" else 0.0 for c in CLASSES)
    assert selection.simplify_m == 1.5
    assert selection_from_query("classes=", DEFAULT).class_ids == ()


def test_other_parameters_are_left_alone() -> None:
    assert selection_from_query({"lat": ["4.6"], "threshold": ["0.5"]}, DEFAULT).thresholds == (0.5,) * 10


@pytest.mark.parametrize(
    "selection",
    [
        DEFAULT,
        replace(DEFAULT, thresholds=(0.5,) * 10),
        DEFAULT.with_thresholds({"standing_water": 1 / 3, "trees": 0.004}),
        DEFAULT.with_classes([]),
        DEFAULT.with_classes(["small_vehicles", "roads"]),
        replace(DEFAULT, min_area_m2=(0.0,) * 10),
        DEFAULT.with_min_areas({"crops": 1234.5}),
        replace(DEFAULT.with_classes(["trees"]), simplify_m=2.0),
    ],
)
def test_what_is_written_is_read_back(selection: Selection) -> None:
    assert selection_from_query(selection_to_query(selection, DEFAULT), DEFAULT) == selection


def test_addresses_stay_short_and_readable() -> None:
    selection = DEFAULT.with_thresholds({"buildings": 0.4}).with_classes(["roads", "buildings"])
    assert selection_to_query(selection, DEFAULT) == "threshold=buildings=0.4&classes=buildings,roads"
    assert selection_to_query(replace(DEFAULT, thresholds=(0.5,) * 10), DEFAULT) == "threshold=0.5"


@pytest.mark.parametrize(
    "query",
    [
        "threshold=2",
        "threshold=0",
        "threshold=nan",
        "threshold=high",
        "threshold=lawns=0.5",
        "classes=lawns",
        "min_area=-1",
        "min_area=inf",
        "simplify=a",
        "simplify=-1",
        "simplify=nan",
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(query: str) -> None:
    with pytest.raises(InputError) as raised:
        selection_from_query(query, DEFAULT)
    assert str(raised.value).endswith(".")
