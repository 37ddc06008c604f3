"""Outlines with fewer vertices that still cover the same ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suelo.segmentation.outlines import Outlines

MAX_LOSS = 0.01
"""Largest loss of intersection over union between an object and its simplification."""

_FEWEST = 4
"""A ring keeps at least this many vertices."""


def simplified(outlines: Outlines, tolerance: float, pixel: tuple[float, float], first: int = 0) -> Outlines:
    """Remove vertices, those with the smallest triangles first, in all rings at once.

    The order is that of Visvalingam and Whyatt ("Line generalisation by repeated elimination of points", The
    Cartographic Journal 30, 1993), in rounds that each remove vertices which are not neighbours. A vertex goes only if
    no point of the exact outline is then farther than `tolerance` from the new one, and if the triangles removed from
    the object so far are together at most `MAX_LOSS` of its area: these triangles cover all that an object and its
    simplification do not share, so their intersection over union is 0.99 or more.

    A ring may come to cross itself or another one; whoever makes polygons of them has to look.

    Args:
        outlines: Exact outlines.
        tolerance: Largest distance, in the unit of `pixel`.
        pixel: Width and height of a pixel.
        first: Number of the first object among all of its class, so that the result is the same whatever the batches.

    Returns:
        Outlines of the same objects in the same order.
    """
    work = _Work(outlines, tolerance, pixel, first)
    while work.remove():
        pass
    return work.outlines(outlines)


class _Work:
    """Open rings, one after the other in flat arrays; those that are finished are set aside."""

    def __init__(self, outlines: Outlines, tolerance: float, pixel: tuple[float, float], first: int) -> None:
        lengths = np.diff(outlines.rings) - 1
        opened = np.ones(len(outlines.coordinates), np.bool_)
        opened[outlines.rings[1:] - 1] = False
        self._tolerance = tolerance
        self._pixel = np.array(pixel)
        self._first = first
        self._points = outlines.coordinates[opened].astype(np.float64)
        self._ring = np.repeat(np.arange(len(lengths)), lengths)
        # Of the edge that starts at each vertex: how far the exact outline is from it at most.
        self._slack = np.zeros(len(self._points))
        self._polygon = np.repeat(np.arange(len(outlines.polygons) - 1), np.diff(outlines.polygons))
        _, after = _neighbours(self._ring)
        x, y = self._points.T
        doubled = x * y[after] - x[after] * y
        owner = self._polygon[self._ring]
        self._budget = MAX_LOSS / 2 * np.abs(np.bincount(owner, doubled, len(outlines.polygons) - 1))
        self._finished: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []

    def remove(self) -> bool:
        """One round; False when nothing is left to do."""
        if not self._ring.size:
            return False
        before, after = _neighbours(self._ring)
        size, distance, bulge = _triangles(self._points[before], self._points, self._points[after], self._pixel)
        slack = np.maximum(self._slack[before], self._slack) + distance
        owner = self._polygon[self._ring]
        possible = (slack <= self._tolerance) & (size <= self._budget[owner])
        chosen = self._fitting(_local_minima(size, bulge, owner + self._first, possible, before, after), size)
        self._slack[before[chosen]] = slack[chosen]
        self._budget -= np.bincount(owner[chosen], size[chosen], len(self._budget))
        self._set_aside(chosen)
        return bool(self._ring.size)

    def _fitting(self, chosen: NDArray[np.intp], size: NDArray[np.float64]) -> NDArray[np.intp]:
        """Of the chosen vertices those, smallest first, that the budget and the length of their ring allow."""
        lengths = np.bincount(self._ring)
        ring = self._ring[chosen]
        chosen = chosen[_rank(ring) < lengths[ring] - _FEWEST]
        owner = self._polygon[self._ring[chosen]]
        order = np.lexsort((size[chosen], owner))
        chosen, owner = chosen[order], owner[order]
        used = np.cumsum(size[chosen])
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        spent_before = np.repeat((used - size[chosen])[first], np.diff(np.append(first, owner.size)))
        fitting: NDArray[np.intp] = chosen[used - spent_before <= self._budget[owner]]
        return fitting

    def _set_aside(self, removed: NDArray[np.intp]) -> None:
        """Drop the removed vertices, and put away the rings that lost none: they never will."""
        changed = np.zeros(self._ring[-1] + 1, np.bool_)
        changed[self._ring[removed]] = True
        stays = changed[self._ring]
        self._finished.append((self._ring[~stays], self._points[~stays]))
        stays[removed] = False
        self._ring, self._points, self._slack = self._ring[stays], self._points[stays], self._slack[stays]

    def outlines(self, exact: Outlines) -> Outlines:
        """The finished rings, closed and in their old order."""
        ring = np.concatenate([part for part, _ in self._finished])
        points = np.concatenate([part for _, part in self._finished])
        order = np.argsort(ring, kind="stable")
        lengths = np.bincount(ring, minlength=len(exact.rings) - 1)
        ends = np.cumsum(lengths + 1)
        sources = np.zeros(len(ring) + len(lengths), np.intp)
        sources[np.arange(len(ring)) + np.repeat(np.arange(len(lengths)), lengths)] = order
        sources[ends - 1] = sources[ends - 1 - lengths]
        return Outlines(points[sources], np.concatenate(([0], ends)), exact.polygons)


def _neighbours(ring: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of the vertices before and after each on its closed ring."""
    indices = np.arange(len(ring))
    first = np.flatnonzero(np.diff(ring, prepend=-1))
    last = np.append(first[1:], len(ring)) - 1
    before, after = indices - 1, indices + 1
    before[first], after[last] = last, first
    return before, after


def _triangles(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], pixel: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Area of each triangle in pixels, distance of `b` from the stretch between `a` and `c`, and the side of `b`."""
    chord, leg = c - a, b - a
    cross = chord[:, 0] * leg[:, 1] - chord[:, 1] * leg[:, 0]
    chord *= pixel
    leg *= pixel
    squared = np.maximum((chord**2).sum(axis=1), 1e-12)
    along = np.clip((chord * leg).sum(axis=1) / squared, 0, 1)
    distance = np.hypot(*(leg - along[:, None] * chord).T)
    return np.abs(cross) / 2, distance, cross > 0


def _local_minima(
    size: NDArray[np.float64],
    bulge: NDArray[np.bool_],
    owner: NDArray[np.int64],
    possible: NDArray[np.bool_],
    before: NDArray[np.intp],
    after: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Possible vertices that come before both their neighbours."""
    # Stairs are full of equal triangles. Taking those of one side first makes straight lines of them; every second
    # object starts with the other side, so that on the whole nothing grows or shrinks.
    place = np.where(possible, size, np.inf)
    turn = bulge ^ (owner % 2 == 0)
    index = np.arange(len(size))

    def precedes(other: NDArray[np.intp]) -> NDArray[np.bool_]:
        same = place == place[other]
        first = np.where(turn == turn[other], index < other, turn)
        result: NDArray[np.bool_] = (place < place[other]) | (same & first)
        return result

    return np.flatnonzero(possible & precedes(before) & precedes(after))


def _rank(ring: NDArray[np.int64]) -> NDArray[np.intp]:
    """Position of each entry among those of the same ring, from 0; rings ascend."""
    first = np.flatnonzero(np.diff(ring, prepend=-1))
    return np.arange(len(ring)) - np.repeat(first, np.diff(np.append(first, len(ring))))
