"""Sentences on what the page has no controls for."""

from __future__ import annotations

from dataclasses import replace

from suelo.segmentation.selection import Selection
from suelo.web.smallest import smallest_objects, unusual
from suelo.web.texts import Texts

USUAL = Selection((0.5,) * 10)
ENGLISH, SPANISH = Texts("en"), Texts("es")


def test_the_smallest_areas_are_named_per_class_unless_they_are_equal() -> None:
    one = USUAL.with_min_areas(["crops=1200.5"])
    assert "Crops 1,200.5 m², Waterways 30 m²" in smallest_objects(one, ENGLISH)
    assert "Cultivos 1.200,5 m², Ríos y canales 30 m²" in smallest_objects(one, SPANISH)
    assert smallest_objects(USUAL.with_min_areas(["25"]), ENGLISH) == "Objects smaller than 25 m² are left out."
    assert smallest_objects(USUAL.with_min_areas(["0"]), ENGLISH) == "Objects of every size are shown."


def test_what_is_as_usual_is_not_mentioned() -> None:
    assert unusual(USUAL.with_thresholds(["0.3"]).with_classes(["roads"]), USUAL, ENGLISH) == []
    asked = replace(USUAL.with_min_areas(["25"]), simplify_m=1.5)
    small, smooth = unusual(asked, USUAL, SPANISH)
    assert small == "Se omiten objetos menores que 25 m²."
    assert "1,5 m" in smooth
