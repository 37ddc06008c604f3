"""Polygons of each class: exact pixel edges or simplified outlines, in the coordinates of the scene."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.grid import Grid
from suelo.landcover import LandCover
from suelo.segmentation.components import Objects, Totals, find_objects, find_together
from suelo.segmentation.corners import Corners
from suelo.segmentation.outlines import Outlines
from suelo.segmentation.raster import Probabilities, ProbabilitySource, opened
from suelo.segmentation.selection import Selection
from suelo.segmentation.simplify import simplified

BATCH = 20_000
"""Polygons that exist as geometries at the same time."""

BATCH_VERTICES = 1 << 20
"""Vertices of the polygons of a batch, unless a single one has more."""

TOGETHER_PIXELS = 1 << 16
"""Rasters of up to so many pixels have all their classes searched at once."""


@dataclass(frozen=True, slots=True)
class Polygons:
    """Some polygons of one class.

    Attributes:
        land_cover: The class.
        geometry: Valid shapely polygons in the CRS of the scene, or in pixels (column, row) without a CRS; shells run
            counter-clockwise in a plane with x to the right and y up.
        area_m2: Area on the ground of the pixels of each, float64; also where the outline is simplified.
        mean_probability: Mean probability of the pixels of each, 0..1, float64.
    """

    land_cover: LandCover
    geometry: NDArray[np.object_]
    area_m2: NDArray[np.float64]
    mean_probability: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of polygons."""
        return len(self.geometry)


def polygonise(
    probabilities: ProbabilitySource, selection: Selection, totals: Mapping[int, Totals] | None = None
) -> Iterator[Polygons]:
    """Polygons of all classes that are switched on, class after class, in batches.

    Polygons are passed on as soon as their last row has been seen, so that memory grows with the width of the raster
    and with the outlines of objects that are not complete yet, neither with its height nor with the number of polygons.

    Args:
        probabilities: The raster.
        selection: Thresholds, classes, smallest areas and tolerance.
        totals: All objects of a class are added to those under its number, for each class that is switched on.

    Yields:
        Batches of at most `BATCH` polygons of one class, in the order of their last pixels, row by row; nothing for a
        class without polygons.
    """
    with opened(probabilities) as raster:
        if raster.grid.height * raster.grid.width <= TOGETHER_PIXELS and selection.classes:
            yield from _polygonise_together(raster, selection, totals)
            return
        for land_cover in selection.classes:
            yield from polygonise_class(raster, selection, land_cover, totals[land_cover.id] if totals else None)


def polygonise_class(
    probabilities: Probabilities, selection: Selection, land_cover: LandCover, totals: Totals | None = None
) -> Iterator[Polygons]:
    """Polygons of one class; see `polygonise`.

    Args:
        probabilities: The raster.
        selection: Threshold, smallest area and tolerance.
        land_cover: The class.
        totals: All objects are added to these.
    """
    grid = probabilities.grid
    # An affine transform with a negative determinant mirrors the image, and the direction of its rings.
    corners = Corners(clockwise=grid.transform.determinant > 0)
    done = 0
    for step in find_objects(probabilities, selection, land_cover):
        if totals:
            totals.add(step.ended)
        yield from _batches(grid, selection, land_cover, corners.add(step), step.ended, done)
        done += len(step.ended)


def _polygonise_together(
    raster: Probabilities, selection: Selection, totals: Mapping[int, Totals] | None
) -> Iterator[Polygons]:
    grid = raster.grid
    step, counts = find_together(raster, selection)
    outlines = Corners(clockwise=grid.transform.determinant > 0).add(step)
    start = 0
    for index, (land_cover, count) in enumerate(zip(selection.classes, counts.tolist(), strict=True)):
        stop = start + count
        objects = step.ended.between(start, stop)
        if totals:
            totals[land_cover.id].add(objects)
        if count:
            part = outlines.between(start, stop)
            part.coordinates[:, 1] -= index * (grid.height + 1)
            yield from _batches(grid, selection, land_cover, part, objects, 0)
        start = stop


def _batches(
    grid: Grid, selection: Selection, land_cover: LandCover, outlines: Outlines, objects: Objects, done: int
) -> Iterator[Polygons]:
    """Polygons of some objects of a class, before which there were `done` others."""
    start = 0
    for part in outlines.parts(BATCH, BATCH_VERTICES):
        stop = start + len(part)
        geometry = part.geometries(grid.transform)
        if selection.simplify_m > 0:
            height_m, width_m = grid.pixel_m
            simpler = simplified(part, selection.simplify_m, (width_m, height_m), done + start)
            geometry = _valid_or(geometry, simpler.geometries(grid.transform))
        some = objects.between(start, stop)
        yield Polygons(land_cover, geometry, some.area_m2, some.mean_probability)
        start = stop


def _valid_or(exact: NDArray[np.object_], simpler: NDArray[np.object_]) -> NDArray[np.object_]:
    """The simplified outlines, and the exact ones of objects that came to cross themselves."""
    import shapely

    return np.where(shapely.is_valid(simpler), simpler, exact)
