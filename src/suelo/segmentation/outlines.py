"""Polygons as flat arrays: corners of whole objects linked into rings, and rings put together to polygons.

An outline turns only at corners of pixels. On every grid line the corners, taken in order, are joined in pairs by the
stretches of outline on that line; so each corner knows its neighbour along its row and along its column, and following
one after the other in turn walks round a ring.

Where two pixels of a class touch at a corner only, two turns meet in one point. If they belong to two objects, each
turn keeps to its own object. If they belong to one object (which is joined elsewhere), the turns keep to the two gaps
instead: the gaps are different ones, or the object could not be joined elsewhere. So no ring ever passes a point
twice, and every polygon is valid by OGC rules without repair.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray

RIGHT, DOWN, CONCAVE = 4, 2, 1
"""Bits of a turn: it looks right (its neighbour along the row is there), it looks down, it is concave."""

_LISTED = 1 << 16


@dataclass(frozen=True, slots=True)
class Outlines:
    """Polygons as flat arrays.

    Attributes:
        coordinates: Columns and rows of the vertices of all rings, int32 or float64 (vertices, 2); rings are closed.
        rings: First vertex of each ring, and the number of vertices at the end.
        polygons: First ring of each polygon, its shell, and the number of rings at the end; the others are its holes.
    """

    coordinates: NDArray[np.int32] | NDArray[np.float64]
    rings: NDArray[np.int64]
    polygons: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of polygons."""
        return len(self.polygons) - 1

    def parts(self, polygons: int, vertices: int) -> Iterator[Outlines]:
        """Runs of at most so many polygons that have at most so many vertices together, or one that has more."""
        ends = self.rings[self.polygons]
        start = 0
        while start < len(self):
            stop = int(np.searchsorted(ends, ends[start] + vertices, side="right")) - 1
            stop = min(max(stop, start + 1), start + polygons)
            yield self.between(start, stop)
            start = stop

    def between(self, start: int, stop: int) -> Outlines:
        """The polygons from `start` to before `stop`."""
        rings = self.polygons[start : stop + 1]
        of_rings = self.rings[rings[0] : rings[-1] + 1]
        return Outlines(self.coordinates[of_rings[0] : of_rings[-1]], of_rings - of_rings[0], rings - rings[0])

    def geometries(self, transform: Affine) -> NDArray[np.object_]:
        """Shapely polygons, with an affine transform applied to columns and rows."""
        import shapely

        points = _placed(self.coordinates, transform)
        made: NDArray[np.object_] = shapely.from_ragged_array(
            shapely.GeometryType.POLYGON, points, (self.rings, self.polygons)
        )
        return made


def _placed(points: NDArray[np.int32] | NDArray[np.float64], transform: Affine) -> NDArray[np.float64]:
    """Columns and rows (points, 2) to the coordinates of an affine transform."""
    if transform.is_identity:
        return points.astype(np.float64)
    a, b, c, d, e, f = transform[:6]
    columns, rows = points[:, 0], points[:, 1]
    # An object may be a large part of a scene: nothing is held twice.
    placed = np.empty(points.shape)
    placed[:, 0] = a * columns
    placed[:, 0] += b * rows
    placed[:, 0] += c
    placed[:, 1] = d * columns
    placed[:, 1] += e * rows
    placed[:, 1] += f
    return placed


def linked(
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    turns: NDArray[np.int8],
    of: NDArray[np.int32],
    count: int,
    *,
    clockwise: bool,
) -> Outlines:
    """Link the corners of whole objects.

    Args:
        rows: Row of each corner. Corners are in the order of rows, then columns, then turns to the left before those to
            the right.
        columns: Column of each corner.
        turns: `RIGHT`, `DOWN` and `CONCAVE` of each corner; of two in one vertex as if they belonged to two objects,
            which is put right in place where they do not.
        of: The object of each corner, 0 to `count` - 1.
        count: Number of objects.
        clockwise: Direction of the shells as an image is looked at, rows downwards; holes go the other way.

    Returns:
        One polygon per object, in order.
    """
    same_vertex = np.flatnonzero((rows[1:] == rows[:-1]) & (columns[1:] == columns[:-1]))
    joined = same_vertex[of[same_vertex] == of[same_vertex + 1]]
    for side in (joined, joined + 1):
        turns[side] ^= DOWN | CONCAVE
    order, starts = _walk(_successors(columns, turns, same_vertex, clockwise=clockwise))
    return _polygons(columns, rows, order, starts, of, count)


def _successors(
    columns: NDArray[np.int32], turns: NDArray[np.int8], same_vertex: NDArray[np.intp], *, clockwise: bool
) -> NDArray[np.int32]:
    """The corner that follows each corner on its ring."""
    indices = np.arange(len(columns), dtype=np.int32)
    narrow = columns.astype(np.uint16) if columns.size and columns.max() < 1 << 16 else columns
    by_column = np.argsort(narrow, kind="stable").astype(np.int32)
    looks_down = (turns & DOWN) > 0
    # Along a column, of two turns in one vertex the one that looks up comes first.
    swapped = same_vertex[looks_down[same_vertex]]
    if swapped.size:
        position = np.empty_like(by_column)
        position[by_column] = indices
        places = position[swapped]
        by_column[places], by_column[places + 1] = swapped + 1, swapped
    follow = np.empty_like(by_column)
    follow[by_column] = by_column[indices ^ 1]
    leaves_along_row = ((turns & RIGHT) > 0) == looks_down
    if clockwise:
        leaves_along_row ^= (turns & CONCAVE) > 0
    else:
        leaves_along_row ^= (turns & CONCAVE) == 0
    along_row = np.flatnonzero(leaves_along_row)
    follow[along_row] = indices[along_row] ^ 1
    return follow


def _walk(follow: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Corners ring by ring, closed, and the first position of each ring with the number of all at the end."""
    # A plain loop: its 0.1 µs per corner beats vectorised list ranking, which touches every corner many times. A list
    # is twice as quick as the array, and takes ten times the memory.
    few = len(follow) <= _LISTED
    successor = follow.tolist() if few else memoryview(follow.data)
    order: list[int] | array[int] = [] if few else array("i")
    starts = array("i")
    step = order.append
    for first in range(len(successor)):
        corner = first
        following = successor[corner]
        if following < 0:
            continue
        starts.append(len(order))
        while following >= 0:
            step(corner)
            successor[corner] = -1  # has been here
            corner = following
            following = successor[corner]
        step(first)
    starts.append(len(order))
    return np.array(order, np.int32), np.frombuffer(starts, np.int32)


def _polygons(
    x: NDArray[np.int32],
    y: NDArray[np.int32],
    order: NDArray[np.int32],
    starts: NDArray[np.int32],
    of: NDArray[np.int32],
    count: int,
) -> Outlines:
    """Put the shell and the holes of each object together."""
    # Rings are walked from their uppermost corner, so that the first ring of an object is its shell: stable order.
    owner = of[order[starts[:-1]]]
    ring_order = np.argsort(owner, kind="stable")
    lengths = np.diff(starts)[ring_order]
    ends = np.cumsum(lengths, dtype=np.int32)
    if len(owner) > 1:
        positions = np.arange(len(order), dtype=np.int32)
        positions += np.repeat(starts[:-1][ring_order] - (ends - lengths), lengths)
        order = order[positions]
    coordinates = np.empty((len(order), 2), np.int32)
    coordinates[:, 0] = x[order]
    coordinates[:, 1] = y[order]
    polygons = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=count))))
    return Outlines(coordinates, np.concatenate((np.zeros(1, np.int64), ends)), polygons)
