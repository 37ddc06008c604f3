"""Cloud-optimised GeoTIFF out: rows stream in from top to bottom, the file appears when it is whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.io import DatasetReader, DatasetWriter, MemoryFile
from rasterio.windows import Window as RasterioWindow

from suelo.errors import FullDiskError, SueloError
from suelo.imagery.cog import BrokenTiffError, assemble
from suelo.imagery.gdal import GDAL_ERRORS, bound_cache, is_whole, open_dataset
from suelo.imagery.grid import Grid
from suelo.imagery.overviews import halve
from suelo.imagery.room import is_full

_TILE = 512
_TILE_STEP = 16
"""The format wants sides of tiles that are multiples of this."""
_SMALLEST_OVERVIEW = 256

_CRS_TAG = "SUELO_CRS"
"""Tag for the WKT of a CRS that GeoTIFF has no keys for, such as the urban grids of Colombian cities."""


class RasterWriter:
    """Writes a cloud-optimised GeoTIFF from rows that arrive in any number per call.

    Rows are gathered to rows of tiles, so memory grows with the width and not with the height. Each row of tiles is
    halved for the overviews as it comes. An image of more than one tile has one file per resolution under a temporary
    name in the same folder; closing puts their tiles together, as they are, in the order that the format asks for
    (https://cogeo.org). An image of one tile is made in memory. Tiles are compressed with DEFLATE, which every reader
    knows. The final name appears when the file is whole; after an error nothing is left. Any thread may write, one at a
    time.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        grid: Grid,
        *,
        bands: int,
        dtype: str,
        nodata: float | None,
        descriptions: Sequence[str],
        resampling: Literal["nearest", "average"] = "nearest",
        tags: Mapping[str, str] | None = None,
        smooth: bool = True,
    ) -> None:
        """Start a file.

        Args:
            path: Its final name; a file that is there already is replaced when the new one is whole.
            grid: Where its pixels lie.
            bands: Number of bands.
            dtype: NumPy name of the samples.
            nodata: Value without data, or None.
            descriptions: Name of each band.
            resampling: How overviews are made: `average` leaves pixels without data out.
            tags: Metadata of the file; a CRS that GeoTIFF cannot hold is added, for `crs_of`.
            smooth: Neighbouring samples mostly differ, and by little: their differences are compressed.

        Raises:
            SueloError: The folder cannot be written; of an image of one tile `close` says that.
            ValueError: There is not one description per band.
        """
        if len(descriptions) != bands:
            raise ValueError(f"{bands} bands need as many descriptions, not {len(descriptions)}")
        self._path = Path(path).absolute()
        mark = f".{self._path.name}.{secrets.token_hex(4)}"
        self._whole = self._path.with_name(f"{mark}.part")
        self._grid = grid
        self._shape = bands, grid.width
        self._dtype = np.dtype(dtype)
        self._taken = 0
        self._levels: list[_Level] = []
        factors = _overview_factors(grid)
        tile = (_TILE, _TILE) if factors else (_rounded_up(grid.height), _rounded_up(grid.width))
        profile = {
            "driver": "GTiff",
            "count": bands,
            "dtype": dtype,
            "nodata": nodata,
            "tiled": True,
            "blockysize": tile[0],
            "blockxsize": tile[1],
            # Planes apart: one class of a scene is read without the nine others.
            "interleave": "band",
            "photometric": "MINISBLACK",
            "compress": "DEFLATE",
            "zlevel": 1,  # libdeflate: as fast as ZSTD level 1 and within a twentieth of the size of level 6
            "predictor": (3 if self._dtype.kind == "f" else 2) if smooth else 1,
        }
        tags = dict(tags or {})
        georeference: dict[str, Any] = {}
        if grid.crs is not None:
            wkt = grid.crs.to_wkt()
            some, all_of_it = _geotiff_holds(wkt)
            # GDAL would write a CRS that does not fit into a second file beside each part.
            georeference = {"transform": grid.transform} | ({"crs": grid.crs} if some else {})
            tags |= {} if all_of_it else {_CRS_TAG: wkt}
        bound_cache()
        self._memory = None if factors else MemoryFile(ext=".tif")
        try:
            for factor in [*reversed(factors), 1]:
                part = self._path.with_name(f"{mark}.{factor}.part")
                part = part if self._memory is None else Path(self._memory.name)
                threads = "ALL_CPUS" if factors and factor == 1 else "1"
                layout = profile | {"bigtiff": "YES" if factors else "IF_SAFER", "num_threads": threads}
                shape = -(-grid.height // factor), -(-grid.width // factor)
                coarser = self._levels[0] if self._levels else None
                reduce = partial(halve, nodata=nodata, average=resampling == "average")
                layout |= georeference if factor == 1 else {}
                self._levels.insert(0, _Level(part, layout, shape, coarser, reduce))
            self._levels[0].describe(tags, descriptions)
        except GDAL_ERRORS as error:
            failure = self._failure(error)  # a full disk is not full afterwards
            self._remove()
            raise failure from error

    def write(self, rows: NDArray[Any]) -> None:
        """Add rows.

        Args:
            rows: (bands, any number, width) of the file's dtype.

        Raises:
            SueloError: The disk does not take them.
            ValueError: The shape or type is wrong, or there are more rows than the grid has.
        """
        if rows.ndim != 3 or (rows.shape[0], rows.shape[2]) != self._shape or rows.dtype != self._dtype:
            raise ValueError(f"rows {rows.shape} {rows.dtype} are not ({self._shape}) {self._dtype}")
        if self._taken + rows.shape[1] > self._grid.height:
            raise ValueError(f"more rows than the {self._grid.height} of the grid")
        self._taken += rows.shape[1]
        try:
            self._levels[0].write(rows)
        except GDAL_ERRORS as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Finish the file and give it its name.

        Raises:
            SueloError: The disk does not take it.
            ValueError: Rows are missing.
        """
        try:
            if self._taken != self._grid.height:
                raise ValueError(f"{self._taken} rows were written of the {self._grid.height} of the grid")
            for level in self._levels:
                level.close()
            if self._memory is not None:
                self._whole.write_bytes(self._memory.getbuffer())
            else:
                assemble([level.path for level in self._levels], self._whole)
                self._require_whole()
            self._whole.replace(self._path)
        except (*GDAL_ERRORS, OSError, BrokenTiffError) as error:
            raise self._failure(error) from error
        finally:
            self._remove()

    def _require_whole(self) -> None:
        """Closing a file on a full disk raises nothing, so look at what is there."""
        with rasterio.Env(), open_dataset(str(self._whole)) as file:
            if not is_whole(file, self._whole.stat().st_size, written=True):
                raise self._failure()

    def _remove(self) -> None:
        for level in self._levels:
            level.close_file()
        if self._memory is not None:
            self._memory.close()
        else:
            for level in self._levels:
                level.path.unlink(missing_ok=True)
        self._whole.unlink(missing_ok=True)

    def _failure(self, error: Exception | None = None) -> SueloError:
        if is_full(self._path.parent, error):
            return FullDiskError(self._path.parent)
        return SueloError(
            f"The raster {self._path.name} cannot be written; Suelo needs a folder that it may write to, with room."
        )

    def __enter__(self) -> Self:
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file, or remove what there is of it after an error."""
        if error is None:
            self.close()
        else:
            self._remove()


class _Level:
    """A file of one resolution, which passes half of it on."""

    def __init__(
        self,
        path: Path,
        profile: Mapping[str, Any],
        shape: tuple[int, int],
        coarser: _Level | None,
        reduce: Callable[[NDArray[Any]], NDArray[Any]],
    ) -> None:
        self.path = path
        self._coarser = coarser
        self._reduce = reduce
        height, width = shape
        rows = min(profile["blockysize"], height)
        self._gathered: NDArray[Any] = np.empty((profile["count"], rows, width), profile["dtype"])
        self._count = 0
        self._written = 0
        with rasterio.Env():
            self._file = DatasetWriter(str(path), "w", height=height, width=width, **profile)

    def describe(self, tags: Mapping[str, str], descriptions: Sequence[str]) -> None:
        """Name the file and its bands."""
        self._file.update_tags(**tags)
        self._file.descriptions = tuple(descriptions)

    def write(self, rows: NDArray[Any]) -> None:
        """Add rows."""
        capacity = self._gathered.shape[1]
        start = 0
        while start < rows.shape[1]:
            stop = min(rows.shape[1], start + capacity - self._count)
            self._gathered[:, self._count : self._count + stop - start] = rows[:, start:stop]
            self._count += stop - start
            start = stop
            if self._count == capacity:
                self._flush()

    def _flush(self) -> None:
        rows = self._gathered[:, : self._count]
        with rasterio.Env():
            self._file.write(rows, window=RasterioWindow(0, self._written, rows.shape[2], self._count))
        if self._coarser is not None:
            self._coarser.write(self._reduce(rows))
        self._written += self._count
        self._count = 0

    def close(self) -> None:
        """Write what is left, here and, by that, in the coarser file."""
        if self._count:
            self._flush()
        self.close_file()

    def close_file(self) -> None:
        """Close the file as it is."""
        self._file.close()


def write_cog(
    path: str | os.PathLike[str],
    array: NDArray[Any],
    grid: Grid,
    *,
    nodata: float | None,
    descriptions: Sequence[str],
    resampling: Literal["nearest", "average"] = "nearest",
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write a whole array (bands, height, width) as a cloud-optimised GeoTIFF; see `RasterWriter`."""
    with RasterWriter(
        path,
        grid,
        bands=array.shape[0],
        dtype=str(array.dtype),
        nodata=nodata,
        descriptions=descriptions,
        resampling=resampling,
        tags=tags,
    ) as writer:
        writer.write(array)


def crs_of(raster: DatasetReader) -> CRS | None:
    """The CRS of a raster that `RasterWriter` wrote; None where it has none."""
    wkt = raster.tags().get(_CRS_TAG)
    return raster.crs if wkt is None else CRS.from_wkt(wkt)


@lru_cache(maxsize=64)
def _geotiff_holds(wkt: str) -> tuple[bool, bool]:
    """Whether a GeoTIFF gives some CRS back for this one, and whether it is the same."""
    crs = CRS.from_wkt(wkt)
    profile = {"height": 1, "width": 1, "count": 1, "dtype": "uint8", "transform": Affine.scale(2), "crs": crs}
    with rasterio.Env(GDAL_PAM_ENABLED=False), MemoryFile(ext=".tif") as memory:
        with memory.open(driver="GTiff", **profile):
            pass
        with memory.open() as file:
            return file.crs is not None, file.crs == crs


def _rounded_up(pixels: int) -> int:
    return -(-pixels // _TILE_STEP) * _TILE_STEP


def _overview_factors(grid: Grid) -> list[int]:
    """Powers of two down to an image that fits in one small tile; none where the image fits in one large tile."""
    factors: list[int] = []
    if max(grid.shape) <= _TILE:
        return factors
    while max(grid.shape) / 2 ** len(factors) > _SMALLEST_OVERVIEW:
        factors.append(2 ** (len(factors) + 1))
    return factors
