"""The image for looking at: a small cloud-optimised copy of a scene, and its composites as colours."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suelo.errors import CancelledError
from suelo.imagery.geotiff import RasterWriter
from suelo.imagery.grid import Window
from suelo.imagery.scene import Pixels, Scene
from suelo.imagery.statistics import BandStatistics

DISPLAY_BANDS = ("blue", "green", "red", "nir1", "ndvi")
"""Bands of a display raster."""

_SOURCE_BANDS = (1, 2, 4, 6)
_RED, _NIR1 = 4, 6
_GAMMA = 1.4
_STRIP_ROWS = 256


@dataclass(frozen=True)
class Composite:
    """A way to look at a scene.

    Attributes:
        title: What to call it on a page.
        bands: Display bands shown as red, green and blue; None for NDVI through its colour ramp.
    """

    title: str
    bands: tuple[int, int, int] | None


COMPOSITES: dict[str, Composite] = {
    "true-colour": Composite("True colour", (2, 1, 0)),
    "near-infrared": Composite("Near infrared", (3, 2, 1)),
    "ndvi": Composite("NDVI", None),
}

# NDVI, red, green, blue: water blue, bare and built ground sand to pale yellow, plants green.
_RAMP = np.array(
    [
        (-1.0, 20, 50, 120),
        (-0.3, 70, 130, 190),
        (-0.05, 200, 210, 215),
        (0.05, 222, 203, 170),
        (0.2, 240, 232, 170),
        (0.35, 180, 210, 110),
        (0.55, 90, 165, 60),
        (0.75, 25, 110, 35),
        (1.0, 0, 60, 20),
    ]
)


def display_bands(pixels: Pixels, statistics: BandStatistics) -> NDArray[np.uint8]:
    """Stretch pixels for looking at.

    Blue, green, red and NIR1 run from their low to their high percentile, with a gentle gamma that lifts the dark
    half. NDVI is (NIR1 - red) / (NIR1 + red) of the file's own numbers (Rouse et al. 1974), -1 to 1.

    Args:
        pixels: Values (8, height, width) and validity.
        statistics: Those of the whole scene, so that strips and tiles have no seams.

    Returns:
        uint8 (5, height, width) in the order of `DISPLAY_BANDS`: 1 to 255, and 0 where there is no data.
    """
    shown = np.empty((len(DISPLAY_BANDS), *pixels.valid.shape), np.uint8)
    for target, band in enumerate(_SOURCE_BANDS):
        low, high = statistics.low[band], statistics.high[band]
        if high > low:
            share = np.clip((pixels.values[band] - np.float32(low)) / np.float32(high - low), 0, 1)
            shown[target] = np.rint(254 * share ** np.float32(1 / _GAMMA)) + 1
        else:
            shown[target] = 128
    red, nir1 = pixels.values[_RED], pixels.values[_NIR1]
    total = nir1 + red
    ndvi = np.divide(nir1 - red, total, out=np.zeros_like(total), where=total > 0)
    shown[-1] = np.rint(127 * np.clip(ndvi, -1, 1)) + 128
    shown[:, ~pixels.valid] = 0
    return shown


def write_display(
    scene: Scene,
    path: str | os.PathLike[str],
    statistics: BandStatistics,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Write the display raster of a scene: a cloud-optimised GeoTIFF of `display_bands`, in strips.

    Args:
        scene: What to show.
        path: File to write; it appears when it is whole.
        statistics: Those of the whole scene.
        progress: Called with the rows done and the rows in all.
        cancelled: Asked before each strip.

    Raises:
        ImageError: The scene cannot be read.
        CancelledError: `cancelled` said so; nothing is left on disk.
        SueloError: The disk does not take the file.
    """
    grid = scene.grid
    with RasterWriter(
        path, grid, bands=5, dtype="uint8", nodata=0, descriptions=DISPLAY_BANDS, resampling="average"
    ) as writer:
        for row in range(0, grid.height, _STRIP_ROWS):
            if cancelled is not None and cancelled():
                raise CancelledError("The work was cancelled before the image was ready to show.")
            window = Window(row, 0, min(_STRIP_ROWS, grid.height - row), grid.width)
            writer.write(display_bands(scene.read(window), statistics))
            if progress is not None:
                progress(window.stop_row, grid.height)


def render(display: NDArray[np.uint8], composite: str) -> NDArray[np.uint8]:
    """Colours of a part of a display raster.

    Args:
        display: uint8 (5, height, width) from a display raster.
        composite: A key of `COMPOSITES`.

    Returns:
        Red, green, blue and opacity, uint8 (4, height, width); transparent where there is no data.

    Raises:
        KeyError: There is no such composite.
    """
    bands = COMPOSITES[composite].bands
    rgba = np.empty((4, *display.shape[1:]), np.uint8)
    rgba[:3] = display[list(bands)] if bands is not None else _ndvi_colours()[:, display[-1]]
    rgba[3] = np.where((display != 0).any(axis=0), 255, 0)
    rgba[:3, rgba[3] == 0] = 0
    return rgba


def _ndvi_colours() -> NDArray[np.uint8]:
    """Colours (3, 256) of the values of the NDVI band."""
    ndvi = (np.arange(256) - 128) / 127
    return np.stack([np.interp(ndvi, _RAMP[:, 0], _RAMP[:, c]).round() for c in (1, 2, 3)]).astype(np.uint8)
