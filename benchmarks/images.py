"""Scenes of any size for measurements: one simulated kilometre, mirrored as often as it takes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

SIDE = 1024
"""Pixels of the simulated square."""

_BLOCK = 512


class Mirrored:
    """A simulated square of `SIDE` pixels that goes on for ever in its mirror images."""

    def __init__(self) -> None:
        """Simulate the square."""
        from suelo.simulation import simulate

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "square.tif"
            simulate(path, height=SIDE, width=SIDE, seed=5)
            with rasterio.open(path) as file:
                self._square = file.read()
                self._profile = file.profile

    def write(self, path: Path, height: int, width: int) -> None:
        """Write a scene: uint16, eight bands, tiles of 512 × 512 pixels, DEFLATE."""
        columns = _mirrored(np.arange(width))
        layout = {"blockxsize": _BLOCK, "blockysize": _BLOCK, "bigtiff": "if_safer", "zlevel": 1, "num_threads": 2}
        with rasterio.open(path, "w", **{**self._profile, **layout, "height": height, "width": width}) as file:
            for row in range(0, height, _BLOCK):
                rows = _mirrored(np.arange(row, min(row + _BLOCK, height)))
                file.write(self._square[:, rows][:, :, columns], window=Window(0, row, width, len(rows)))


def _mirrored(indices: np.ndarray) -> np.ndarray:
    folded = indices % (2 * SIDE)
    return np.where(folded < SIDE, folded, 2 * SIDE - 1 - folded)
