"""Polygons that cross the antimeridian or hold a pole: in parts that end at 180 degrees, as RFC 7946 (3.1.9) asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.grid import Grid

if TYPE_CHECKING:
    from shapely import Geometry, Polygon

_POINTS = 33
"""Points along each side of a grid that are looked at."""

_POLE = 90 - 1e-9
_DECIMALS = 9


def may_be_crossed(grid: Grid, to_lonlat: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> bool:
    """Whether a scene reaches beyond 180 degrees, or has both sides of it.

    Args:
        grid: The scene, with a CRS.
        to_lonlat: Coordinates of its CRS (N, 2) to degrees.
    """
    columns, rows = np.meshgrid(np.linspace(0, grid.width, _POINTS), np.linspace(0, grid.height, _POINTS))
    a, b, c, d, e, f = grid.transform[:6]
    points = np.stack([a * columns + b * rows + c, d * columns + e * rows + f], axis=-1).reshape(-1, 2)
    longitudes = to_lonlat(points)[:, 0]
    west, east = longitudes.min(), longitudes.max()
    return bool(east - west > 180 or west < -180 or east > 180)


def cut(polygon: Polygon) -> Geometry:
    """A polygon within -180 to 180 degrees.

    Args:
        polygon: Longitudes and latitudes in degrees. A side that is longer than 180 degrees goes the other way round
            the Earth; a ring that goes round it holds the nearer pole.

    Returns:
        The polygon itself, one turned by whole circles, or a multipolygon of what lies on both sides of 180 degrees.
    """
    import shapely
    from shapely.geometry.polygon import orient

    west, south, east, north = polygon.bounds
    turns = -360 * np.floor((west + 180) / 360)
    if east - west <= 180 and east + turns <= 180 and max(-south, north) < _POLE:
        return _moved(polygon, turns) if turns else polygon
    holes = [_wrapped(shapely.get_coordinates(ring)) for ring in polygon.interiors]
    area = shapely.difference(_wrapped(shapely.get_coordinates(polygon.exterior)), shapely.union_all(holes))
    parts = [orient(part) for part in _polygons(_moved(area, 0))]
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)


def _moved(geometry: Geometry, degrees: float) -> Geometry:
    import shapely

    return shapely.transform(geometry, lambda points: np.add(points, (degrees, 0)).round(_DECIMALS))


def _wrapped(ring: NDArray[np.float64]) -> Geometry:
    """What a closed ring (N, 2) holds, within -180 to 180 degrees."""
    import shapely

    ring = _without_poles(ring)
    longitudes = np.unwrap(ring[:, 0], period=360)
    ring = np.stack([longitudes, ring[:, 1]], axis=1)
    if abs(longitudes[-1] - longitudes[0]) > 180:
        pole = np.copysign(90.0, ring[:, 1].mean())
        ring = np.concatenate([ring, [(longitudes[-1], pole), (longitudes[0], pole)], ring[:1]])
    # A pole that is a corner of the ring makes it run along its own edge.
    inside: Geometry = shapely.make_valid(shapely.Polygon(ring))
    first, last = (int(np.floor((x + 180) / 360)) for x in (longitudes.min(), longitudes.max()))
    parts: list[Polygon] = []
    for turn in range(first, last + 1):
        window = shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90)
        parts += _polygons(_moved(shapely.intersection(inside, window), -360 * turn))
    return shapely.union_all(parts)


def _without_poles(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """A pole has every longitude: a corner there becomes two, with those of its neighbours."""
    if not (np.abs(ring[:, 1]) >= _POLE).any():
        return ring
    corners: list[tuple[float, float]] = []
    for before, (longitude, latitude), after in zip(
        np.roll(ring[:-1], 1, axis=0), ring[:-1], np.roll(ring[:-1], -1, axis=0), strict=True
    ):
        if abs(latitude) < _POLE:
            corners.append((longitude, latitude))
        else:
            corners += [(before[0], latitude), (after[0], latitude)]
    return np.array([*corners, corners[0]])


def _polygons(geometry: Geometry) -> Iterator[Polygon]:
    import shapely

    for part in shapely.get_parts(geometry):
        if part.geom_type == "Polygon" and not part.is_empty:
            yield part
        elif part.geom_type in {"MultiPolygon", "GeometryCollection"}:
            yield from _polygons(part)
