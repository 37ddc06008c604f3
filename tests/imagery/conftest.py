"""Eight-band images to write and read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray


@pytest.fixture
def image() -> NDArray[np.uint16]:
    """Eight bands of 70 × 90 pixels, none of which is 0."""
    return np.random.default_rng(7).integers(1, 2048, (8, 70, 90), dtype=np.uint16)


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Writes an array (bands, height, width) with rasterio; options of the driver by keyword."""

    def save(array: NDArray[Any], name: str = "image.tif", mask: NDArray[Any] | None = None, **options: Any) -> Path:
        path = tmp_path / name
        bands, height, width = array.shape
        profile = {"driver": "GTiff", "count": bands, "height": height, "width": width, "dtype": str(array.dtype)}
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=options.pop("internal_mask", True)),
            rasterio.open(path, "w", **profile | options) as file,
        ):
            file.write(array)
            if mask is not None:
                file.write_mask(mask)
        return path

    return save
