"""Resampling between two pixel grids of the same ground, any rows at a time, with the same result as all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a resampling: area average when it shrinks, linear between pixel centres when it grows.

    Attributes:
        source: Pixels before.
        target: Pixels after.
    """

    source: int
    target: int

    def support(self, start: int, stop: int) -> tuple[int, int]:
        """First and last-plus-one source pixel that the target pixels `start` to `stop` depend on."""
        left, right = self._reach(np.array([start, stop - 1]))
        return int(left[0]), int(right[-1])

    def weights(self, start: int, stop: int) -> csr_matrix:
        """Weights of the supporting source pixels for target pixels: (stop - start, support), rows add up to 1."""
        from scipy.sparse import csr_matrix

        targets = np.arange(start, stop)
        left, right = self._reach(targets)
        first, last = self.support(start, stop)
        counts = right - left
        rows = np.repeat(np.arange(targets.size), counts)
        columns = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(left, counts)
        scale = self.source / self.target
        if scale > 1:
            lower = np.maximum(columns, targets[rows] * scale)
            upper = np.minimum(columns + 1, (targets[rows] + 1) * scale)
            values = np.maximum(upper - lower, 0) / scale
        else:
            values = 1 - np.abs(columns - self._centres(targets)[rows])
        shape = (targets.size, last - first)
        return csr_matrix((values.astype(np.float32), (rows, columns - first)), shape=shape)

    def _centres(self, targets: NDArray[np.int_]) -> NDArray[np.float64]:
        """Positions of target pixels among the centres of source pixels."""
        return np.clip((targets + 0.5) * (self.source / self.target) - 0.5, 0, self.source - 1)

    def _reach(self, targets: NDArray[np.int_]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
        scale = self.source / self.target
        if scale > 1:
            left = np.floor(targets * scale).astype(int)
            right = np.ceil((targets + 1) * scale).astype(int)
        else:
            left = np.floor(self._centres(targets)).astype(int)
            right = left + 2
        return left, np.minimum(right, self.source)


def resample(
    values: NDArray[np.float32], valid: NDArray[np.bool_], rows: csr_matrix, columns: csr_matrix
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Apply the weights of both axes; pixels without data have no weight.

    Args:
        values: float32 (bands, height, width).
        valid: bool (height, width).
        rows: Weights (target rows, height).
        columns: Weights (target columns, width).

    Returns:
        Values float32 (bands, target rows, target columns), 0 where nothing is valid; and the share 0..1 of the weight
        that comes from valid pixels (target rows, target columns).
    """
    weight = _apply(valid.astype(np.float32), rows, columns)
    whole = bool(valid.all())
    result = np.empty((len(values), rows.shape[0], columns.shape[0]), np.float32)
    for band, image in zip(result, values, strict=True):
        band[:] = _apply(image if whole else image * valid, rows, columns)
    if not whole:
        np.divide(result, weight, out=result, where=weight > 0)
    return result, weight


def _apply(image: NDArray[np.float32], rows: csr_matrix, columns: csr_matrix) -> NDArray[np.float32]:
    shrunk = rows @ image
    result: NDArray[np.float32] = (columns @ np.ascontiguousarray(shrunk.T)).T
    return result
