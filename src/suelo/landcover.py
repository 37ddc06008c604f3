"""The ten land-cover classes: the only place that knows their names, codes, colours and order."""

from __future__ import annotations

from dataclasses import dataclass

from suelo.errors import InputError


@dataclass(frozen=True, slots=True)
class LandCover:
    """One land-cover class.

    Attributes:
        id: Number of the class in the DSTL data set, 1 to 10; the class is band `id` of a probability raster.
        key: Short name for options, file columns and addresses.
        name: English name.
        name_es: Spanish name.
        corine: CORINE land cover code (Colombian national legend, level 3), or None where the legend has none.
        colour: Red, green and blue, 0 to 255, after the Colombian CORINE legend.
        priority: Where classes overlap and one label is needed, the highest priority is shown.
        counted: True if the class is counted as objects first, False if it is measured as area first.
        min_area_m2: Objects smaller than this are left out by default.
    """

    id: int
    key: str
    name: str
    name_es: str
    corine: str | None
    colour: tuple[int, int, int]
    priority: int
    counted: bool
    min_area_m2: float

    @property
    def hex_colour(self) -> str:
        """The colour as `#rrggbb`."""
        return "#{:02x}{:02x}{:02x}".format(*self.colour)


CLASSES: tuple[LandCover, ...] = (
    LandCover(1, "buildings", "Buildings", "Edificaciones", "1.1.1", (204, 0, 0), 8, True, 10.0),
    LandCover(
        2,
        "structures",
        "Misc. manmade structures",
        "Otras estructuras",
        "1.2.1",
        (204, 77, 42),
        7,
        True,
        4.0,
    ),
    LandCover(3, "roads", "Roads", "Vías", "1.2.2", (217, 101, 69), 6, False, 20.0),
    LandCover(4, "tracks", "Tracks", "Caminos", None, (194, 194, 194), 5, False, 20.0),
    LandCover(5, "trees", "Trees", "Árboles", "3.1.1", (71, 143, 0), 2, False, 4.0),
    LandCover(6, "crops", "Crops", "Cultivos", "2.1.1", (255, 255, 166), 1, False, 50.0),
    LandCover(7, "waterway", "Waterways", "Ríos y canales", "5.1.1", (0, 0, 248), 3, False, 30.0),
    LandCover(8, "standing_water", "Standing water", "Aguas quietas", "5.1.2", (0, 128, 255), 4, False, 10.0),
    LandCover(9, "large_vehicles", "Large vehicles", "Vehículos grandes", None, (38, 18, 64), 9, True, 8.0),
    LandCover(10, "small_vehicles", "Small vehicles", "Vehículos pequeños", None, (15, 28, 28), 10, True, 2.0),
)

CLASS_COUNT = len(CLASSES)
CLASS_KEYS: tuple[str, ...] = tuple(c.key for c in CLASSES)
BY_PRIORITY: tuple[LandCover, ...] = tuple(sorted(CLASSES, key=lambda c: c.priority))
"""Lowest priority first: the order in which classes are drawn over one another."""


_DSTL_NAMES = {3: "Road", 4: "Track", 7: "Waterway", 9: "Vehicle large", 10: "Vehicle small"}
"""Names in the DSTL data set, where they are others than ours."""


def class_by_name(text: str) -> LandCover:
    """Find a class by its key, number, English or Spanish name, or its name in the DSTL data set.

    Case, spaces and hyphens do not matter.

    Raises:
        InputError: No class has that name.
    """
    wanted = _plain(text)
    for c in CLASSES:
        names = (str(c.id), c.key, c.name, c.name_es, _DSTL_NAMES.get(c.id, c.key))
        if wanted in map(_plain, names):
            return c
    raise InputError(f"There is no class {text!r}; the classes are {', '.join(CLASS_KEYS)}.")


def _plain(text: str) -> str:
    return "".join(ch for ch in text.casefold() if ch.isalnum())
