"""Where a raster lies on a slippy map: bounds, zoom levels, and the source pixel of every tile pixel.

A raster with a CRS lies on the usual Web Mercator tiles: `x` counts east, `y` south from the corner of the world.

A raster without a CRS has a pyramid of its own, made for Leaflet's `CRS.Simple`: longitude is the column and latitude
is minus the row, both in pixels of the raster and counted from its upper left corner. At zoom 0 a pixel of the raster
is a pixel of the map, at zoom `z` it is 2^z wide; `z` is negative where the map shows less detail. Tile (x, y) of zoom
z shows columns from 256 x / 2^z and rows from 256 y / 2^z on.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer

if TYPE_CHECKING:
    from affine import Affine

    from suelo.imagery.grid import Grid

TILE_SIZE = 256
"""Side of a tile in pixels."""
CLOSER = 3
"""Tiles are made for this many zoom levels beyond the one that shows all detail, so that pixels keep sharp edges."""
CLOSEST = 2
"""The map may be zoomed this much further, by enlarging tiles."""

_HALF_EQUATOR = math.pi * 6378137.0
_KNOTS = 17


class MapGeometry:
    """A raster on a map. Safe to use from several threads.

    Attributes:
        grid: The pixels of the raster.
    """

    def __init__(self, grid: Grid) -> None:
        """Place a grid on a map."""
        self.grid = grid

    @property
    def georeferenced(self) -> bool:
        """True if the map is Web Mercator, False if it is the raster's own plane."""
        return self.grid.crs is not None

    @cached_property
    def _to_source(self) -> Transformer:
        assert self.grid.crs is not None
        return Transformer.from_crs("EPSG:4326", CRS.from_wkt(self.grid.crs.to_wkt()), always_xy=True)

    @cached_property
    def bounds(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """South-west and north-east corner as (latitude, longitude) of the map."""
        grid = self.grid
        if not self.georeferenced:
            return (-float(grid.height), 0.0), (0.0, float(grid.width))
        along = np.linspace(0.0, 1.0, 21)
        # Edges may be bent on the map, so points along them are looked at.
        cols = np.concatenate([along, along, along * 0, along * 0 + 1]) * grid.width
        rows = np.concatenate([along * 0, along * 0 + 1, along, along]) * grid.height
        xs, ys = _apply(grid.transform, cols, rows)
        lons, lats = self._to_source.transform(xs, ys, direction="INVERSE")
        return (float(np.min(lats)), float(np.min(lons))), (float(np.max(lats)), float(np.max(lons)))

    @cached_property
    def native_zoom(self) -> int:
        """Smallest zoom level that shows every pixel."""
        if not self.georeferenced:
            return 0
        return max(0, math.ceil(math.log2(self._metres_at_zoom_0 / self.grid.gsd_m) - 0.01))

    @property
    def min_zoom(self) -> int:
        """Zoom level at which the raster is about as large as a tile; farther out there are no tiles."""
        grid = self.grid
        side = max(grid.height, grid.width) / TILE_SIZE
        if not self.georeferenced:
            return min(0, -math.ceil(math.log2(side)))
        return max(0, math.floor(math.log2(self._metres_at_zoom_0 / (side * grid.gsd_m))) - 1)

    @property
    def max_native_zoom(self) -> int:
        """Closest zoom level that there are tiles for."""
        return self.native_zoom + CLOSER

    @property
    def max_zoom(self) -> int:
        """Closest zoom level that makes sense."""
        return self.max_native_zoom + CLOSEST

    @cached_property
    def _metres_at_zoom_0(self) -> float:
        """Width on the ground of a tile pixel of zoom 0, at the latitude of the raster."""
        (south, _), (north, _) = self.bounds
        return 2 * _HALF_EQUATOR / TILE_SIZE * math.cos(math.radians((south + north) / 2))

    def to_json(self) -> dict[str, Any]:
        """What a map needs to know to show the tiles; `metres_per_unit` is None on a Web Mercator map."""
        return {
            "georeferenced": self.georeferenced,
            "crs": "EPSG:3857" if self.georeferenced else "Simple",
            "bounds": [list(corner) for corner in self.bounds],
            "min_zoom": self.min_zoom,
            "native_zoom": self.native_zoom,
            "max_native_zoom": self.max_native_zoom,
            "max_zoom": self.max_zoom,
            "tile_size": TILE_SIZE,
            "metres_per_unit": None if self.georeferenced else self.grid.gsd_m,
        }

    def pixel(self, lat: float, lng: float) -> tuple[int, int] | None:
        """Row and column of the pixel at a point of the map; None outside the raster."""
        if self.georeferenced:
            x, y = self._to_source.transform(lng, lat)
            col, row = ~self.grid.transform @ (x, y)
        else:
            col, row = lng, -lat
        if not (0 <= col < self.grid.width and 0 <= row < self.grid.height):
            return None
        return int(row), int(col)

    def tile_pixels(self, z: int, x: int, y: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the centre of each pixel of a tile lies in the raster.

        Returns:
            Rows and columns with fractions, float64 (256, 256) each: a value of 2.5 is the middle of pixel 2. They may
            lie outside the raster, and are not finite where the CRS ends.
        """
        if not self.georeferenced:
            side = (np.arange(TILE_SIZE) + 0.5) * 2.0**-z
            step = TILE_SIZE * 2.0**-z
            shape = (TILE_SIZE, TILE_SIZE)
            return (
                np.broadcast_to((side + y * step)[:, None], shape),
                np.broadcast_to((side + x * step)[None, :], shape),
            )
        # A tile is so small on the globe that the map from tile to raster is bilinear between a few knots, to far less
        # than a pixel; the exact transformation of 65 536 points would take many times as long.
        knots = np.linspace(0.0, 1.0, _KNOTS)
        lons = (x + knots) / 2.0**z * 360.0 - 180.0
        mercator = math.pi * (1.0 - 2.0 * (y + knots) / 2.0**z)
        lats = np.degrees(np.arctan(np.sinh(mercator)))
        xs, ys = self._to_source.transform(*np.meshgrid(lons, lats))
        cols, rows = _apply(~self.grid.transform, xs, ys)
        return _between_knots(rows), _between_knots(cols)


def _apply(
    transform: Affine, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return transform.a * x + transform.b * y + transform.c, transform.d * x + transform.e * y + transform.f


def _between_knots(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bilinear interpolation from knots (17, 17) to the centres of tile pixels (256, 256)."""
    # Not as a product with a matrix of weights: that wakes the threads of the linear algebra library for nothing.
    position = (np.arange(TILE_SIZE) + 0.5) / TILE_SIZE * (_KNOTS - 1)
    left = position.astype(np.intp)
    share = (position - left)[:, None]
    down = values[left] * (1 - share) + values[left + 1] * share
    across = down.T
    return (across[left] * (1 - share) + across[left + 1] * share).T
