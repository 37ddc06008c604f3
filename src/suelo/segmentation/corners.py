"""The corners of labelled pixels, found strip by strip and kept until their objects end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suelo.segmentation.components import Step
from suelo.segmentation.outlines import CONCAVE, DOWN, RIGHT, Outlines, linked

# A vertex has a pixel in each quadrant: 0 above left, 1 above right, 2 below left, 3 below right, one bit each. A turn
# lies in a quadrant: its row neighbour is on that quadrant's side and so is its column neighbour.
_SADDLES = (0b0110, 0b1001)
_TURNS = {1 << q: q for q in range(4)} | {0b1111 ^ (1 << q): q for q in range(4)}
_IS_SADDLE = np.array([code in _SADDLES for code in range(16)])
_IS_CONCAVE = np.array([code.bit_count() == 3 for code in range(16)])
# The turn that looks left comes first in a saddle, so that corners are in order along their row.
_QUADRANT = np.array([_TURNS.get(code, {0b0110: 2, 0b1001: 0}.get(code, 0)) for code in range(16)], np.int8)

# A corner is one number, so that numbers are in the order of rows, columns, and turns to the left before those to the
# right: row, column, then a bit each for a turn that looks right, looks down, is concave.
_ROW, _COLUMN = 34, 3
_BITS = np.array([(q & 1) * RIGHT | (q >> 1) * DOWN for q in range(4)], np.int8)


class Corners:
    """The corners of the objects of a class that have not ended, and the outlines of those that end."""

    def __init__(self, *, clockwise: bool) -> None:
        """Start above the first strip.

        Args:
            clockwise: Direction of the shells as an image is looked at, rows downwards; holes go the other way.
        """
        self._clockwise = clockwise
        # Of each object that goes on the corners so far, in arrays that are each in order.
        self._open: list[list[NDArray[np.int64]]] = []

    def add(self, step: Step) -> Outlines:
        """Take the corners of the next strip.

        Returns:
            The polygons of the objects that ended, in the order of `Step.ended`.
        """
        return linked(*_unpacked(*self._ended(step)), len(step.ended), clockwise=self._clockwise)

    def _ended(self, step: Step) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """All corners of the objects that ended, in order, and the object that each is of."""
        corners, parts = _corners(step.row, step.labels, step.arriving)
        of = step.ends[parts]
        ended = of >= 0
        carried, carried_of = self._carry(step, corners, step.goes_on[parts])
        corners, of = corners[ended], of[ended]
        if not carried:
            return corners, of
        corners, of = np.concatenate((*carried, corners)), np.concatenate((*carried_of, of))
        carried.clear()
        carried_of.clear()
        # Made of runs that are in order, which this sort makes use of.
        order = np.argsort(corners, kind="stable")
        return corners[order], of[order]

    def _carry(
        self, step: Step, corners: NDArray[np.int64], goes_on: NDArray[np.int32]
    ) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int32]]]:
        """Keep the corners of objects that go on; returns the kept ones of those that ended, and whose they are."""
        ended: list[NDArray[np.int64]] = []
        ended_of: list[NDArray[np.int32]] = []
        merged: list[list[list[NDArray[np.int64]]]] = [[] for _ in range(int(step.goes_on.max(initial=-1)) + 1)]
        for arrays, end, onward in zip(
            self._open, step.ends[: step.arriving].tolist(), step.goes_on[: step.arriving].tolist(), strict=True
        ):
            if onward >= 0:
                merged[onward].append(arrays)
            elif end >= 0:
                ended += arrays
                ended_of += [np.full(len(array), end, np.int32) for array in arrays]
        going = np.flatnonzero(goes_on >= 0)
        going = going[np.argsort(goes_on[going], kind="stable")]
        bounds = np.searchsorted(goes_on[going], np.arange(len(merged) + 1)).tolist()
        new = corners[going]
        self._open = [
            [*_fewer(arrays), new[start:stop].copy()]
            for arrays, start, stop in zip(merged, bounds[:-1], bounds[1:], strict=True)
        ]
        return ended, ended_of


def _fewer(merged: list[list[NDArray[np.int64]]]) -> list[NDArray[np.int64]]:
    """The arrays of objects that became one: those of the one with most arrays, and one of all the others."""
    if len(merged) < 2:
        return merged[0] if merged else []
    merged.sort(key=len)
    return [*merged[-1], np.concatenate([array for arrays in merged[:-1] for array in arrays])]


def _corners(row: int, labels: NDArray[np.int32], arriving: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The corners between the rows of a step, in order, and the part that each is of; see `components.Step`."""
    height, width = labels.shape
    inside = np.zeros((height, width + 2), np.uint8)
    np.greater(labels, 0, out=inside[:, 1:-1].view(np.bool_))
    # The outline turns where it lies both on the row's line, to the left or right, and on the column's, up or down.
    on_row = inside[:-1] ^ inside[1:]
    on_column = inside[:, :-1] ^ inside[:, 1:]
    turns = on_row[:, :-1] | on_row[:, 1:]
    turns &= on_column[:-1] | on_column[1:]
    vertices = np.flatnonzero(turns.view(np.bool_))
    rows = vertices // (width + 1)
    columns = vertices - rows * (width + 1)
    del vertices, turns, on_row, on_column
    first = rows * (width + 2) + columns
    flat = inside.ravel()
    codes = flat[first]
    for bit, shift in enumerate((1, width + 2, width + 3), 1):
        codes |= flat[first + shift] << bit
    del first
    saddles = np.flatnonzero(_IS_SADDLE[codes])
    quadrants, concave = _QUADRANT[codes], _IS_CONCAVE[codes]
    corners = (rows + row << _ROW) | (columns << _COLUMN) | (_BITS[quadrants] | concave * np.int8(CONCAVE))
    pixels = np.where(concave, 3 - quadrants, quadrants)
    parts = _parts(labels, arriving, rows, columns, pixels)
    if saddles.size:
        other = 3 - quadrants[saddles]
        rows, columns = rows[saddles], columns[saddles]
        second = (rows + row << _ROW) | (columns << _COLUMN) | _BITS[other]
        corners = np.insert(corners, saddles + 1, second)
        parts = np.insert(parts, saddles + 1, _parts(labels, arriving, rows, columns, other))
    return corners, parts


def _parts(
    labels: NDArray[np.int32],
    arriving: int,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    quadrants: NDArray[np.int8],
) -> NDArray[np.int32]:
    """The part that the pixel in a quadrant of each vertex belongs to."""
    below = rows + (quadrants >> 1)
    found: NDArray[np.int32] = labels.ravel()[below * labels.shape[1] + columns - 1 + (quadrants & 1)] - 1
    found[below > 0] += arriving
    return found


def _unpacked(
    corners: NDArray[np.int64], of: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int8], NDArray[np.int32]]:
    """Rows, columns and turns of corners, and the objects that they are of."""
    rows = (corners >> _ROW).astype(np.int32)
    columns = (corners >> _COLUMN & (1 << _ROW - _COLUMN) - 1).astype(np.int32)
    return rows, columns, corners.astype(np.int8) & 7, of
