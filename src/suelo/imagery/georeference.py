"""Where an image lies on the ground, as far as its georeference makes sense."""

from __future__ import annotations

import math

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.io import DatasetReader

from suelo.errors import ImageError
from suelo.imagery.grid import Grid
from suelo.imagery.ground import longitudes_latitudes

MIN_GSD_M = 0.01
MAX_GSD_M = 100.0


def georeference(image: DatasetReader) -> tuple[CRS | None, Affine]:
    """CRS and affine transform of an image.

    An image that lacks either, or whose CRS is local or geocentric, has neither: pixel coordinates serve it better.

    Raises:
        ImageError: The georeference lies outside the Earth or gives pixels of an absurd size: a wrong CRS, which would
            make every area wrong.
    """
    crs, transform = image.crs, image.transform
    known = crs is not None and (crs.is_projected or crs.is_geographic)
    if not known or transform.is_identity or not all(map(math.isfinite, transform)) or transform.determinant == 0:
        return None, Affine.identity()
    grid = Grid(image.height, image.width, transform, crs)
    if crs.is_geographic:
        _, south, _, north = grid.bounds
        right_angle = math.pi / 2 / crs.units_factor[1]
        if max(-south, north) > right_angle * 1.001:
            raise ImageError(
                f"The georeference puts this image at latitudes {south:.6g} to {north:.6g}, outside the Earth; "
                "Suelo needs the right CRS, or none."
            )
    elif not _on_earth(grid):
        raise ImageError(
            "The georeference puts this image outside the Earth: its corners have no longitude and latitude; "
            "Suelo needs the right CRS, or none."
        )
    if not MIN_GSD_M <= grid.gsd_m <= MAX_GSD_M:
        found = np.format_float_positional(grid.gsd_m, precision=3, fractional=False, trim="-")
        raise ImageError(
            f"The georeference gives pixels of {found} m; Suelo needs {MIN_GSD_M:g} to {MAX_GSD_M:g} m, or an "
            "image without CRS."
        )
    return crs, transform


def _on_earth(grid: Grid) -> bool:
    """Whether the corners of an image in a projected CRS have a longitude and a latitude."""
    assert grid.crs is not None
    corners = [grid.transform @ (column, row) for column in (0, grid.width) for row in (0, grid.height)]
    longitudes, latitudes = longitudes_latitudes(grid.crs, *zip(*corners, strict=True))
    return bool(np.isfinite(longitudes).all() and (np.abs(latitudes) <= math.pi / 2 * 1.001).all())
