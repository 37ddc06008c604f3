"""Map tiles of a finished job: the image in a composite, or its classes, as PNG."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.windows import Window as RasterioWindow

from suelo.errors import NotFoundError
from suelo.imagery.display import COMPOSITES, render
from suelo.imagery.grid import Grid, Window
from suelo.jobs.geometry import TILE_SIZE, MapGeometry
from suelo.jobs.png import encode_png
from suelo.segmentation.classmap import padding_for, render_classes
from suelo.segmentation.selection import Selection

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

CLASSES_LAYER = "classes"
LAYERS: tuple[str, ...] = (CLASSES_LAYER, *COMPOSITES)
"""Layers that there are tiles of."""
NEAR = 2.0
"""Up to this many raster pixels per tile pixel, classes are shown pixel by pixel and small objects are left out."""
MOST_PADDING = 1024
"""Pixels around a tile that are looked at for the size of objects. Objects that reach farther may be cut off there and
be taken for smaller than they are; only smallest areas of more than about as many pixels bring that about."""

_FARTHEST = 1 << 40
"""Tiles farther away than this are empty on every map, and their numbers may not fit into a float."""


def make_tile(
    dataset: DatasetReader, place: MapGeometry, layer: str, z: int, x: int, y: int, selection: Selection
) -> bytes:
    """Make one tile.

    Every tile pixel shows the raster pixel in which its centre lies, so that close views have sharp pixels. Where a
    tile pixel is wider than a raster pixel, the mean over its surroundings stands for it.

    Args:
        dataset: The raster that the layer is made from.
        place: Where it lies on the map.
        layer: One of `LAYERS`.
        z: Zoom level.
        x: Column of tiles.
        y: Row of tiles.
        selection: What is shown of the classes.

    Returns:
        PNG, 256 × 256, transparent outside the data.

    Raises:
        NotFoundError: There are no tiles at this zoom level.
    """
    if not place.min_zoom <= z <= place.max_native_zoom:
        raise NotFoundError(f"There are tiles for zoom {place.min_zoom} to {place.max_native_zoom}; {z} is outside.")
    if max(abs(x), abs(y)) > _FARTHEST:
        return _empty()
    rows, cols = place.tile_pixels(z, x, y)
    with np.errstate(invalid="ignore"):
        inside = (rows >= 0) & (rows < dataset.height) & (cols >= 0) & (cols < dataset.width)
    if not inside.any():
        return _empty()
    step = _step(rows), _step(cols)
    rows, cols = rows[inside], cols[inside]
    window = _cover(rows, cols, step, place.grid)
    if layer == CLASSES_LAYER:
        colours, shown = _classes(dataset, place.grid, window, step, selection)
    else:
        colours, shown = render(_read(dataset, window, step), layer), window
    _, height, width = colours.shape
    index = _index(rows, shown.row, shown.height, height) * width + _index(cols, shown.col, shown.width, width)
    # Four bytes of colour are moved as one number.
    packed = np.ascontiguousarray(colours.transpose(1, 2, 0)).view(np.uint32).ravel()
    tile = np.zeros((TILE_SIZE, TILE_SIZE), np.uint32)
    tile[inside] = packed[index]
    return encode_png(tile.view(np.uint8).reshape(TILE_SIZE, TILE_SIZE, 4))


def _step(values: NDArray[np.float64]) -> float:
    """Raster pixels from one tile pixel to the next, at the middle of the tile."""
    middle = TILE_SIZE // 2
    down = abs(values[middle + 1, middle] - values[middle, middle])
    across = abs(values[middle, middle + 1] - values[middle, middle])
    return float(np.nan_to_num(max(down, across), nan=1.0))


def _cover(rows: NDArray[np.float64], cols: NDArray[np.float64], step: tuple[float, float], grid: Grid) -> Window:
    """Raster pixels that tile pixels with these centres cover."""
    # Half a tile pixel around each centre; close to the raster's own pixels the centres alone say which are needed.
    row_margin, col_margin = ((s / 2 if s > 1 else 0.0) for s in step)
    row, stop_row = _span(rows, row_margin, grid.height)
    col, stop_col = _span(cols, col_margin, grid.width)
    return Window(row, col, stop_row - row, stop_col - col)


def _span(centres: NDArray[np.float64], margin: float, size: int) -> tuple[int, int]:
    first, last = centres.min(), centres.max()
    start = min(math.floor(first), round(first - margin))
    stop = max(math.floor(last) + 1, round(last + margin))
    return max(0, start), min(size, stop)


def _index(values: NDArray[np.float64], start: int, length: int, samples: int) -> NDArray[np.intp]:
    """Which of `samples` that cover `length` pixels from `start` on each value lies in."""
    return ((values - start) * (samples / length)).astype(np.intp)


def _classes(
    dataset: DatasetReader, grid: Grid, window: Window, step: tuple[float, float], selection: Selection
) -> tuple[NDArray[np.uint8], Window]:
    if max(step) > NEAR:
        # From farther away the mean probabilities of the overviews decide, and small objects vanish by themselves.
        return render_classes(_read(dataset, window, step), selection), window
    padded = window.padded(min(padding_for(selection, grid), MOST_PADDING), grid)
    probabilities = _read(dataset, padded, (1.0, 1.0))
    return render_classes(probabilities, selection, grid.crop(padded)), padded


def _read(dataset: DatasetReader, window: Window, step: tuple[float, float]) -> NDArray[np.uint8]:
    """Pixels of a window: each as it is, or means where one stands for more than one."""
    shape = tuple(
        max(1, round(length / max(1.0, s))) for length, s in zip((window.height, window.width), step, strict=True)
    )
    values: NDArray[np.uint8] = dataset.read(
        window=RasterioWindow(window.col, window.row, window.width, window.height),
        out_shape=(dataset.count, *shape),
        resampling=Resampling.average,
    )
    return values


@cache
def _empty() -> bytes:
    return encode_png(np.zeros((TILE_SIZE, TILE_SIZE, 4), np.uint8))
