"""What covers how much ground: objects, areas and shares of each class, without making any polygon."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from suelo.landcover import CLASSES, LandCover
from suelo.segmentation.components import Totals, find_objects
from suelo.segmentation.raster import ProbabilitySource, opened, strip_windows
from suelo.segmentation.selection import NO_DATA, Selection


@dataclass(frozen=True, slots=True)
class ClassSummary:
    """The objects of one class in numbers.

    Attributes:
        class_id: Number of the class.
        key: Short name of the class.
        name: English name of the class.
        threshold: Probability from which a pixel belongs to the class, 0..1.
        polygons: Number of objects.
        area_m2: Their area in m².
        area_share: Their share of the ground that has data, 0..1. Classes overlap, so shares need not add up to 1.
        mean_probability: Mean probability of their pixels, 0..1; None where there are none.
    """

    class_id: int
    key: str
    name: str
    threshold: float
    polygons: int
    area_m2: float
    area_share: float
    mean_probability: float | None

    def to_dict(self) -> dict[str, Any]:
        """The same as a dictionary that JSON can hold."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def summarise(probabilities: ProbabilitySource, selection: Selection) -> list[ClassSummary]:
    """Count and measure all ten classes, those that are switched off too, in the order of `CLASSES`."""
    with opened(probabilities) as raster:
        valid_m2 = valid_area_m2(raster)
        return [summarise_class(raster, selection, c, valid_m2) for c in CLASSES]


def summarise_class(
    probabilities: ProbabilitySource, selection: Selection, land_cover: LandCover, valid_m2: float | None = None
) -> ClassSummary:
    """Count and measure one class.

    The result depends on the threshold and the smallest area of this class only, so that it can be kept.

    Args:
        probabilities: The raster.
        selection: Threshold and smallest area.
        land_cover: The class.
        valid_m2: What `valid_area_m2` gives for this raster, if it is known.
    """
    with opened(probabilities) as raster:
        totals = Totals()
        for step in find_objects(raster, selection, land_cover):
            totals.add(step.ended)
        return summary_of(totals, selection, land_cover, valid_area_m2(raster) if valid_m2 is None else valid_m2)


def summary_of(totals: Totals, selection: Selection, land_cover: LandCover, valid_m2: float) -> ClassSummary:
    """The summary of a class from the sums over all its objects."""
    return ClassSummary(
        class_id=land_cover.id,
        key=land_cover.key,
        name=land_cover.name,
        threshold=selection.thresholds[land_cover.id - 1],
        polygons=totals.count,
        area_m2=totals.area_m2,
        area_share=totals.area_m2 / valid_m2 if valid_m2 else 0.0,
        mean_probability=totals.probability_sum / totals.pixels if totals.pixels else None,
    )


def valid_area_m2(probabilities: ProbabilitySource) -> float:
    """Area of the ground that has data, in m²."""
    total = 0.0
    with opened(probabilities) as raster:
        for window in strip_windows(raster.grid):
            valid = raster.read(CLASSES[0], window) != NO_DATA
            total += float(np.count_nonzero(valid, axis=1) @ raster.grid.row_areas_m2(window.row, window.stop_row))
    return total
