"""Where the pixels of a scene lie: size, affine transform and CRS as one value, and windows of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from suelo.imagery.ground import east_north_m, ellipsoid, longitudes_latitudes

DEFAULT_GSD_M = 1.24
"""Ground sampling distance, in metres, of WorldView-3's multispectral bands at nadir."""

_TOLERANCE = 0.01
"""Maps on which areas are off by no more than this, and pixels no longer than wide by more, are taken as they are."""

_Step = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of pixels: first row, first column, height and width."""

    row: int
    col: int
    height: int
    width: int

    @property
    def stop_row(self) -> int:
        """Row after the last one."""
        return self.row + self.height

    @property
    def stop_col(self) -> int:
        """Column after the last one."""
        return self.col + self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices for an array of the whole grid."""
        return slice(self.row, self.stop_row), slice(self.col, self.stop_col)

    def padded(self, pixels: int, grid: Grid) -> Window:
        """This window grown by `pixels` on each side, cut at the edges of `grid`."""
        row, col = max(0, self.row - pixels), max(0, self.col - pixels)
        stop_row = min(grid.height, self.stop_row + pixels)
        stop_col = min(grid.width, self.stop_col + pixels)
        return Window(row, col, stop_row - row, stop_col - col)


@dataclass(frozen=True)
class Grid:
    """The pixel grid of a raster.

    Attributes:
        height: Rows.
        width: Columns.
        transform: Affine transform from (column, row) of pixel corners to coordinates of `crs`. Without a CRS the
            coordinates are pixels and the transform is the identity.
        crs: Coordinate reference system, or None.
        pixel_gsd_m: Ground sampling distance, in metres, that is assumed where there is no CRS.
    """

    height: int
    width: int
    transform: Affine = Affine.identity()
    crs: CRS | None = None
    pixel_gsd_m: float = DEFAULT_GSD_M

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @property
    def window(self) -> Window:
        """The window that covers the whole grid."""
        return Window(0, 0, self.height, self.width)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Smallest x, smallest y, largest x and largest y over the four corners, in `crs` (or pixels)."""
        corners = [self.transform @ (c, r) for c in (0, self.width) for r in (0, self.height)]
        xs, ys = zip(*corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    @cached_property
    def gsd_m(self) -> float:
        """Ground sampling distance in metres: the side of a square with the area of the pixel at the centre."""
        return float(np.sqrt(self.row_areas_m2(self.height // 2, self.height // 2 + 1)[0]))

    @cached_property
    def pixel_m(self) -> tuple[float, float]:
        """Height and width in metres of the pixel at the centre: `gsd_m` twice where it is about square."""
        if self.crs is None:
            return self.gsd_m, self.gsd_m
        across, down = self._centre_steps
        elongation = float(np.hypot(*down)[0] / np.hypot(*across)[0])
        if not abs(elongation - 1) > _TOLERANCE:  # nor where it is not a number
            return self.gsd_m, self.gsd_m
        return self.gsd_m * float(np.sqrt(elongation)), self.gsd_m / float(np.sqrt(elongation))

    def row_areas_m2(self, start: int = 0, stop: int | None = None) -> NDArray[np.float64]:
        """Area on the ground of one pixel of each row.

        In a projected CRS the area is planar, unless the CRS enlarges or shrinks areas at the centre by more than a
        hundredth, as Web Mercator does; there, and in a geographic CRS, it is that on the ellipsoid of the CRS.

        Args:
            start: First row.
            stop: Row after the last; the height by default.

        Returns:
            Square metres, float64 (rows,).
        """
        rows = np.arange(start, self.height if stop is None else stop)
        if self.crs is None:
            return np.full(rows.size, abs(self.transform.determinant) * self.pixel_gsd_m**2)
        if self.crs.is_geographic:
            return self._geodesic_row_areas(rows)
        if self._distorted:
            return self._ground_row_areas(rows)
        return np.full(rows.size, self._planar_area_m2)

    @property
    def _planar_area_m2(self) -> float:
        assert self.crs is not None
        area: float = abs(self.transform.determinant) * self.crs.linear_units_factor[1] ** 2
        return area

    @cached_property
    def _distorted(self) -> bool:
        """Whether areas in the plane of the CRS are not about those on the ground."""
        ground = float(_area(*self._centre_steps)[0])
        return bool(np.isfinite(ground)) and abs(self._planar_area_m2 - ground) > _TOLERANCE * ground

    def _ground_row_areas(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        return _area(*self._ground_steps(rows))

    @cached_property
    def _centre_steps(self) -> tuple[_Step, _Step]:
        return self._ground_steps(np.array([self.height / 2 - 0.5]))

    def _ground_steps(self, rows: NDArray[Any]) -> tuple[_Step, _Step]:
        """How far it is to the east and to the north, in metres, across and down a pixel in the middle of rows."""
        assert self.crs is not None
        middle = self.width / 2
        # Left, right, upper and lower edge of the pixels.
        columns = np.array([middle - 0.5, middle + 0.5, middle, middle])[:, None]
        rows = rows + np.array([0.5, 0.5, 0.0, 1.0])[:, None]
        a, b, c, d, e, f = self.transform[:6]
        longitude, latitude = longitudes_latitudes(self.crs, a * columns + b * rows + c, d * columns + e * rows + f)
        across = east_north_m(self.crs, longitude[:2], latitude[:2])
        return across, east_north_m(self.crs, longitude[2:], latitude[2:])

    def _geodesic_row_areas(self, rows: NDArray[np.int_]) -> NDArray[np.float64]:
        """Areas on the ellipsoid, from its radii of curvature at the middle of each row.

        The area of a small cell is M·N·cos(latitude)·Δlatitude·Δlongitude with the radii of curvature M in the meridian
        and N in the prime vertical (Snyder 1987, Map Projections: A Working Manual, equations 4-18 to 4-20).
        """
        assert self.crs is not None
        radius, eccentricity2 = ellipsoid(self.crs.to_wkt())
        to_radians = self.crs.units_factor[1]
        latitudes = self.transform.d * self.width / 2 + self.transform.e * (rows + 0.5) + self.transform.f
        sine = np.sin(latitudes * to_radians)
        curvature = radius**2 * (1 - eccentricity2) / (1 - eccentricity2 * sine**2) ** 2
        cell: float = abs(self.transform.determinant) * to_radians**2
        areas: NDArray[np.float64] = cell * curvature * np.sqrt(1 - sine**2)
        return areas

    def crop(self, window: Window) -> Grid:
        """The grid of a window of this one."""
        return Grid(
            window.height,
            window.width,
            self.transform @ Affine.translation(window.col, window.row),
            self.crs,
            self.pixel_gsd_m,
        )

    def resampled(self, height: int, width: int) -> Grid:
        """The same ground with another number of pixels; without a CRS, coordinates are the new pixels."""
        scale = Affine.scale(self.width / width, self.height / height)
        gsd = self.pixel_gsd_m * float(np.sqrt(scale.determinant))
        if self.crs is None:
            return Grid(height, width, self.transform, None, gsd)
        return Grid(height, width, self.transform @ scale, self.crs, self.pixel_gsd_m)


def _area(across: _Step, down: _Step) -> NDArray[np.float64]:
    """Square metres of the parallelogram of two steps."""
    (east, north), (other_east, other_north) = across, down
    return np.abs(east * other_north - north * other_east)
