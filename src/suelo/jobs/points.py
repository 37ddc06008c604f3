"""What is found at one pixel of a finished job."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rasterio.windows import Window as RasterioWindow

from suelo.imagery.grid import Grid, Window
from suelo.jobs.tiles import MOST_PADDING
from suelo.landcover import CLASSES, LandCover
from suelo.segmentation.classmap import padding_for, sieve
from suelo.segmentation.components import smallest_kept
from suelo.segmentation.raster import class_mask
from suelo.segmentation.selection import FULL_SCALE, NO_DATA, Selection

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


@dataclass(frozen=True)
class PixelClass:
    """One class at one pixel.

    Attributes:
        land_cover: The class.
        probability: 0 to 1.
        shown: True if the pixel is part of an object of the class that is shown.
    """

    land_cover: LandCover
    probability: float
    shown: bool


@dataclass(frozen=True)
class Point:
    """One pixel of a result.

    Attributes:
        row: Row, from 0 at the top.
        col: Column, from 0 at the left.
        valid: False where the image has no data; there are no classes then.
        classes: All ten classes in the order of `CLASSES`.
    """

    row: int
    col: int
    valid: bool
    classes: tuple[PixelClass, ...]


def look_at(dataset: DatasetReader, grid: Grid, row: int, col: int, selection: Selection) -> Point:
    """Find the classes at a pixel.

    Args:
        dataset: A probability raster.
        grid: Its grid.
        row: Row of the pixel, inside the grid.
        col: Its column.
        selection: What is shown: classes, thresholds and smallest areas, as on the map.
    """
    pixel = Window(row, col, 1, 1)
    values = dataset.read(window=RasterioWindow(col, row, 1, 1))[:, 0, 0]
    if values[0] == NO_DATA:
        return Point(row, col, False, ())
    classes = tuple(
        PixelClass(
            c,
            float(value) / FULL_SCALE,
            c in selection.classes
            and int(value) >= selection.level(c)
            and _in_an_object(dataset, grid, pixel, c, selection),
        )
        for c, value in zip(CLASSES, values, strict=True)
    )
    return Point(row, col, True, classes)


def _in_an_object(dataset: DatasetReader, grid: Grid, pixel: Window, c: LandCover, selection: Selection) -> bool:
    """Whether the object of a class that a pixel of the class belongs to is large enough to be shown."""
    around = min(padding_for(replace(selection, class_ids=(c.id,)), grid), MOST_PADDING)
    window = pixel.padded(around, grid)
    band = dataset.read(c.id, window=RasterioWindow(window.col, window.row, window.width, window.height))
    areas = grid.crop(window).row_areas_m2()
    kept = sieve(class_mask(band, c, selection), areas, smallest_kept(selection, c))
    return bool(kept[pixel.row - window.row, pixel.col - window.col])
