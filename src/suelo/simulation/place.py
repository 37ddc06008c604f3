"""Where on Earth a made-up scene lies: its grid in any coordinate reference system."""

from __future__ import annotations

import numpy as np
from affine import Affine
from pyproj import CRS as ProjCRS
from pyproj import Transformer
from pyproj.exceptions import ProjError
from rasterio.crs import CRS
from rasterio.errors import CRSError

from suelo.errors import InputError
from suelo.imagery.grid import Grid

_SAVANNA = (-74.215, 4.765)
"""Longitude and latitude on the savanna of Bogotá, west of the city."""


def scene_grid(height: int, width: int, crs: str | None, gsd_m: float) -> Grid:
    """The grid of a scene, north up, with its upper left corner on the savanna of Bogotá.

    A CRS whose area of use is elsewhere has the corner in the middle of that area.

    Args:
        height: Rows.
        width: Columns.
        crs: Any text that PROJ reads as a CRS, or None for pixel coordinates.
        gsd_m: Side of a pixel in metres on the ground.

    Raises:
        InputError: The CRS is unknown or has no units of length or angle on the ground.
    """
    if crs is None:
        return Grid(height, width, pixel_gsd_m=gsd_m)
    try:
        target = CRS.from_user_input(crs)
        proj = ProjCRS.from_user_input(crs)
        lon, lat = _SAVANNA
        area = proj.area_of_use
        if area is not None and not (area.west <= lon <= area.east and area.south <= lat <= area.north):
            lon, lat = (area.west + area.east) / 2, (area.south + area.north) / 2
        to_crs = Transformer.from_crs("EPSG:4326", proj, always_xy=True)
        x, y = to_crs.transform(lon, lat)
        if target.is_projected:
            step_x = step_y = gsd_m / target.linear_units_factor[1]
        else:
            # Metres in a degree of longitude at the equator, and of latitude near it.
            step_x, step_y = gsd_m / (111_320.0 * np.cos(np.radians(lat))), gsd_m / 110_580.0
    except (CRSError, ProjError) as error:
        raise InputError(f"The coordinate reference system {crs!r} cannot be used: {error}.") from None
    if not np.isfinite([x, y]).all():
        raise InputError(f"The coordinate reference system {crs!r} has no coordinates at the scene's place.")
    if target.is_projected:
        x, y = round(x / 10) * 10.0, round(y / 10) * 10.0
    return Grid(height, width, Affine(step_x, 0.0, float(x), 0.0, -step_y, float(y)), target, gsd_m)
