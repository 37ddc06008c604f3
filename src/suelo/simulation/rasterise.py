"""Polygons to pixels: a pixel belongs to a polygon when its centre lies inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize

from suelo.simulation.drawing import Shape


def fill_convex(out: NDArray[Any], corners: NDArray[np.float64], values: NDArray[Any]) -> None:
    """Fill convex polygons into a raster, later ones over earlier ones.

    Hundreds of small polygons at once are quicker this way than through GDAL; the rule is GDAL's: centre inside.

    Args:
        out: (h, w), C-contiguous, changed in place.
        corners: (n, k, 2), x and y in pixels of `out`.
        values: (n,), what to write.
    """
    height, width = out.shape
    y = corners[..., 1]
    first = np.clip(np.floor(y.min(1) + 0.5), 0, height).astype(np.int64)
    last = np.clip(np.floor(y.max(1) + 0.5), 0, height).astype(np.int64)
    owner, row = _runs(first, last - first)
    if owner.size == 0:
        return
    centre = (row + 0.5)[:, None]
    start, end = corners[owner], np.roll(corners, -1, axis=1)[owner]
    up = start[..., 1] <= end[..., 1]
    low = np.where(up[..., None], start, end)
    high = np.where(up[..., None], end, start)
    crosses = (low[..., 1] <= centre) & (high[..., 1] > centre)
    rise = np.where(crosses, high[..., 1] - low[..., 1], 1.0)
    x = (centre - low[..., 1]) * (high[..., 0] - low[..., 0]) / rise + low[..., 0]
    left = np.floor(np.where(crosses, x, np.inf).min(1, initial=width) + 0.5)
    right = np.floor(np.where(crosses, x, -np.inf).max(1, initial=0) + 0.5)
    left = np.clip(left, 0, width).astype(np.int64)
    right = np.clip(right, 0, width).astype(np.int64)
    span, place = _runs(row * width + left, right - left)
    out.reshape(-1)[place] = np.asarray(values)[owner[span]]


def _runs(first: NDArray[np.int64], count: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Runs of consecutive integers, one after the other: whose run each belongs to, and the integers."""
    count = np.maximum(count, 0)
    owner = np.repeat(np.arange(count.size), count)
    within = np.arange(owner.size) - np.repeat(np.cumsum(count) - count, count)
    return owner, first[owner] + within


def fill_areas(out: NDArray[Any], shapes: Sequence[tuple[Shape, int]]) -> None:
    """Fill polygons of any shape into a raster through GDAL, later ones over earlier ones."""
    if shapes:
        rasterize(shapes, out=out)
