"""The objects of a class: 4-connected pixels, found strip by strip and joined across the seams until they end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.grid import Grid, Window
from suelo.landcover import LandCover
from suelo.segmentation.raster import Probabilities, class_mask, strip_windows
from suelo.segmentation.selection import FULL_SCALE, Selection


@dataclass(frozen=True, slots=True)
class Objects:
    """Some objects of one class in numbers.

    Attributes:
        pixels: Pixels of each object, int64.
        area_m2: Area of each object on the ground, float64.
        probability_sum: Sum over the pixels of each object of their probability 0..1, float64.
    """

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

    def between(self, start: int, stop: int) -> Objects:
        """The objects from `start` to before `stop`."""
        return Objects(self.pixels[start:stop], self.area_m2[start:stop], self.probability_sum[start:stop])


class Totals:
    """Sums over objects, which come step by step.

    Attributes:
        count: Number of objects.
        pixels: Their pixels.
        area_m2: Their area on the ground.
        probability_sum: Sum over their pixels of the probability 0..1.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.count = 0
        self.pixels = 0
        self.area_m2 = 0.0
        self.probability_sum = 0.0

    def add(self, objects: Objects) -> None:
        """Add some objects."""
        self.count += len(objects)
        self.pixels += int(objects.pixels.sum())
        self.area_m2 += float(objects.area_m2.sum())
        self.probability_sum += float(objects.probability_sum.sum())


@dataclass(frozen=True, slots=True)
class Step:
    """One strip: its labels, which objects ended with it, and which go on below it.

    A part is either an object that came into the strip from above, or a label of the strip. Parts are counted from 0,
    first `arriving` objects and then the labels; several parts may turn out to be one object.

    Attributes:
        row: Row of the raster in which the strip starts.
        labels: int32 (1 + rows, width), valid until the next step; 0 where there is no object. Its first row is the
            last one above the strip, with the numbers 1, 2, … of the arriving objects; the others are the strip with
            its labels 1, 2, …
        arriving: Number of objects that came from above.
        ended: The objects that ended and reach the smallest area, in the order of their last pixel.
        ends: For each part the position of its object in `ended`, or -1.
        goes_on: For each part the number, from 0, of its object among those that arrive in the next strip, or -1. Parts
            with -1 in both belong to objects that are too small.
    """

    row: int
    labels: NDArray[np.int32]
    arriving: int
    ended: Objects
    ends: NDArray[np.int32]
    goes_on: NDArray[np.int32]


def find_objects(probabilities: Probabilities, selection: Selection, land_cover: LandCover) -> Iterator[Step]:
    """Find the objects of a class that reach its threshold and its smallest area.

    Every object is in `Step.ended` of one step, and the objects of all steps together are in the order of their last
    pixels, row by row: neither depends on how high strips are. Memory grows with the width of the raster only.

    Args:
        probabilities: The raster.
        selection: Threshold and smallest area.
        land_cover: The class.

    Yields:
        Steps from top to bottom; none for strips where nothing of the class is or ends.
    """
    from scipy.ndimage import label

    grid = probabilities.grid
    smallest_m2 = smallest_kept(selection, land_cover)
    arriving = _Numbers.none()
    above = np.zeros(grid.width, np.int32)
    buffer = np.zeros((0, grid.width), np.int32)
    for window in _with_end(grid):
        if window.row < grid.height:
            band = probabilities.read(land_cover, window)
            mask = class_mask(band, land_cover, selection)
            some = bool(mask.any())
        else:
            some = False
        if not some and not len(arriving):
            continue
        rows = window.height if some else 1
        if len(buffer) <= rows:
            buffer = np.zeros((rows + 1, grid.width), np.int32)
        labels = buffer[: rows + 1]
        labels[0] = above
        found = _Numbers.none()
        if some:
            count = label(mask, output=labels[1:])
            found = _Numbers.of_labels(labels[1:], band, mask, count, grid.row_areas_m2(window.row, window.stop_row))
        else:
            labels[1] = 0
        step, arriving = _step(window.row, labels, arriving, found, smallest_m2)
        yield step
        above = np.concatenate((np.full(1, -1, np.int32), step.goes_on[step.arriving :]))[labels[-1]] + 1


def find_together(probabilities: Probabilities, selection: Selection) -> tuple[Step, NDArray[np.intp]]:
    """Find the objects of all classes that are switched on in one search, of a raster that is small.

    The classes lie below one another in the step, an empty row after each, and end in it. Ten searches of a chip cost
    several times as much, nearly all of it for calls of functions.

    Args:
        probabilities: The raster.
        selection: Classes, thresholds and smallest areas.

    Returns:
        The step, and how many objects of `Step.ended` there are of each class, in order. Those of a class are the same
        and in the same order as `find_objects` gives them.
    """
    from scipy.ndimage import label

    grid, classes = probabilities.grid, selection.classes
    shape = len(classes), grid.height + 1, grid.width
    bands, masks = np.zeros(shape, np.uint8), np.zeros(shape, np.bool_)
    for c, band, mask in zip(classes, bands, masks, strict=True):
        band[:-1] = probabilities.read(c, grid.window)
        mask[:-1] = class_mask(band[:-1], c, selection)
    tall = shape[0] * shape[1], grid.width
    labels = np.zeros((tall[0] + 1, grid.width), np.int32)
    count = label(masks.reshape(tall), output=labels[1:])
    areas = np.pad(grid.row_areas_m2(), (0, 1), mode="edge")
    found = _Numbers.of_labels(
        labels[1:], bands.reshape(tall), masks.reshape(tall), count, np.tile(areas, len(classes))
    )
    pixels_to = np.cumsum(np.count_nonzero(masks, axis=(1, 2)))
    of = np.searchsorted(pixels_to, found.last - grid.width, side="right")
    smallest_m2 = np.array([smallest_kept(selection, c) for c in classes])
    step, _ = _step(0, labels, _Numbers.none(), found, smallest_m2[of])
    return step, np.bincount(of[step.ends >= 0], minlength=len(classes))


