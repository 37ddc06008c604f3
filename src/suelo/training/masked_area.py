"""Exact area of polygons inside a mask of pixels, without cutting the polygons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from shapely import Geometry

_NOTHING = 1e-6
"""Areas below this many pixels are rounding."""


class MaskedArea:
    """Measures polygons in pixel coordinates where a mask is True.

    By Green's theorem the area inside a mask is a sum over the edges: each piece of an edge within one pixel adds its
    rise times the masked ground to its right. So a mask with a hundred thousand corners costs nothing, where cutting
    polygons with it would take minutes.
    """

    def __init__(self, mask: NDArray[np.bool_]) -> None:
        """Prepare a mask.

        Args:
            mask: True where area counts, (H, W).
        """
        self._height, self._width = mask.shape
        # A column beyond the right edge, where nothing counts.
        self._own = np.zeros((self._height, self._width + 1))
        self._own[:, :-1] = mask
        self._to_the_right = np.zeros_like(self._own)
        self._to_the_right[:, :-2] = np.cumsum(mask[:, :0:-1], axis=1)[:, ::-1]

    def __call__(self, shape: Geometry) -> float:
        """Area in pixels, inside the mask, of the polygons of a geometry; its points and lines have none.

        Args:
            shape: Valid; x to the right and y down from the outer corner of the first pixel, in any orientation. What
                reaches beyond the mask does not count.
        """
        starts, ends, signs = _edges(shape)
        starts, ends, signs = _pieces(starts, ends, signs)
        middle = (starts + ends) / 2
        rows = np.floor(middle[:, 1]).astype(np.int64)
        inside = (rows >= 0) & (rows < self._height)
        rows, x = rows[inside], np.clip(middle[inside, 0], 0, self._width)
        columns = np.floor(x).astype(np.int64)
        rise = ((ends[:, 1] - starts[:, 1]) * signs)[inside]
        beside = self._own[rows, columns] * (columns + 1 - x) + self._to_the_right[rows, columns]
        area = float(rise @ beside)
        return area if area > _NOTHING else 0.0


Coordinates = NDArray[np.float64]


def _edges(shape: Geometry) -> tuple[Coordinates, Coordinates, NDArray[np.float64]]:
    """Ends (N, 2) of all edges, and +1 or -1 so that shells count as positive and holes as negative."""
    import shapely

    parts = shapely.get_parts(shapely.get_parts(shape))
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    polygons = polygons[~shapely.is_empty(polygons)]
    if not len(polygons):
        return np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0)
    _, points, (rings, shells) = shapely.to_ragged_array(polygons, include_z=False)
    starts, ends = points[:-1], points[1:]
    # The step from one ring to the next is no edge.
    real = np.ones(len(starts), np.bool_)
    real[rings[1:-1] - 1] = False
    ring_of = np.repeat(np.arange(len(rings) - 1), np.diff(rings) - 1)
    starts, ends = starts[real], ends[real]
    # Relative to the ring's first point, so that small rings far from the origin keep their digits.
    here = starts[:, 0] + ends[:, 0] - 2 * points[rings[:-1], 0][ring_of]
    doubled = np.bincount(ring_of, weights=here * (ends[:, 1] - starts[:, 1]), minlength=len(rings) - 1)
    wanted = np.full(len(rings) - 1, -1.0)
    wanted[shells[:-1]] = 1.0
    # The integral of x dy counts the ground to the left of a rising edge; the mask is counted to the right of it.
    return starts, ends, (-wanted * np.sign(doubled))[ring_of]


def _pieces(
    starts: Coordinates, ends: Coordinates, signs: NDArray[np.float64]
) -> tuple[Coordinates, Coordinates, NDArray[np.float64]]:
    """Cut edges at the lines between pixels."""
    numbers, places = [np.arange(len(starts)).repeat(2)], [np.tile([0.0, 1.0], len(starts))]
    for axis in range(2):
        low, high = (pick(starts[:, axis], ends[:, axis]) for pick in (np.minimum, np.maximum))
        first = np.floor(low) + 1
        count = np.maximum(np.ceil(high) - first, 0).astype(np.int64)
        edges = np.arange(len(starts)).repeat(count)
        lines = first[edges] + np.arange(len(edges)) - (np.cumsum(count) - count)[edges]
        numbers.append(edges)
        places.append((lines - starts[edges, axis]) / (ends[edges, axis] - starts[edges, axis]))
    edge, place = np.concatenate(numbers), np.concatenate(places)
    order = np.lexsort((place, edge))
    edge, place = edge[order], place[order]
    points = starts[edge] + place[:, None] * (ends - starts)[edge]
    same = edge[:-1] == edge[1:]
    return points[:-1][same], points[1:][same], signs[edge[:-1][same]]
