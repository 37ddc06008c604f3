"""Reads the rasters of a training: whole, with every failure in a sentence."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suelo.errors import InputError

Bounds = tuple[float, float, float, float]
"""Left, bottom, right, top."""


def read_raster(path: Path) -> NDArray[np.generic]:
    """All bands, (B, H, W).

    Raises:
        InputError: The file is no image, or a damaged one.
    """
    return _read(path, pixels=True)[0]


def read_bounds(path: Path) -> Bounds:
    """Where an image lies.

    Raises:
        InputError: The file is no image.
    """
    return _read(path, pixels=False)[1]


def read_size(path: Path) -> tuple[int, int, int]:
    """Bands, height and width of an image.

    Raises:
        InputError: The file is no image.
    """
    return _read(path, pixels=False)[2]


def _read(path: Path, *, pixels: bool) -> tuple[NDArray[np.generic], Bounds, tuple[int, int, int]]:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    from suelo.imagery.gdal import GDAL_ERRORS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasterio.open(path) as file:
                left, bottom, right, top = file.bounds
                values: NDArray[np.generic] = file.read() if pixels else np.empty(0)
                return values, (left, bottom, right, top), (file.count, file.height, file.width)
        except GDAL_ERRORS:
            raise InputError(f"{path} is not an image, or not a whole one.") from None