def smallest_kept(selection: Selection, land_cover: LandCover) -> float:
    """Area in m² from which an object of a class is kept, with a guard against rounding."""
    return selection.min_area_m2[land_cover.id - 1] * (1 - 1e-9)


def _with_end(grid: Grid) -> Iterator[Window]:
    """The strips of a raster, and an empty one below it, where the last objects end."""
    yield from strip_windows(grid)
    yield Window(grid.height, 0, 0, grid.width)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Pixels, area, sum of stored probabilities, and place of the last pixel, of some parts or objects.

    Places grow row by row. In the row above a strip they are columns; in the strip, pixels of the class are counted
    on from there.
    """

    pixels: NDArray[np.int64]
    areas: NDArray[np.float64]
    sums: NDArray[np.float64]
    last: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.pixels)

    @classmethod
    def none(cls) -> _Numbers:
        return cls(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0, np.int64))

    @classmethod
    def of_labels(
        cls,
        labels: NDArray[np.int32],
        band: NDArray[np.uint8],
        mask: NDArray[np.bool_],
        count: int,
        row_areas: NDArray[np.float64],
    ) -> _Numbers:
        """Of the labels 1 to `count` of a strip."""
        inside = labels[mask]
        pixels = np.bincount(inside, minlength=count + 1)[1:]
        sums = np.bincount(inside, weights=band[mask], minlength=count + 1)[1:].astype(np.float64)
        last = np.zeros(count + 1, np.int64)
        # Of several values for one label the last one stays.
        last[inside] = np.arange(labels.shape[1], labels.shape[1] + inside.size, dtype=np.int32)
        if np.ptp(row_areas) == 0:
            areas = pixels * row_areas[0]
        else:
            weights = np.repeat(row_areas, np.count_nonzero(mask, axis=1))
            areas = np.bincount(inside, weights, minlength=count + 1)[1:].astype(np.float64)
        return cls(pixels, areas, sums, last[1:])

    def joined(self, others: _Numbers, member: NDArray[np.int32], count: int) -> _Numbers:
        """Of `count` objects that these parts and then the others are members of."""
        last = np.zeros(count, np.int64)
        np.maximum.at(last, member, np.concatenate((self.last, others.last)))
        return _Numbers(
            np.bincount(member, np.concatenate((self.pixels, others.pixels)), count).astype(np.int64),
            np.bincount(member, np.concatenate((self.areas, others.areas)), count).astype(np.float64),
            np.bincount(member, np.concatenate((self.sums, others.sums)), count).astype(np.float64),
            last,
        )

    def chosen(self, which: NDArray[np.intp]) -> _Numbers:
        return _Numbers(self.pixels[which], self.areas[which], self.sums[which], self.last[which])


def _step(
    row: int,
    labels: NDArray[np.int32],
    arriving: _Numbers,
    found: _Numbers,
    smallest_m2: float | NDArray[np.float64],
) -> tuple[Step, _Numbers]:
    """Join the parts of a strip to objects; also the numbers of the objects that go on."""
    parts = len(arriving) + len(found)
    count, member = _members(labels[0], labels[1], len(arriving), parts)
    objects = arriving.joined(found, member, count)
    goes_on = np.full(count, -1, np.int32)
    below = labels[-1][labels[-1] > 0]
    continued = np.zeros(count, np.bool_)
    continued[member[below - 1 + len(arriving)]] = True
    going = np.flatnonzero(continued)
    goes_on[going] = np.arange(going.size)
    ended = np.flatnonzero(~continued & (objects.areas >= smallest_m2))
    ended = ended[np.argsort(objects.last[ended])]
    ends = np.full(count, -1, np.int32)
    ends[ended] = np.arange(ended.size)
    kept = objects.chosen(ended)
    step = Step(
        row,
        labels,
        len(arriving),
        Objects(kept.pixels, kept.areas, kept.sums / FULL_SCALE),
        ends[member],
        goes_on[member],
    )
    # In the row above the next strip, places are columns.
    columns = np.flatnonzero(labels[-1])
    last = np.zeros(going.size, np.int64)
    last[step.goes_on[len(arriving) :][labels[-1][columns] - 1]] = columns
    return step, replace(objects.chosen(going), last=last)


def _members(
    above: NDArray[np.int32], below: NDArray[np.int32], arriving: int, parts: int
) -> tuple[int, NDArray[np.int32]]:
    """Number of objects, and the object of each part, from the rows on both sides of a seam."""
    both = (above > 0) & (below > 0)
    if not both.any():
        return parts, np.arange(parts, dtype=np.int32)
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = np.unique(np.stack((above[both] - 1, below[both] - 1 + arriving), axis=1), axis=0)
    graph = coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(parts, parts))
    count, member = connected_components(graph, directed=False)
    return int(count), member
