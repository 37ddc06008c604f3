"""Exact outlines of labelled pixels: corners are collected strip by strip, linked into rings, and cut into polygons.

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
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray

# A vertex has a pixel in each quadrant: 0 above left, 1 above right, 2 below left, 3 below right, one bit each. A turn
# lies in a quadrant: its row neighbour is on that quadrant's side and so is its column neighbour.
_SADDLES = (0b0110, 0b1001)
_TURNS = {1 << q: q for q in range(4)} | {0b1111 ^ (1 << q): q for q in range(4)}
_IS_CORNER = np.array([code in _TURNS or code in _SADDLES for code in range(16)])
_IS_SADDLE = np.array([code in _SADDLES for code in range(16)])
_IS_CONCAVE = np.array([code.bit_count() == 3 for code in range(16)])
# The turn that looks left comes first in a saddle, so that corners are in order along their row.
_FIRST_QUADRANT = np.array([_TURNS.get(code, {0b0110: 2, 0b1001: 0}.get(code, 0)) for code in range(16)], np.int8)


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

    def geometries(self, start: int, stop: int, transform: Affine) -> NDArray[np.object_]:
        """Shapely polygons of a range, with an affine transform applied to columns and rows."""
        import shapely

        rings = self.polygons[start : stop + 1]
        vertices = self.rings[rings[0] : rings[-1] + 1]
        made: NDArray[np.object_] = shapely.from_ragged_array(
            shapely.GeometryType.POLYGON,
            _placed(self.coordinates[vertices[0] : vertices[-1]].astype(np.float64), transform),
            (vertices - vertices[0], rings - rings[0]),
        )
        return made


def _placed(points: NDArray[np.float64], transform: Affine) -> NDArray[np.float64]:
    """Columns and rows (points, 2) to the coordinates of an affine transform."""
    if transform.is_identity:
        return points
    a, b, c, d, e, f = transform[:6]
    columns, rows = points[:, 0], points[:, 1]
    return np.stack((a * columns + b * rows + c, d * columns + e * rows + f), axis=1)


class CornerCollector:
    """A strip visitor that keeps the corners of labelled pixels."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._parts: list[tuple[NDArray[np.int32], ...]] = []
        self._last: tuple[int, NDArray[np.int32]] = (0, np.zeros(0, np.int32))

    def __call__(self, row: int, above: NDArray[np.int32], labels: NDArray[np.int32]) -> None:
        """See `components.StripVisitor`."""
        self._last = row + len(labels), labels[-1]
        if not (labels.any() or above.any()):
            return
        quads = np.zeros((len(labels) + 1, labels.shape[1] + 2), np.int32)
        quads[0, 1:-1] = above
        quads[1:, 1:-1] = labels
        inside = (quads > 0).view(np.uint8)
        codes = inside[:-1, :-1] | inside[:-1, 1:] << 1 | inside[1:, :-1] << 2 | inside[1:, 1:] << 3
        rows, columns = np.nonzero(_IS_CORNER[codes])
        found = codes[rows, columns]
        times = np.where(_IS_SADDLE[found], 2, 1)
        rows, columns, found = np.repeat(rows, times), np.repeat(columns, times), np.repeat(found, times)
        quadrants = _FIRST_QUADRANT[found]
        seconds = np.flatnonzero(_IS_SADDLE[found])[1::2]
        quadrants[seconds] = 3 - quadrants[seconds]
        concave = _IS_CONCAVE[found]
        pixels = np.where(concave, 3 - quadrants, quadrants)
        of = quads[rows + (pixels >> 1), columns + (pixels & 1)]
        turns = (quadrants | concave.astype(np.int8) << 2).astype(np.int32)
        self._parts.append(((rows + row).astype(np.int32), columns.astype(np.int32), turns, of))

    def outlines(self, objects: NDArray[np.int32], count: int, *, clockwise: bool) -> Outlines:
        """Link the corners.

        Args:
            objects: The object 0 to `count` - 1 of each label, or -1 for labels that are left out.
            count: Number of objects.
            clockwise: Direction of the shells as an image is looked at, rows downwards; holes go the other way.

        Returns:
            One polygon per object, in order.
        """
        last_row, last_labels = self._last
        self(last_row, last_labels, np.zeros((1, last_labels.size), np.int32))
        rows, columns, turns, labels = (np.concatenate(parts) for parts in zip(*self._parts, strict=True))
        self._parts.clear()
        of = objects[labels]
        kept = of >= 0
        if not kept.all():
            rows, columns, turns, of = rows[kept], columns[kept], turns[kept], of[kept]
        quadrants, concave = turns & 3, turns >> 2 == 1
        same_vertex = np.flatnonzero((rows[1:] == rows[:-1]) & (columns[1:] == columns[:-1]))
        joined = same_vertex[of[same_vertex] == of[same_vertex + 1]]
        for side in (joined, joined + 1):
            quadrants[side] ^= 2
            concave[side] = True
        follow = _successors(columns, quadrants, concave ^ (not clockwise), same_vertex)
        order, starts = _walk(follow)
        return _polygons(columns[order], rows[order], starts, of[order[starts[:-1]]], count)


