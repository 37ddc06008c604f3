"""Both languages say the same things."""

from __future__ import annotations

import re

import pytest

from suelo.web.texts import _TEXTS, Texts


def places(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


@pytest.mark.parametrize("key", _TEXTS)
def test_both_languages_fill_in_the_same_values(key: str) -> None:
    english, spanish = Texts("en")(key), Texts("es")(key)
    assert english
    assert spanish
    assert places(english) == places(spanish)


def test_values_are_filled_in() -> None:
    assert Texts("en")("about.pixels", width=3, height=2) == "3 × 2 pixels"
    assert Texts("es")("about.pixels", width=3, height=2) == "3 × 2 píxeles"


def test_a_section_is_what_begins_with_its_name() -> None:
    section = Texts("es").section("map")
    assert section["fit"] == "Encuadrar"
    assert "title" not in section
    assert all(f"map.{key}" in _TEXTS for key in section)
