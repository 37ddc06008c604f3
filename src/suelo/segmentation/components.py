"""The objects of a class: 4-connected pixels, found strip by strip and joined across the seams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.grid import Grid
from suelo.landcover import LandCover
from suelo.segmentation.raster import Probabilities, class_mask, strip_windows
from suelo.segmentation.selection import FULL_SCALE, Selection

StripVisitor = Callable[[int, NDArray[np.int32], NDArray[np.int32]], None]
"""Takes the first row of a strip, the labels of the row above it, and the labels of the strip."""


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of one class.

    Attributes:
        labels: For each label that a strip visitor saw (index 0 is the background): the number of its object, from 0
            in the order of the first pixel, or -1 where the object is smaller than the smallest area.
        pixels: Pixels of each object, int64.
        area_m2: Area of each object on the ground, float64.
        probability_sum: Sum over the pixels of each object of their probability 0..1, float64.
    """

    labels: NDArray[np.int32]
    pixels: NDArray[np.int64]
    area_m2: NDArray[np.float64]
    probability_sum: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of objects."""
        return len(self.pixels)

    @property
    def mean_probability(self) -> NDArray[np.float64]:
        """Mean probability of each object, 0..1."""
        return self.probability_sum / self.pixels


def find_objects(
    probabilities: Probabilities, selection: Selection, land_cover: LandCover, visit: StripVisitor | None = None
) -> Objects:
    """Find the objects of a class that reach its threshold and its smallest area.

    Args:
        probabilities: The raster.
        selection: Threshold and smallest area.
        land_cover: The class.
        visit: Sees the labels of every strip, top to bottom. Labels of one object may differ between strips and even
            within a strip; `Objects.labels` says which object a label is of.

    Returns:
        The objects. Memory grows with the width of the raster and the number of objects.
    """
    from scipy.ndimage import label

    grid = probabilities.grid
    union = _Union()
    pixels, areas, sums = [np.zeros(1, np.int64)], [np.zeros(1)], [np.zeros(1)]
    count = 0
    above = np.zeros(grid.width, np.int32)
    for window in strip_windows(grid):
        band = probabilities.read(land_cover, window)
        labels = np.zeros(band.shape, np.int32)
        mask = class_mask(band, land_cover, selection)
        if mask.any():
            found = label(mask, output=labels)
            _measure(labels, band, mask, found, grid, window.row, pixels, areas, sums)
            labels[mask] += count
            count += found
            union.join(above, labels[0])
        if visit:
            visit(window.row, above, labels)
        above = labels[-1]
    return _merged(
        union.roots(count + 1),
        np.concatenate(pixels),
        np.concatenate(areas),
        np.concatenate(sums),
        smallest_kept(selection, land_cover),
    )


def smallest_kept(selection: Selection, land_cover: LandCover) -> float:
    """Area in m² from which an object of a class is kept, with a guard against rounding."""
    return selection.min_area_m2[land_cover.id - 1] * (1 - 1e-9)


def _measure(
    labels: NDArray[np.int32],
    band: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    found: int,
    grid: Grid,
    row: int,
    pixels: list[NDArray[np.int64]],
    areas: list[NDArray[np.float64]],
    sums: list[NDArray[np.float64]],
) -> None:
    """Append pixels, area and sum of probabilities of the labels 1 to `found` of a strip."""
    row_areas = grid.row_areas_m2(row, row + labels.shape[0])
    inside = labels[mask]
    count = np.bincount(inside, minlength=found + 1)[1:]
    pixels.append(count)
    sums.append(np.bincount(inside, weights=band[mask], minlength=found + 1)[1:].astype(np.float64))
    if np.ptp(row_areas) == 0:
        areas.append((count * row_areas[0]).astype(np.float64))
    else:
        weights = np.repeat(row_areas, np.count_nonzero(mask, axis=1))
        areas.append(np.bincount(inside, weights=weights, minlength=found + 1)[1:].astype(np.float64))


def _merged(
    roots: NDArray[np.int32],
    pixels: NDArray[np.int64],
    areas: NDArray[np.float64],
    sums: NDArray[np.float64],
    smallest_m2: float,
) -> Objects:
    size = len(roots)
    total_pixels = np.bincount(roots, weights=pixels, minlength=size)
    total_areas = np.bincount(roots, weights=areas, minlength=size)
    total_sums = np.bincount(roots, weights=sums, minlength=size)
    kept = np.flatnonzero((roots == np.arange(size)) & (total_areas >= smallest_m2))
    kept = kept[kept > 0]
    numbers = np.full(size, -1, np.int32)
    numbers[kept] = np.arange(kept.size)
    return Objects(
        numbers[roots],
        total_pixels[kept].astype(np.int64),
        total_areas[kept].astype(np.float64),
        (total_sums[kept] / FULL_SCALE).astype(np.float64),
    )


class _Union:
    """Pairs of labels that touch across a seam."""

    def __init__(self) -> None:
        self._pairs: list[NDArray[np.int32]] = []

    def join(self, above: NDArray[np.int32], below: NDArray[np.int32]) -> None:
        """Join the labels of two neighbouring rows where both are set."""
        both = (above > 0) & (below > 0)
        if both.any():
            self._pairs.append(np.unique(np.stack((above[both], below[both]), axis=1), axis=0))

    def roots(self, count: int) -> NDArray[np.int32]:
        """For each of `count` labels the smallest label of its object."""
        roots = np.arange(count, dtype=np.int32)
        if not self._pairs:
            return roots
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        pairs = np.concatenate(self._pairs)
        graph = coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
        number, member = connected_components(graph, directed=False)
        smallest = np.full(number, count, np.int32)
        np.minimum.at(smallest, member, roots)
        return smallest[member]
