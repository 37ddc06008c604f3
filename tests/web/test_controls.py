"""Class switches and thresholds."""

from __future__ import annotations

from suelo.landcover import CLASS_KEYS, CLASSES
from suelo.segmentation.selection import Selection
from suelo.web.controls import class_controls
from suelo.web.texts import Texts


def by_id(parts, tree, kind: str) -> dict[str, dict]:
    """Properties of the controls of a kind by class, in reading order."""
    found = {}
    for part in parts(tree):
        name = part["props"].get("id")
        if isinstance(name, dict) and name["type"] == kind:
            found[name["key"]] = part["props"]
    return found


def test_every_class_has_a_named_switch_and_threshold(parts) -> None:
    tree = class_controls(Selection((0.5,) * 10), Texts("es"))
    switches, sliders = by_id(parts, tree, "on"), by_id(parts, tree, "threshold")
    assert list(switches) == list(sliders) == list(CLASS_KEYS)
    assert [s["aria-label"] for s in switches.values()] == [f"Mostrar {c.name_es}" for c in CLASSES]
    assert [s["thumbLabel"] for s in sliders.values()] == [f"Umbral de {c.name_es}" for c in CLASSES]
    assert {(s["min"], s["max"]) for s in sliders.values()} == {(0.05, 0.95)}


def test_controls_open_with_the_selection(parts) -> None:
    selection = Selection((0.5,) * 10).with_thresholds({"trees": 0.7}).with_classes(["trees", "roads"])
    tree = class_controls(selection, Texts("en"))
    on = {key for key, switch in by_id(parts, tree, "on").items() if switch["checked"]}
    assert on == {"trees", "roads"}
    assert by_id(parts, tree, "threshold")["trees"]["value"] == 0.7
    assert by_id(parts, tree, "threshold-text")["trees"]["children"] == "0.70"
    (everything,) = [part["props"] for part in parts(tree) if part["props"].get("id") == "all-on"]
    assert everything["indeterminate"]
    assert not everything["checked"]


def test_swatches_have_the_class_colours(parts) -> None:
    tree = class_controls(Selection((0.5,) * 10), Texts("en"))
    colours = [p["props"]["style"]["backgroundColor"] for p in parts(tree) if p["props"].get("className") == "swatch"]
    assert colours == [c.hex_colour for c in CLASSES]
