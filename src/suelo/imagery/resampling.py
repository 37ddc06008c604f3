"""Resampling between two pixel grids of the same ground: area average when shrinking, linear when enlarging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a resampling. Any part of it gives the same result as all of it at once.

    Where the axis shrinks, a target pixel is the average over the source pixels that it covers; those that straddle two
    target pixels are shared between them. Where it grows, values lie on a line between the centres of two neighbours.

    Attributes:
        source: Pixels before.
        target: Pixels after.
    """

    source: int
    target: int

    def support(self, start: int, stop: int) -> tuple[int, int]:
        """First and last-plus-one source pixel that the target pixels `start` to `stop` depend on."""
        if self.target <= self.source:
            return start * self.source // self.target, -(-stop * self.source // self.target)
        left = int(self._positions(np.array([start]))[0])
        right = int(self._positions(np.array([stop - 1]))[0])
        return left, min(right + 2, self.source)

    def weights(self, start: int, stop: int) -> csr_matrix:
        """Weights of the supporting source pixels for target pixels: (stop - start, support), rows add up to 1."""
        from scipy.sparse import csr_matrix

        first, last = self.support(start, stop)
        targets = np.arange(start, stop)
        if self.target <= self.source:
            scale = self.source / self.target
            taps = int(np.ceil(scale)) + 1
            sources = (targets * self.source // self.target)[:, None] + np.arange(taps)
            upper = np.minimum(sources + 1, (targets[:, None] + 1) * scale)
            lower = np.maximum(sources, targets[:, None] * scale)
            shares = np.maximum(upper - lower, 0) / scale
        else:
            positions = self._positions(targets)
            left = positions.astype(np.intp)
            part = positions - left
            sources = left[:, None] + np.arange(2)
            shares = np.stack([1 - part, part], axis=1)
        # A share of nothing may name a pixel beyond the end.
        rows, taken = np.nonzero(shares > 1e-9)
        where = rows, sources[rows, taken] - first
        return csr_matrix((shares[rows, taken].astype(np.float32), where), shape=(stop - start, last - first))

    def _positions(self, targets: NDArray[np.intp]) -> NDArray[np.float64]:
        """Where the centres of target pixels lie among the centres of source pixels."""
        return np.clip((targets + 0.5) * (self.source / self.target) - 0.5, 0, self.source - 1)


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
        Values float32 (bands, target rows, target columns), 0 where nothing is valid; and the share 0..1 of the
        weight that comes from valid pixels (target rows, target columns).
    """
    weight = _apply(valid.astype(np.float32), rows, columns)
    whole = bool(valid.all())
    result = np.empty((len(values), *weight.shape), np.float32)
    for band, image in zip(result, values, strict=True):
        band[:] = _apply(image if whole else image * valid, rows, columns)
    if not whole:
        np.divide(result, weight, out=result, where=weight > 0)
    return result, weight


def _apply(image: NDArray[np.float32], rows: csr_matrix, columns: csr_matrix) -> NDArray[np.float32]:
    narrow: NDArray[np.float32] = (columns @ np.ascontiguousarray((rows @ image).T)).T
    return narrow
