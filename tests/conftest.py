"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from suelo.imagery.geotiff import write_cog
from suelo.imagery.grid import Grid


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real WorldView imagery and labels; the test skips where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SUELO_SHARED_DATA", default))
    if not (folder / "chips").is_dir():
        pytest.skip(f"real imagery is not here: {folder} (set SUELO_SHARED_DATA to its folder)")
    return folder


DrawImage = Callable[..., Path]


@pytest.fixture(scope="session")
def draw_image() -> DrawImage:
    """A function that writes a small 8-band TIFF: smooth made-up ground, another one for each seed."""

    def draw(
        path: Path, height: int = 96, width: int = 128, *, seed: int = 0, epsg: int | None = None, empty_rows: int = 0
    ) -> Path:
        rng = np.random.default_rng(seed)
        coarse = rng.uniform(200, 1800, (8, -(-height // 16) + 1, -(-width // 16) + 1))
        pixels = coarse.repeat(16, axis=1).repeat(16, axis=2)[:, :height, :width] + rng.normal(
            0, 30, (8, height, width)
        )
        pixels = pixels.clip(1, 2047).astype(np.uint16)
        pixels[:, :empty_rows] = 0
        if epsg is None:
            grid = Grid(height, width)
        else:
            step = 1.24 if epsg != 4326 else 1.24 / 111_320
            west, north = (4_880_000.0, 2_080_000.0) if epsg != 4326 else (-74.07, 4.71)
            grid = Grid(height, width, Affine(step, 0, west, 0, -step, north), CRS.from_epsg(epsg))
        names = [str(band) for band in range(8)]
        write_cog(path, pixels, grid, nodata=None, descriptions=names)
        return path

    return draw
