"""What is shown of a result: thresholds, classes on and off, smallest objects. The network need not run again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from suelo.errors import InputError
from suelo.landcover import CLASS_COUNT, CLASSES, LandCover, class_by_name

FULL_SCALE = 250
"""Probability 1 in a uint8 probability raster."""
NO_DATA = 255
"""No data in a uint8 probability raster."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pixels and objects of a probability raster belong to the land-cover map.

    Attributes:
        thresholds: Per class in the order of `CLASSES`: a pixel belongs to the class where its probability is at
            least this.
        class_ids: Classes that are switched on, ascending.
        min_area_m2: Per class: objects smaller than this are left out.
        simplify_m: Tolerance of outline simplification in metres; 0 keeps exact pixel edges.
    """

    thresholds: tuple[float, ...]
    class_ids: tuple[int, ...] = tuple(c.id for c in CLASSES)
    min_area_m2: tuple[float, ...] = tuple(c.min_area_m2 for c in CLASSES)
    simplify_m: float = 0.0

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            InputError: A threshold is outside 0..1, an area or tolerance is negative, or a list has the wrong length.
        """
        if len(self.thresholds) != CLASS_COUNT or len(self.min_area_m2) != CLASS_COUNT:
            raise InputError(f"A selection needs {CLASS_COUNT} thresholds and {CLASS_COUNT} smallest areas.")
        for threshold in self.thresholds:
            if not 0.0 < threshold <= 1.0:
                raise InputError(f"A threshold is above 0 and at most 1; {threshold:g} is not.")
        for area in (*self.min_area_m2, self.simplify_m):
            if not (area >= 0.0 and math.isfinite(area)):
                raise InputError(f"Smallest areas and tolerances are 0 or more; {area:g} is not.")

    @property
    def classes(self) -> tuple[LandCover, ...]:
        """The classes that are switched on."""
        return tuple(c for c in CLASSES if c.id in self.class_ids)

    def level(self, land_cover: LandCover) -> int:
        """Smallest stored uint8 probability that reaches the threshold of a class."""
        # Rounding guards against 0.3 * 250 = 75.00000000000001.
        return math.ceil(round(self.thresholds[land_cover.id - 1] * FULL_SCALE, 6))

    def with_thresholds(self, given: Sequence[str] | Mapping[str, float]) -> Selection:
        """This selection with other thresholds.

        Args:
            given: `["0.5"]` for all classes, `["buildings=0.4", …]` for some, or both in any order; or a mapping from
                class to threshold.

        Raises:
            InputError: A class or a number cannot be read.
        """
        return replace(self, thresholds=_per_class(self.thresholds, given, "threshold"))

    def with_min_areas(self, given: Sequence[str] | Mapping[str, float]) -> Selection:
        """This selection with other smallest areas in m², written as for `with_thresholds`."""
        return replace(self, min_area_m2=_per_class(self.min_area_m2, given, "smallest area"))

    def with_classes(self, names: Iterable[str]) -> Selection:
        """This selection with only these classes switched on."""
        return replace(self, class_ids=tuple(sorted({class_by_name(name).id for name in names})))


def _per_class(current: tuple[float, ...], given: Sequence[str] | Mapping[str, float], what: str) -> tuple[float, ...]:
    values = list(current)
    pairs: Iterable[tuple[str, str | float]]
    pairs = given.items() if isinstance(given, Mapping) else (_split(text) for text in given)
    # The number for all classes comes first wherever it stands, so that it never undoes the one for a class.
    for name, number in sorted(pairs, key=lambda pair: bool(pair[0])):
        try:
            value = float(number)
        except ValueError:
            raise InputError(f"A {what} is a number or CLASS=NUMBER; {number!r} is neither.") from None
        if name:
            values[class_by_name(name).id - 1] = value
        else:
            values = [value] * CLASS_COUNT
    return tuple(values)


def _split(text: str) -> tuple[str, str]:
    name, equals, number = text.partition("=")
    if equals and not name.strip():
        raise InputError(f"There is no class before the = of {text!r}; a number alone is for all classes.")
    return (name, number) if equals else ("", text)
