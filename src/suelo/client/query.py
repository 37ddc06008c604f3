"""What is shown of a result, as the query of an address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from suelo.errors import InputError


@dataclass(frozen=True)
class Show:
    """What to show of a result; what is not given is as the model or the server has it.

    Attributes:
        threshold: Probability from which a pixel belongs to a class: for all classes, or per class by its key.
        classes: Keys of the classes to show, or the key of one; None for all.
        min_area: Smallest area of an object in m², for all classes or per class.
        simplify: Tolerance of outlines in metres.
    """

    threshold: float | Mapping[str, float] | None = None
    classes: str | Iterable[str] | None = None
    min_area: float | Mapping[str, float] | None = None
    simplify: float | None = None

    def query(self) -> str:
        """The query, with its question mark; empty if nothing was given."""
        pairs = [*_per_class("threshold", self.threshold), *_per_class("min_area", self.min_area)]
        if self.classes is not None:
            pairs.append(("classes", ",".join(class_keys(self.classes))))
        if self.simplify is not None:
            pairs.append(("simplify", f"{self.simplify:g}"))
        return f"?{urlencode(pairs, safe='=,')}" if pairs else ""


def class_keys(classes: str | Iterable[str]) -> list[str]:
    """The keys of some classes; a text is the key of one."""
    return [classes] if isinstance(classes, str) else list(classes)


def _per_class(name: str, value: float | Mapping[str, float] | None) -> list[tuple[str, str]]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [(name, f"{key}={_text(number)}") for key, number in value.items()]
    return [(name, _text(value))]


def _text(number: float) -> str:
    # NumPy's numbers name their type when they are asked for their repr.
    try:
        return repr(float(number))
    except (TypeError, ValueError):
        raise InputError(f"A threshold and a smallest area are numbers; {number!r} is none.") from None
