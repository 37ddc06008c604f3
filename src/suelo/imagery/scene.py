"""A scene: an 8-band image that opens lazily and gives windows of valid pixels."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from suelo.errors import ImageError, InputError
from suelo.imagery.gdal import GDAL_ERRORS, bound_cache
from suelo.imagery.georeference import MAX_GSD_M, MIN_GSD_M
from suelo.imagery.grid import DEFAULT_GSD_M, Grid, Window
from suelo.imagery.layout import BANDS, Layout, inspect
from suelo.imagery.network import download, environment
from suelo.imagery.readers import BandReader, Reader, open_reader
from suelo.imagery.resampling import Axis, resample
from suelo.imagery.source import Source, locate

BAND_NAMES = ("coastal", "blue", "green", "yellow", "red", "red edge", "nir1", "nir2")
"""The eight bands in file order."""

_HALF = 0.5 - 1e-6
"""Share of valid pixels from which a resampled pixel is valid."""

_BLOCK_ROWS = 512
"""Rows of the tiles of most files, or more."""

_STRIP_PIXELS = 2**22
"""Native pixels that a resampled read holds at a time, at least one row of them."""


@dataclass(frozen=True)
class Pixels:
    """What a read returns.

    Attributes:
        values: float32 (8, height, width), the file's own numbers; 0 where not valid.
        valid: bool (height, width), False where there is no data.
    """

    values: NDArray[np.float32]
    valid: NDArray[np.bool_]


class Scene:
    """An 8-band image; opening reads its headers only. Several threads may read at the same time.

    A pixel has no data where a mask or alpha band says so, where any band is NaN or infinite, or where all bands
    have the declared nodata value (in a float image: where any band has it, unless it is 0). Where an integer image
    declares no nodata value, pixels that are 0 in all bands have no data: the fill of WorldView products.

    Attributes:
        name: Stem of the file name.
        source: Path or address, without the query of an address.
        grid: Where the pixels lie.
        dtype: NumPy name of the samples in the file, e.g. "uint16".
    """

    def __init__(self, source: Source, layout: Layout, image: DatasetReader, gsd_m: float = DEFAULT_GSD_M) -> None:
        """Use `open_scene`."""
        self.name = source.name
        self.source = source.label
        self.grid = Grid(layout.height, layout.width, layout.transform, layout.crs, gsd_m)
        self.dtype = layout.dtype
        self._origin = source
        self._layout = layout
        self._lock = threading.Lock()
        self._idle: list[Reader] = []
        if layout.kind == "bands" and source.data is not None:
            self._idle.append(BandReader(image, layout))  # to open a chip twice takes as long as to read it
        else:
            image.close()
        self._loaded: Pixels | None = None
        self._closed = False
        bound_cache(_BLOCK_ROWS * layout.width * BANDS * np.dtype(layout.dtype).itemsize)

    def load(self) -> None:
        """Keep all pixels in memory from now on: for a chip that is looked at several times.

        Raises:
            ImageError: The file is damaged.
        """
        self._loaded = self._native(self.grid.window)

    def read(self, window: Window | None = None, shape: tuple[int, int] | None = None) -> Pixels:
        """Read pixels.

        Args:
            window: Part of the scene; all of it by default.
            shape: Height and width to resample to: area average when shrinking, bilinear when enlarging, both blind
                to pixels without data. A resampled pixel is valid where at least half of its weight is. Native
                pixels by default.

        Raises:
            ImageError: The file is damaged there.
            ValueError: The window is empty or leaves the scene.
        """
        window = window or self.grid.window
        if window.row < 0 or window.col < 0 or window.height < 1 or window.width < 1:
            raise ValueError(f"{window} is empty or leaves the scene")
        if window.stop_row > self.grid.height or window.stop_col > self.grid.width:
            raise ValueError(f"{window} leaves the scene of {self.grid.height} × {self.grid.width} pixels")
        if shape is None or shape == (window.height, window.width):
            return self._native(window)
        if min(shape) < 1:
            raise ValueError(f"the shape {shape} has no pixel")
        return self._resampled(window, shape)

    def samples(self, window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """Native pixels as they are in the file: of integers in half the memory that `read` takes, or a quarter.

        Args:
            window: Part of the scene.

        Returns:
            (8, height, width) of the file's own type, with anything where there is no data, and validity.

        Raises:
            ImageError: The file is damaged there.
        """
        if self._loaded is not None:
            pixels = self._native(window)
            return pixels.values, pixels.valid
        with self._reader(window) as reader:
            samples, shown = reader.read(window)
        valid = self._valid(samples)
        if shown is not None:
            valid &= shown
        return samples, valid

    def _resampled(self, window: Window, shape: tuple[int, int]) -> Pixels:
        rows = Axis(window.height, shape[0])
        columns = Axis(window.width, shape[1]).weights(0, shape[1])
        values = np.empty((BANDS, *shape), np.float32)
        valid = np.empty(shape, np.bool_)
        step = max(1, int(_STRIP_PIXELS / window.width * shape[0] / window.height))
        for start in range(0, shape[0], step):
            stop = min(start + step, shape[0])
            first, last = rows.support(start, stop)
            native = self._native(Window(window.row + first, window.col, last - first, window.width))
            part, weight = resample(native.values, native.valid, rows.weights(start, stop), columns)
            valid[start:stop] = weight >= _HALF
            values[:, start:stop] = np.where(weight >= _HALF, part, 0)
        return Pixels(values, valid)

    def _native(self, window: Window) -> Pixels:
        if (loaded := self._loaded) is not None:
            rows, columns = window.slices
            return Pixels(loaded.values[:, rows, columns].copy(), loaded.valid[rows, columns].copy())
        samples, valid = self.samples(window)
        with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite, which is not valid
            values = samples.astype(np.float32)
        if samples.dtype.kind == "f":
            valid &= np.isfinite(values).all(axis=0)
        if not valid.all():
            values[:, ~valid] = 0
        return Pixels(values, valid)

    def _valid(self, samples: NDArray[np.generic]) -> NDArray[np.bool_]:
        integer = samples.dtype.kind == "u"
        nodata = self._layout.nodata
        if integer and nodata is None:
            nodata = 0.0
        if nodata is None or np.isnan(nodata):
            return np.ones(samples.shape[1:], np.bool_)
        some = not integer and nodata != 0
        with np.errstate(over="ignore"):
            missing = np.asarray(nodata).astype(samples.dtype)
            if not some and not (samples[0] == missing).any():
                return np.ones(samples.shape[1:], np.bool_)
            found = samples == missing
        empty: NDArray[np.bool_] = found.any(axis=0) if some else found.all(axis=0)
        return ~empty

    @contextmanager
    def _reader(self, window: Window) -> Iterator[Reader]:
        """A reader that no other thread uses; a new one where all are in use."""
        with self._lock:
            if self._closed:
                raise ValueError("the scene is closed")
            reader = self._idle.pop() if self._idle else None
        try:
            with environment(self._origin):
                reader = reader or open_reader(self._origin, self._layout)
                yield reader
        except BaseException as error:
            if reader is not None:
                reader.close()
            if not isinstance(error, (*GDAL_ERRORS, OSError)):
                raise
            rows = f"Row {window.row}" if window.height == 1 else f"Rows {window.row} to {window.stop_row - 1}"
            reason = "the network or the file failed" if self._origin.remote else "the file is damaged or was cut short"
            raise ImageError(f"{rows} of the image cannot be read: {reason}; Suelo needs the whole image.") from error
        with self._lock:
            if not self._closed:
                self._idle.append(reader)
                return
        reader.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._closed = True
            self._loaded = None
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.close()
        self._origin.close()

    def __enter__(self) -> Self:
        """The scene itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


def open_scene(source: str | os.PathLike[str] | bytes, *, gsd_m: float | None = None, name: str | None = None) -> Scene:
    """Open an 8-band TIFF; only its headers are read.

    Args:
        source: Local path, `s3://` or `https://` address, or the bytes of a TIFF.
        gsd_m: Ground sampling distance in metres of an image without CRS; 1.24 by default. An image with a CRS
            knows its own.
        name: Name of the scene instead of the stem of the file name.

    Raises:
        ImageError: It is not an 8-band TIFF that Suelo can segment.
        InputError: `gsd_m` is not within 0.01 to 100 m.
    """
    if gsd_m is not None and not MIN_GSD_M <= gsd_m <= MAX_GSD_M:
        raise InputError(f"A ground sampling distance of {gsd_m:g} m is not within {MIN_GSD_M:g} to {MAX_GSD_M:g} m.")
    origin = locate(source, name)
    try:
        layout, image = inspect(origin)
        if layout.kind == "rows" and origin.remote:
            image.close()
            origin = download(origin)
            layout, image = inspect(origin)
        return Scene(origin, layout, image, DEFAULT_GSD_M if gsd_m is None else gsd_m)
    except BaseException:
        origin.close()
        raise
