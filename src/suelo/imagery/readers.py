"""Reading windows of each layout of a TIFF in the file's own sample type."""

from __future__ import annotations

import math
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window as RasterioWindow

from suelo.imagery.gdal import open_dataset
from suelo.imagery.grid import Window
from suelo.imagery.layout import BANDS, Layout
from suelo.imagery.source import Source

_BY_TIFFFILE = (1, 8, 32946)
"""Codes of the compressions that tifffile decodes by itself: none, and DEFLATE twice."""


class Reader(Protocol):
    """An open image; one thread at a time uses it."""

    def read(self, window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_] | None]:
        """Samples (8, height, width) and, where the file has a mask or alpha band, True where that shows pixels."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def open_reader(source: Source, layout: Layout) -> Reader:
    """Open an image once more."""
    if layout.kind == "bands":
        return BandReader(open_dataset(source.gdal_path), layout)
    if layout.kind == "pages":
        return PageReader(source.gdal_path, layout)
    return RowReader(source, layout)


class BandReader:
    """Eight bands of one image."""

    def __init__(self, image: DatasetReader, layout: Layout) -> None:
        """Read from an open file."""
        self._image = image
        self._alpha = layout.alpha
        self._masked = layout.masked

    def read(self, window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_] | None]:
        """See `Reader.read`."""
        area = _area(window)
        samples: NDArray[np.generic] = self._image.read(range(1, BANDS + 1), window=area)
        if self._alpha is not None:
            return samples, self._image.read(self._alpha, window=area) > 0
        return samples, _mask(self._image, area) if self._masked else None

    def close(self) -> None:
        """See `Reader.close`."""
        self._image.close()


class PageReader:
    """Eight pages of one band."""

    def __init__(self, path: str, layout: Layout) -> None:
        """Open the eight pages of the file at `path`."""
        self._pages = [open_dataset(f"GTIFF_DIR:{page}:{path}") for page in layout.pages]
        # GDAL finds the mask band of a file of pages only where it opens the file as a whole.
        self._whole = open_dataset(path) if layout.masked else None

    def read(self, window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_] | None]:
        """See `Reader.read`."""
        area = _area(window)
        samples = np.stack([page.read(1, window=area) for page in self._pages])
        return samples, None if self._whole is None else _mask(self._whole, area)

    def close(self) -> None:
        """See `Reader.close`."""
        for page in self._pages:
            page.close()
        if self._whole is not None:
            self._whole.close()


class RowReader:
    """One page of (width, 8) samples per image row: how tifffile writes an array (height, width, 8).

    Samples that lie in the file one after another are mapped into memory. Other pages are read by tifffile, or, where
    it lacks the decoder, by GDAL, which opens the file for each of them and takes a hundred times as long.
    """

    def __init__(self, source: Source, layout: Layout) -> None:
        """Open the file in the way that suits its pages."""
        assert layout.row_pages is not None
        self._path = source.gdal_path
        self._pages = layout.row_pages
        self._samples: NDArray[np.generic] | None = None
        self._stream: BinaryIO | None = None
        if self._pages.start is not None:
            shape = (layout.height, layout.width, BANDS)
            dtype = np.dtype(layout.dtype).newbyteorder(self._pages.byteorder)
            if source.data is not None:
                self._samples = np.frombuffer(source.data, dtype, math.prod(shape), self._pages.start).reshape(shape)
            else:
                self._samples = np.memmap(source.gdal_path, dtype, "r", self._pages.start, shape)
        elif self._pages.compression in _BY_TIFFFILE:
            import tifffile

            self._stream = source.open()
            self._file = tifffile.TiffFile(self._stream)

    def read(self, window: Window) -> tuple[NDArray[np.generic], NDArray[np.bool_] | None]:
        """See `Reader.read`."""
        rows, columns = window.slices
        if self._samples is not None:
            native = self._samples[rows, columns].astype(self._samples.dtype.newbyteorder("="))
        else:
            page = self._by_gdal if self._stream is None else self._by_tifffile
            native = np.stack([page(row)[columns] for row in range(rows.start, rows.stop)])
        return np.ascontiguousarray(native.transpose(2, 0, 1)), None

    def _by_tifffile(self, row: int) -> NDArray[np.generic]:
        try:
            samples: NDArray[np.generic] = self._file.pages[self._pages.numbers[row] - 1].asarray()
        except Exception as error:  # whatever the decoder raises
            raise OSError(str(error)) from error
        return samples

    def _by_gdal(self, row: int) -> NDArray[np.generic]:
        with open_dataset(f"GTIFF_DIR:off:{self._pages.offsets[row]}:{self._path}") as page:
            samples: NDArray[np.generic] = page.read(1)
            return samples

    def close(self) -> None:
        """See `Reader.close`."""
        self._samples = None
        if self._stream is not None:
            self._file.close()
            self._stream.close()


def _area(window: Window) -> RasterioWindow:
    return RasterioWindow(window.col, window.row, window.width, window.height)


def _mask(image: DatasetReader, area: RasterioWindow) -> NDArray[np.bool_]:
    shown: NDArray[np.bool_] = image.read_masks(1, window=area) > 0
    return shown
