"""Overviews of a raster: each half as high and wide as the one before."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROWS = 32
"""Rows that are halved at a time, so that they stay in the processor's cache; even."""

_SUMS = {"u1": np.uint16, "u2": np.uint32, "f4": np.float32}


def halve(rows: NDArray[Any], *, nodata: float | None, average: bool) -> NDArray[Any]:
    """Rows at half the resolution.

    Args:
        rows: (bands, rows, columns). What is left over of odd numbers counts as a pixel of its own.
        nodata: Value without data, which averages leave out.
        average: The mean of 2 × 2 pixels, integers rounded half up; otherwise the upper left one.

    Returns:
        (bands, half the rows, half the columns), rounded up, of the same type.
    """
    if not average:
        return np.ascontiguousarray(rows[:, ::2, ::2])
    bands, height, width = rows.shape
    if height % 2 or width % 2:
        rows = np.pad(rows, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    halved = np.empty((bands, rows.shape[1] // 2, rows.shape[2] // 2), rows.dtype)
    for band, result in zip(rows, halved, strict=True):
        for start in range(0, len(band), _ROWS):
            part = band[start : start + _ROWS]
            result[start // 2 : start // 2 + len(part) // 2] = _averaged(part, nodata)
    return halved


def _averaged(part: NDArray[Any], nodata: float | None) -> NDArray[Any]:
    kind = _SUMS.get(part.dtype.str[1:], np.float64)
    integer = part.dtype.kind in "ui"
    missing = None if nodata is None else np.isnan(part) if np.isnan(nodata) else part == nodata
    if missing is None or not missing.any():
        total = _sums(part, kind)
        if integer and kind is not np.float64:
            total += total.dtype.type(2)
            total >>= total.dtype.type(2)
            return total
        return np.floor(total / 4 + 0.5) if integer else total / 4
    count = _sums(~missing, np.uint8).astype(np.float64)
    total = _sums(np.where(missing, part.dtype.type(0), part), kind)
    mean: NDArray[np.float64] = np.divide(total, count, out=np.full(count.shape, float(nodata or 0)), where=count > 0)
    return np.floor(mean + 0.5) if integer else mean


def _sums(part: NDArray[Any], kind: Any) -> NDArray[Any]:  # noqa: ANN401
    pairs = np.add(part[0::2], part[1::2], dtype=kind)
    sums: NDArray[Any] = pairs[:, 0::2] + pairs[:, 1::2]
    return sums
