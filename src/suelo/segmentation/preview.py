"""The preview: the image in true colour with the classes over it, as a PNG of a size to look at."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

from suelo.imagery.display import DISPLAY_BANDS, display_bands, render
from suelo.imagery.gdal import open_dataset
from suelo.imagery.grid import Grid, Window
from suelo.imagery.scene import Scene
from suelo.imagery.statistics import BandStatistics
from suelo.segmentation.classmap import render_classes
from suelo.segmentation.raster import Probabilities
from suelo.segmentation.selection import Selection

LONGEST_SIDE = 1600
"""Larger scenes are shrunk to this many pixels."""

SHORTEST_LONG_SIDE = 640
"""Smaller scenes are enlarged by a whole factor up to about this many pixels."""

OPACITY = 0.55
"""Opacity of the classes over the image."""

_STRIP_PIXELS = 4 << 20


def write_preview(
    probabilities: Probabilities,
    selection: Selection,
    path: Path,
    image: Scene | str | os.PathLike[str],
    statistics: BandStatistics | None = None,
) -> None:
    """Write the preview.

    Args:
        probabilities: The probability raster.
        selection: What is shown.
        path: The PNG.
        image: The scene, or where its display raster is.
        statistics: Stretch the scene; not needed for a display raster.
    """
    grid = probabilities.grid
    shrink = max(1, math.ceil(max(grid.shape) / LONGEST_SIDE))
    shape = -(-grid.height // shrink), -(-grid.width // shrink)
    if isinstance(image, Scene):
        if statistics is None:
            raise ValueError("a scene is shown with its statistics")
        display = _read_scene(image, statistics, shrink)
    else:
        with rasterio.Env(), open_dataset(os.fspath(image)) as dataset:
            display = dataset.read(out_shape=(len(DISPLAY_BANDS), *shape))
    picture = render(display, "true-colour")
    coarse = Grid(*shape, grid.transform @ grid.transform.scale(shrink), grid.crs, grid.pixel_gsd_m)
    classes = render_classes(probabilities.read_all(None if shrink == 1 else shape), selection, coarse)
    shown = classes[3] > 0
    mixed = picture[:3, shown] * (1 - OPACITY) + classes[:3, shown] * OPACITY
    picture[:3, shown] = np.rint(mixed).astype(np.uint8)
    enlarge = max(1, round(SHORTEST_LONG_SIDE / max(shape)))
    _write_png(picture.repeat(enlarge, axis=1).repeat(enlarge, axis=2), path)


def _read_scene(scene: Scene, statistics: BandStatistics, shrink: int) -> NDArray[np.uint8]:
    """Display bands of a scene, shrunk by a whole factor, read in strips."""
    height, width = scene.grid.shape
    columns = -(-width // shrink)
    rows = max(1, _STRIP_PIXELS // width // shrink) * shrink
    parts = []
    for row in range(0, height, rows):
        count = min(rows, height - row)
        window = Window(row, 0, count, width)
        parts.append(display_bands(scene.read(window, (-(-count // shrink), columns)), statistics))
    return np.concatenate(parts, axis=1)


def _write_png(picture: NDArray[np.uint8], path: Path) -> None:
    _, height, width = picture.shape
    with (
        rasterio.Env(GDAL_PAM_ENABLED=False),
        # A PNG holds no transform; without one rasterio warns that it is missing.
        rasterio.open(
            path, "w", driver="PNG", height=height, width=width, count=4, dtype="uint8", transform=Affine.scale(2)
        ) as file,
    ):
        file.write(picture)
