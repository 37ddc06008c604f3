"""Where coordinates of a CRS lie on the Earth, and how many metres they are apart there."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rasterio.crs import CRS

if TYPE_CHECKING:
    from pyproj import Transformer


def longitudes_latitudes(crs: CRS, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude, on the datum of the CRS itself.

    Args:
        crs: A projected or geographic CRS.
        x: Coordinates of any shape.
        y: The same number.

    Returns:
        Radians, float64 of that shape; not finite where the CRS ends.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if crs.is_geographic:
        return x * crs.units_factor[1], y * crs.units_factor[1]
    transformer, radians = _to_geographic(crs.to_wkt())
    longitude, latitude = transformer.transform(x, y)
    return np.asarray(longitude) * radians, np.asarray(latitude) * radians


def east_north_m(
    crs: CRS, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Metres to the east and to the north from one point to another that is close to it.

    The ellipsoid has the radii of curvature M in the meridian and N in the prime vertical (Snyder 1987, Map
    Projections: A Working Manual, equations 4-18 to 4-20).

    Args:
        crs: Its ellipsoid is the Earth.
        longitude: Radians (2, ...): of the first points and of the second ones.
        latitude: The same for the latitude.

    Returns:
        Metres, float64 (...).
    """
    radius, eccentricity2 = ellipsoid(crs.to_wkt())
    middle = latitude.mean(axis=0)
    root = np.sqrt(1 - eccentricity2 * np.sin(middle) ** 2)
    across = (longitude[1] - longitude[0] + np.pi) % (2 * np.pi) - np.pi  # the short way round the Earth
    east: NDArray[np.float64] = across * np.cos(middle) * radius / root
    north: NDArray[np.float64] = (latitude[1] - latitude[0]) * radius * (1 - eccentricity2) / root**3
    return east, north


@lru_cache(maxsize=64)
def ellipsoid(wkt: str) -> tuple[float, float]:
    """Semi-major axis in metres and squared eccentricity of the ellipsoid of a CRS; WGS 84 where it has none."""
    from pyproj import CRS as ProjCRS
    from pyproj import Geod

    geod = ProjCRS.from_wkt(wkt).get_geod() or Geod(ellps="WGS84")
    return float(geod.a), float(geod.es)


@lru_cache(maxsize=64)
def _to_geographic(wkt: str) -> tuple[Transformer, float]:
    """The way to longitude and latitude on the same datum, which needs no grid of shifts, and radians in their unit."""
    from pyproj import CRS as ProjCRS
    from pyproj import Transformer

    projected = ProjCRS.from_wkt(wkt)
    geographic = projected.geodetic_crs or ProjCRS.from_epsg(4326)
    return (
        Transformer.from_crs(projected, geographic, always_xy=True),
        geographic.axis_info[0].unit_conversion_factor,
    )
