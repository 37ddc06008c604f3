"""Fixtures shared by the tests of training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray

WriteElsewhere = Callable[..., Path]


@pytest.fixture(scope="session")
def write_elsewhere() -> WriteElsewhere:
    """A function that writes small made-up `naip/` and `dubai/` folders; see `_write_elsewhere`."""
    return _write_elsewhere


def _write_elsewhere(
    root: Path,
    naip: Sequence[tuple[int, int]] = ((0, 0), (0, 1), (5, 5)),
    dubai: Sequence[str] = ("tile1_001", "tile1_002", "tile7_001", "tile8_002"),
) -> Path:
    """Images whose colour says their label code.

    Args:
        root: Folder to make.
        naip: Row and column of each tile of 64 pixels of 0.62 m in a common grid; codes 0 to 5 in columns.
        dubai: Names of images of 80 × 100 pixels; codes 0 to 5 in columns and unlabelled last rows.

    Returns:
        The folder.
    """
    for number, (row, col) in enumerate(naip):
        codes = np.tile(np.arange(64) * 6 // 64, (64, 1)).astype(np.uint8)
        image = np.stack([40 + 30 * codes, 200 - 20 * codes, 90 + 10 * codes, 60 + 35 * (codes == 4) + 9 * codes])
        step = 0.62
        transform = Affine(step, 0, 500_000 + col * 64 * step, 0, -step, 4_000_000 - row * 64 * step)
        _write(root / "naip" / "images" / f"t{number}.tif", image, "GTiff", transform=transform, crs="EPSG:26917")
        _write(root / "naip" / "labels" / f"t{number}.tif", codes[None], "GTiff")
    for name in dubai:
        codes = np.tile(np.arange(100) * 6 // 100, (80, 1)).astype(np.uint8)
        image = np.stack([40 + 30 * codes, 200 - 20 * codes, 90 + 10 * codes])
        codes[60:] = 255
        _write(root / "dubai" / "images" / f"{name}.jpg", image, "JPEG", quality=100)
        _write(root / "dubai" / "labels" / f"{name}.png", codes[None], "PNG")
    return root


def _write(path: Path, bands: NDArray[np.generic], driver: str, **more: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = bands.shape
    with rasterio.open(path, "w", driver, width, height, count, dtype="uint8", **more) as file:
        file.write(bands.astype(np.uint8))