def _successors(
    columns: NDArray[np.int32],
    quadrants: NDArray[np.int32],
    turned: NDArray[np.bool_],
    same_vertex: NDArray[np.intp],
) -> NDArray[np.intp]:
    """The corner that follows each corner on its ring."""
    indices = np.arange(len(columns))
    narrow = columns.astype(np.uint16) if columns.size and columns.max() < 1 << 16 else columns
    by_column = np.argsort(narrow, kind="stable")
    # Along a column, of two turns in one vertex the one that looks up comes first.
    looks_down = quadrants >> 1 == 1
    swapped = same_vertex[looks_down[same_vertex]]
    if swapped.size:
        position = np.empty_like(by_column)
        position[by_column] = indices
        places = position[swapped]
        by_column[places], by_column[places + 1] = swapped + 1, swapped
    along_column = np.empty_like(by_column)
    along_column[by_column] = by_column[indices ^ 1]
    leaves_along_row = ((quadrants == 0) | (quadrants == 3)) ^ turned
    return np.where(leaves_along_row, indices ^ 1, along_column)


def _walk(follow: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Corners ring by ring, and the first position of each ring with the number of corners at the end."""
    # A plain loop: its 0.1 µs per corner beats vectorised list ranking, which touches every corner many times.
    successor = memoryview(follow.astype(np.int64).data)
    seen = bytearray(len(successor))
    order = array("q")
    starts = array("q")
    step = order.append
    for first in range(len(successor)):
        if seen[first]:
            continue
        starts.append(len(order))
        corner = first
        while not seen[corner]:
            seen[corner] = 1
            step(corner)
            corner = successor[corner]
    starts.append(len(order))
    return np.frombuffer(order, np.int64) if order else np.zeros(0, np.int64), np.frombuffer(starts, np.int64)


def _polygons(
    x: NDArray[np.int32], y: NDArray[np.int32], starts: NDArray[np.int64], of: NDArray[np.int32], count: int
) -> Outlines:
    """Close the rings and put the shell and the holes of each object together."""
    # Rings are walked from their uppermost corner, so that the first ring of an object is its shell: stable order.
    ring_order = np.argsort(of, kind="stable")
    lengths = np.diff(starts)[ring_order]
    ends = np.cumsum(lengths + 1)
    begins = ends - lengths - 1
    indices = np.arange(ends[-1] if ends.size else 0)
    indices += np.repeat(starts[:-1][ring_order] - begins, lengths + 1)
    indices[ends - 1] = starts[:-1][ring_order]
    coordinates = np.stack((x[indices], y[indices]), axis=1)
    polygons = np.concatenate(([0], np.cumsum(np.bincount(of, minlength=count))))
    return Outlines(coordinates, np.concatenate(([0], ends)), polygons)
