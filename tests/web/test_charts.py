"""The bar chart."""

from __future__ import annotations

import pytest

from suelo.landcover import CLASSES
from suelo.web.charts import bar_chart, blank_chart
from suelo.web.texts import Texts

ENGLISH, SPANISH = Texts("en"), Texts("es")


def test_bars_are_the_classes_in_their_colours_from_the_top(rows) -> None:
    figure = bar_chart(rows, "hectares", ENGLISH)
    (bars,) = figure["data"]
    assert bars["y"] == [c.name for c in CLASSES]
    assert bars["marker"]["color"] == [c.hex_colour for c in CLASSES]
    assert figure["layout"]["yaxis"]["autorange"] == "reversed"


@pytest.mark.parametrize(
    ("measure", "length", "text"), [("hectares", 3.7035, "3.70"), ("objects", 3000, "3,000"), ("share", 3, "3.0 %")]
)
def test_lengths_and_texts_follow_the_measure(rows, measure, length, text) -> None:
    (bars,) = bar_chart(rows, measure, ENGLISH)["data"]
    assert bars["x"][2] == pytest.approx(length)
    assert bars["text"][2] == text
    assert bars["x"][5] == 0


def test_the_longest_bar_leaves_room_for_its_number(rows) -> None:
    figure = bar_chart(rows, "hectares", ENGLISH)
    assert figure["layout"]["xaxis"]["range"][1] > 1.15 * max(figure["data"][0]["x"])


def test_spanish_has_its_names_and_separators(rows) -> None:
    figure = bar_chart(rows, "objects", SPANISH)
    assert figure["data"][0]["y"][4] == "Árboles"
    assert figure["data"][0]["text"][4] == "5.000"
    assert figure["layout"]["separators"] == ",."
    assert figure["layout"]["xaxis"]["title"]["text"] == "Objetos"


def test_fewer_classes_make_a_lower_chart(rows) -> None:
    heights = [bar_chart(rows[:count], "hectares", ENGLISH)["layout"]["height"] for count in (3, 10)]
    assert heights[0] < heights[1]


def test_a_chart_without_classes_says_so_and_a_blank_one_nothing() -> None:
    empty = bar_chart([], "hectares", ENGLISH)
    assert empty["layout"]["annotations"][0]["text"] == "All classes are switched off."
    assert not empty["layout"]["xaxis"]["visible"]
    assert "annotations" not in blank_chart(ENGLISH)["layout"]
