"""Cloud-optimised GeoTIFF out: rows stream in from top to bottom, the file appears when it is whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.io import DatasetWriter
from rasterio.windows import Window as RasterioWindow

from suelo.errors import SueloError
from suelo.imagery.gdal import GDAL_ERRORS, is_whole, open_dataset
from suelo.imagery.grid import Grid

_TILE = 512
_SMALL_TILE = 256
_SMALLEST_OVERVIEW = 256


class RasterWriter:
    """Writes a cloud-optimised GeoTIFF from rows that arrive in any number per call.

    Rows are gathered to rows of tiles, so memory grows with the width and not with the height. An image of more than
    one tile is first written uncompressed under a temporary name in the same folder; closing adds the overviews and
    copies it in the order that the format asks for (https://cogeo.org). Tiles are compressed with DEFLATE, which
    every reader knows. The final name appears when the file is whole; after an error nothing is left.
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
            tags: Metadata of the file.

        Raises:
            SueloError: The folder cannot be written.
            ValueError: There is not one description per band.
        """
        if len(descriptions) != bands:
            raise ValueError(f"{bands} bands need as many descriptions, not {len(descriptions)}")
        self._path = Path(path).absolute()
        mark = f".{self._path.name}.{secrets.token_hex(4)}"
        self._whole = self._path.with_name(f"{mark}.part")
        self._rows = self._path.with_name(f"{mark}.rows.part")
        self._grid = grid
        self._dtype = np.dtype(dtype)
        self._resampling = Resampling[resampling]
        self._tile = _SMALL_TILE if max(grid.shape) <= _TILE else _TILE
        self._factors = _overview_factors(grid)
        self._gathered: NDArray[Any] = np.empty((bands, min(self._tile, grid.height), grid.width), self._dtype)
        self._count = 0
        self._written = 0
        profile = {
            "driver": "GTiff",
            "count": bands,
            "dtype": dtype,
            "height": grid.height,
            "width": grid.width,
            "nodata": nodata,
            **self._layout(),
        }
        if grid.crs is not None:
            profile |= {"crs": grid.crs, "transform": grid.transform}
        if self._factors:
            profile |= {"compress": "NONE"}
        try:
            with rasterio.Env():
                self._file = DatasetWriter(str(self._rows if self._factors else self._whole), "w", **profile)
                self._file.update_tags(**(tags or {}))
                self._file.descriptions = tuple(descriptions)
        except GDAL_ERRORS as error:
            self._remove()
            raise self._failure() from error

    def _layout(self) -> dict[str, Any]:
        return {
            "tiled": True,
            "blockxsize": self._tile,
            "blockysize": self._tile,
            # Planes apart: one class of a scene is read without the nine others.
            "interleave": "band",
            "photometric": "MINISBLACK",
            "compress": "DEFLATE",
            "zlevel": 1,  # libdeflate: as fast as ZSTD level 1 and within a twentieth of the size of level 6
            "predictor": 3 if self._dtype.kind == "f" else 2,
            "bigtiff": "IF_SAFER",
            "num_threads": "ALL_CPUS" if self._factors else "1",
        }

    def write(self, rows: NDArray[Any]) -> None:
        """Add rows.

        Args:
            rows: (bands, any number, width) of the file's dtype.

        Raises:
            SueloError: The disk does not take them.
            ValueError: The shape or type is wrong, or there are more rows than the grid has.
        """
        bands, capacity, width = self._gathered.shape
        if rows.ndim != 3 or (rows.shape[0], rows.shape[2]) != (bands, width) or rows.dtype != self._dtype:
            raise ValueError(f"rows {rows.shape} {rows.dtype} are not ({bands}, rows, {width}) {self._dtype}")
        if self._written + self._count + rows.shape[1] > self._grid.height:
            raise ValueError(f"more rows than the {self._grid.height} of the grid")
        start = 0
        while start < rows.shape[1]:
            stop = min(rows.shape[1], start + capacity - self._count)
            self._gathered[:, self._count : self._count + stop - start] = rows[:, start:stop]
            self._count += stop - start
            start = stop
            if self._count == capacity:
                self._flush()

    def _flush(self) -> None:
        if self._count == 0:
            return
        window = RasterioWindow(0, self._written, self._grid.width, self._count)
        try:
            self._file.write(self._gathered[:, : self._count], window=window)
        except GDAL_ERRORS as error:
            raise self._failure() from error
        self._written += self._count
        self._count = 0

    def close(self) -> None:
        """Finish the file and give it its name.

        Raises:
            SueloError: The disk does not take it.
            ValueError: Rows are missing.
        """
        try:
            self._flush()
            if self._written != self._grid.height:
                raise ValueError(f"{self._written} rows were written of the {self._grid.height} of the grid")
            self._finish()
        except (*GDAL_ERRORS, OSError) as error:
            raise self._failure() from error
        finally:
            self._remove()

    def _finish(self) -> None:
        self._file.close()
        with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"):
            if self._factors:
                self._require_whole(self._rows)
                with DatasetWriter(str(self._rows), "r+", driver="GTiff") as file:
                    file.build_overviews(self._factors, self._resampling)
                rasterio.shutil.copy(
                    self._rows, self._whole, driver="GTiff", copy_src_overviews="YES", **self._layout()
                )
            self._require_whole(self._whole)
        self._whole.replace(self._path)

    def _require_whole(self, path: Path) -> None:
        """Closing a file on a full disk raises nothing, so look at what is there."""
        with open_dataset(str(path)) as file:
            if not is_whole(file, path.stat().st_size, written=True):
                raise self._failure()

    def _remove(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()
        for part in (self._whole, self._rows):
            part.unlink(missing_ok=True)

    def _failure(self) -> SueloError:
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


def _overview_factors(grid: Grid) -> list[int]:
    """Powers of two down to an image that fits in one small tile; none where the image fits in one large tile."""
    factors: list[int] = []
    if max(grid.shape) <= _TILE:
        return factors
    while max(grid.shape) / 2 ** len(factors) > _SMALLEST_OVERVIEW:
        factors.append(2 ** (len(factors) + 1))
    return factors
