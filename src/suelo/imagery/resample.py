"""Resampling of pixels along rows and columns: area average when shrinking, bilinear when enlarging."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def resample(
    values: NDArray[np.float32], valid: NDArray[np.bool_], shape: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Resample an image to another number of pixels; pixels without data have no weight.

    Each axis is shrunk by the exact area average (source pixels that straddle two target pixels are shared between
    them) or enlarged by linear interpolation between pixel centres.

    Args:
        values: float32 (bands, height, width).
        valid: bool (height, width).
        shape: Height and width wanted.

    Returns:
        Values float32 (bands, *shape), 0 where not valid; and validity (*shape): True where at least half of the
        weight comes from valid pixels.
    """
    weight = valid.astype(np.float32)
    total = _axis(_axis(values * weight, 2, shape[1]), 1, shape[0])
    weight = _axis(_axis(weight, 1, shape[1]), 0, shape[0])
    inside = weight >= 0.5 - 1e-6
    resampled = np.divide(total, weight, out=np.zeros_like(total), where=inside)
    return resampled, inside


def _axis(array: NDArray[np.float32], axis: int, size: int) -> NDArray[np.float32]:
    count = array.shape[axis]
    if size == count:
        return array
    moved = np.moveaxis(array, axis, -1)
    result = _shrunk(moved, size) if size < count else _enlarged(moved, size)
    return np.moveaxis(result, -1, axis)


def _shrunk(array: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    count = array.shape[-1]
    mean: NDArray[np.float32]
    if count % size == 0:
        blocks = array.reshape(*array.shape[:-1], size, count // size)
        mean = blocks.mean(axis=-1, dtype=np.float32)
        return mean
    # The integral up to fractional edges; its differences are the sums over the target pixels.
    integral = np.zeros((*array.shape[:-1], count + 1))
    np.cumsum(array, axis=-1, dtype=np.float64, out=integral[..., 1:])
    edges = np.arange(size + 1) * (count / size)
    left = np.minimum(edges.astype(np.intp), count - 1)
    part = edges - left
    at_edges = integral[..., left] * (1 - part) + integral[..., left + 1] * part
    mean = (np.diff(at_edges, axis=-1) * (size / count)).astype(np.float32)
    return mean


def _enlarged(array: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    count = array.shape[-1]
    centres = np.clip((np.arange(size) + 0.5) * (count / size) - 0.5, 0, count - 1)
    left = np.minimum(centres.astype(np.intp), max(count - 2, 0))
    part = (centres - left).astype(np.float32)
    right = np.minimum(left + 1, count - 1)
    between: NDArray[np.float32] = array[..., left] * (1 - part) + array[..., right] * part
    return between
