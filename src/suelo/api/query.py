"""What is shown of a result, written as a query of an address and read from one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qs, quote

from suelo.errors import InputError
from suelo.landcover import CLASS_KEYS
from suelo.segmentation.selection import Selection


def selection_from_query(query: str | Mapping[str, Sequence[str]], default: Selection) -> Selection:
    """Read a selection.

    Known parameters are `threshold` and `min_area`, each `0.5` for all classes or `buildings=0.4` for one and as often
    as needed; `classes`, as in `buildings,roads`, where an empty value switches all off; and `simplify` in metres.
    Others are left alone.

    Args:
        query: Query string without question mark, or its values by name.
        default: What holds where the query is silent.

    Raises:
        InputError: A value cannot be read.
    """
    values = parse_qs(query, keep_blank_values=True) if isinstance(query, str) else query
    selection = default
    if thresholds := values.get("threshold"):
        selection = selection.with_thresholds(thresholds)
    if areas := values.get("min_area"):
        selection = selection.with_min_areas(areas)
    if "classes" in values:
        names = [name for text in values["classes"] for name in text.split(",") if name.strip()]
        selection = selection.with_classes(names)
    if simplify := values.get("simplify"):
        try:
            tolerance = float(simplify[-1])
        except ValueError:
            raise InputError(f"The tolerance simplify is a number of metres; {simplify[-1]!r} is not.") from None
        selection = replace(selection, simplify_m=tolerance)
    return selection


def selection_to_query(selection: Selection, default: Selection) -> str:
    """Write what differs between a selection and the default, so that `selection_from_query` reads it back."""
    parts = [
        *_per_class("threshold", selection.thresholds, default.thresholds),
        *_per_class("min_area", selection.min_area_m2, default.min_area_m2),
    ]
    if selection.class_ids != default.class_ids:
        parts.append(("classes", ",".join(c.key for c in selection.classes)))
    if selection.simplify_m != default.simplify_m:
        parts.append(("simplify", _number(selection.simplify_m)))
    return "&".join(f"{name}={quote(value, safe='=,')}" for name, value in parts)


def _per_class(name: str, values: Sequence[float], defaults: Sequence[float]) -> list[tuple[str, str]]:
    if len(set(values)) == 1 and values != defaults:
        return [(name, _number(values[0]))]
    return [
        (name, f"{key}={_number(value)}")
        for key, value, default in zip(CLASS_KEYS, values, defaults, strict=True)
        if value != default
    ]


def _number(value: float) -> str:
    text = repr(value)
    return text.removesuffix(".0")
