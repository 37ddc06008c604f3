"""Probabilities to read from, whether they lie in a file or in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window as RasterioWindow

from suelo.errors import InputError, SueloError
from suelo.imagery.gdal import GDAL_ERRORS, is_whole, open_dataset
from suelo.imagery.geotiff import crs_of
from suelo.imagery.grid import DEFAULT_GSD_M, Grid, Window
from suelo.landcover import CLASS_COUNT, LandCover
from suelo.segmentation.selection import NO_DATA, Selection

STRIP_PIXELS = 4 << 20
"""Pixels that are looked at in one go: what bounds memory on large rasters."""


class Probabilities(Protocol):
    """A probability raster: ten bands of uint8, 0..250 for 0..1 and 255 for no data.

    Attributes:
        grid: Where the pixels lie.
    """

    grid: Grid

    def read(self, land_cover: LandCover, window: Window) -> NDArray[np.uint8]:
        """The band of a class, uint8 (height, width)."""
        ...

    def read_all(self, shape: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """All bands, uint8 (10, height, width), of every pixel or of a coarser or finer grid of that shape."""
        ...


KEPT_PIXELS = 1 << 20
"""Rasters of at most this many pixels are read at once and kept while they are open."""

ProbabilitySource = str | os.PathLike[str] | Probabilities
"""A probability raster, or where its file is: a path, or an address that GDAL understands."""


class ArrayProbabilities:
    """Probabilities in memory."""

    def __init__(self, array: NDArray[np.uint8], grid: Grid) -> None:
        """Wrap an array.

        Args:
            array: uint8 (10, height, width).
            grid: Where its pixels lie.

        Raises:
            InputError: The array has another type or shape.
        """
        if array.dtype != np.uint8 or array.shape != (CLASS_COUNT, *grid.shape):
            raise InputError(
                f"Probabilities are uint8 of shape {(CLASS_COUNT, *grid.shape)}, "
                f"not {array.dtype} of shape {array.shape}."
            )
        self.grid = grid
        self._array = array

    def read(self, land_cover: LandCover, window: Window) -> NDArray[np.uint8]:
        """See `Probabilities.read`."""
        rows, columns = window.slices
        return self._array[land_cover.id - 1, rows, columns]

    def read_all(self, shape: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """See `Probabilities.read_all`."""
        if shape is None:
            return self._array
        rows = (np.arange(shape[0]) * 2 + 1) * self.grid.height // (2 * shape[0])
        columns = (np.arange(shape[1]) * 2 + 1) * self.grid.width // (2 * shape[1])
        return self._array[:, rows[:, None], columns]


class FileProbabilities:
    """Probabilities in a raster file that `predict_to_file` wrote."""

    def __init__(self, dataset: DatasetReader) -> None:
        """Read from an open file."""
        crs = crs_of(dataset)
        gsd_m = float(dataset.tags().get("SUELO_GSD_M", DEFAULT_GSD_M)) if crs is None else DEFAULT_GSD_M
        self.grid = Grid(dataset.height, dataset.width, dataset.transform, crs, gsd_m)
        self._dataset = dataset
        # A chip is decoded once for all classes.
        self._whole: NDArray[np.uint8] | None = None
        if self.grid.height * self.grid.width <= KEPT_PIXELS:
            self._whole = self.read_all()

    def read(self, land_cover: LandCover, window: Window) -> NDArray[np.uint8]:
        """See `Probabilities.read`."""
        if self._whole is not None:
            rows, columns = window.slices
            return self._whole[land_cover.id - 1, rows, columns]
        area = RasterioWindow(window.col, window.row, window.width, window.height)
        with self._naming():
            band: NDArray[np.uint8] = self._dataset.read(land_cover.id, window=area)
        return band

    def read_all(self, shape: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """See `Probabilities.read_all`."""
        if shape is None and self._whole is not None:
            return self._whole
        with self._naming():
            bands: NDArray[np.uint8] = self._dataset.read(out_shape=None if shape is None else (CLASS_COUNT, *shape))
        return bands

    @contextmanager
    def _naming(self) -> Iterator[None]:
        """Say that it is this file that cannot be read, and not the one that is being written from it."""
        try:
            yield
        except GDAL_ERRORS as error:
            name = Path(self._dataset.name).name
            raise SueloError(
                f"The probability raster {name} cannot be read: it is damaged, or was cut short."
            ) from error


@contextmanager
def opened(source: ProbabilitySource) -> Iterator[Probabilities]:
    """Open a probability raster, if it is not open yet.

    Raises:
        InputError: There is none, or it is something else.
    """
    if not isinstance(source, str | os.PathLike):
        yield source
        return
    with rasterio.Env():
        try:
            dataset = open_dataset(os.fspath(source))
        except GDAL_ERRORS:
            raise InputError(f"The probability raster {source} cannot be opened.") from None
        yield from _checked(dataset, source)


def is_complete(path: Path) -> bool:
    """Whether a file is there and has all blocks of a raster: a disk that was full may have cut a copy of it short."""
    if not path.exists():
        return False
    with rasterio.Env():
        try:
            with open_dataset(os.fspath(path)) as dataset:
                return is_whole(dataset, path.stat().st_size, written=True)
        except GDAL_ERRORS:
            return False


def _checked(dataset: DatasetReader, source: str | os.PathLike[str]) -> Iterator[Probabilities]:
    with dataset:
        if dataset.count != CLASS_COUNT or set(dataset.dtypes) != {"uint8"}:
            raise InputError(
                f"{source} is no probability raster: it has {dataset.count} bands of {dataset.dtypes[0]}, "
                f"not {CLASS_COUNT} of uint8."
            )
        yield FileProbabilities(dataset)


def strip_windows(grid: Grid) -> Iterator[Window]:
    """Windows as wide as the raster, of a bounded number of pixels, top to bottom."""
    # A multiple of 512 rows meets every block of the file once.
    rows = max(STRIP_PIXELS // grid.width // 512, 1) * 512
    for row in range(0, grid.height, rows):
        yield Window(row, 0, min(rows, grid.height - row), grid.width)


def class_mask(band: NDArray[np.uint8], land_cover: LandCover, selection: Selection) -> NDArray[np.bool_]:
    """True where a pixel reaches the threshold of a class; never where there is no data."""
    mask: NDArray[np.bool_] = (band >= selection.level(land_cover)) & (band != NO_DATA)
    return mask
