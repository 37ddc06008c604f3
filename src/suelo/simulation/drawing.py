"""What is to be drawn: surfaces and shapes in layers, with the class that each shape is the truth of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

GROUND, FIELD, WATER, WAY, MARK, VEHICLE, ROOF, CROWN = range(8)
"""Layers from the lowest to the highest."""
LAYERS = 8

_POLYGON = 3

# Columns of a surface.
A, B = slice(0, 8), slice(8, 16)
MIX, MIX_MEDIUM, MIX_COARSE, MIX_FINE, LIGHT_FINE, LIGHT_MEDIUM, ROW_MIX, ROW_X, ROW_Y, ROW_LIGHT = range(16, 26)
COLUMNS = 26

Shape = BaseGeometry
Surfaces = NDArray[np.float32]
Coordinates = NDArray[np.float64]


def surfaces(
    first: ArrayLike,
    second: ArrayLike | None = None,
    *,
    mix: ArrayLike = 0.0,
    medium: ArrayLike = 0.0,
    coarse: ArrayLike = 0.0,
    fine: ArrayLike = 0.0,
    light: ArrayLike = 0.03,
    light_medium: ArrayLike = 0.03,
    row_mix: ArrayLike = 0.0,
    row_light: ArrayLike = 0.0,
    row_angle: ArrayLike = 0.0,
    row_period: ArrayLike = 1.0,
) -> Surfaces:
    """Surfaces that mix two spectra by noise and rows, with noise in brightness.

    Args:
        first: Reflectance, (8,) or (n, 8).
        second: Reflectance that is mixed in; the first by default.
        mix: Mean share of the second spectrum.
        medium: Amplitude of the share's noise at some ten metres.
        coarse: Amplitude of the share's noise at some sixty metres.
        fine: Amplitude of the share's noise from sub-pixel to sub-pixel.
        light: Relative amplitude of fine brightness noise.
        light_medium: Relative amplitude of brightness noise at some ten metres.
        row_mix: Amplitude of the share over the rows of a field.
        row_light: Relative amplitude of brightness over the rows.
        row_angle: Direction across the rows in radians.
        row_period: Distance of rows in pixels.

    Returns:
        float32 (n, COLUMNS).
    """
    one = np.atleast_2d(np.asarray(first, float))
    two = one if second is None else np.atleast_2d(np.asarray(second, float))
    wave = 2 * np.pi / np.asarray(row_period, float)
    angle = np.asarray(row_angle, float)
    wave_x, wave_y = wave * np.cos(angle), wave * np.sin(angle)
    values = (mix, medium, coarse, fine, light, light_medium, row_mix, wave_x, wave_y, row_light)
    sizes = (one.shape[0], two.shape[0], *(np.size(v) for v in values))
    n = max(sizes) if min(sizes) else 0
    result = np.empty((n, COLUMNS), np.float32)
    result[:, A], result[:, B] = one, two
    for column, value in enumerate(values, start=MIX):
        result[:, column] = value
    return result


@dataclass(frozen=True)
class Batch:
    """Convex polygons with the same number of corners in one layer.

    Attributes:
        corners: (n, k, 2), x and y in metres at first, in pixels when finished.
        surfaces: (n, COLUMNS).
        class_id: Class that each is the truth of, 0 for none, (n,).
        height: Height above the ground in metres, for shadows, (n,); 0 for flat things.
    """

    corners: Coordinates
    surfaces: Surfaces
    class_id: NDArray[np.uint8]
    height: NDArray[np.float32]

    def take(self, keep: NDArray[np.bool_]) -> Batch:
        """Those polygons that are marked True."""
        return Batch(self.corners[keep], self.surfaces[keep], self.class_id[keep], self.height[keep])

    @staticmethod
    def joined(batches: Sequence[Batch]) -> Batch:
        """Several batches in one, in order."""
        return Batch(
            np.concatenate([b.corners for b in batches]),
            np.concatenate([b.surfaces for b in batches]),
            np.concatenate([b.class_id for b in batches]),
            np.concatenate([b.height for b in batches]),
        )


@dataclass(frozen=True)
class Area:
    """One polygon of any shape, holes allowed; fields as in `Batch`."""

    layer: int
    geometry: Shape
    surface: Surfaces
    class_id: int


@dataclass
class Drawing:
    """The shapes of one part of the world.

    Within a layer, areas are drawn first, then convex polygons by number of corners, each in the order of adding.
    """

    areas: list[Area] = field(default_factory=list)
    batches: dict[tuple[int, int], list[Batch]] = field(default_factory=dict)

    def area(self, layer: int, geometry: Shape, surface: Surfaces, class_id: int = 0) -> None:
        """Add a polygon or multipolygon; nothing if it is empty."""
        parts = shapely.get_parts(geometry)
        for part in parts[(shapely.get_type_id(parts) == _POLYGON) & (shapely.area(parts) > 2.0)]:
            self.areas.append(Area(layer, part, surface, class_id))

    def convex(
        self, layer: int, corners: Coordinates, surface: Surfaces, class_id: int = 0, height: ArrayLike = 0.0
    ) -> None:
        """Add convex polygons (n, k, 2); one surface or n of them; heights for shadows."""
        n = len(corners)
        if n == 0:
            return
        if len(surface) != n:
            surface = np.repeat(surface, n, axis=0)
        heights = np.broadcast_to(np.asarray(height, np.float32), (n,))
        batch = Batch(corners, surface, np.full(n, class_id, np.uint8), heights)
        self.batches.setdefault((layer, corners.shape[1]), []).append(batch)

    def finish(self, gsd_m: float) -> Drawing:
        """This drawing in pixels, on the grid of positions that makes drawing independent of windows."""
        areas = []
        for a in self.areas:
            geometry = shapely.transform(a.geometry, lambda c: snap(c / gsd_m))
            if not geometry.is_valid:
                geometry = geometry.buffer(0)
            areas += [
                Area(a.layer, part, a.surface, a.class_id)
                for part in shapely.get_parts(geometry)
                if part.geom_type == "Polygon" and part.area > 0
            ]
        batches = {}
        for key, several in self.batches.items():
            one = Batch.joined(several)
            batches[key] = [replace(one, corners=snap(one.corners / gsd_m))]
        return Drawing(areas, batches)


def snap(pixels: Coordinates) -> Coordinates:
    """Positions moved to odd multiples of 1/512 pixel.

    So no corner lies level with the centre of a pixel or of a quarter of one, and shifting a polygon by whole pixels
    is exact in floating point: whichever window it is drawn in, it covers the same pixels.
    """
    return (np.round(pixels * 256 - 0.5) + 0.5) / 256


def rectangles(centre: Coordinates, angle: ArrayLike, length: ArrayLike, width: ArrayLike) -> Coordinates:
    """Corners of rectangles, (n, 4, 2), with `length` along `angle` (radians, from x towards y)."""
    centre = np.atleast_2d(centre)
    n = len(centre)
    along = np.stack(np.broadcast_arrays(np.cos(angle), np.sin(angle)), -1).reshape(-1, 2) * np.ones((n, 1))
    across = np.stack([-along[:, 1], along[:, 0]], -1)
    u = along * (np.broadcast_to(np.asarray(length, float), (n,)) / 2)[:, None]
    v = across * (np.broadcast_to(np.asarray(width, float), (n,)) / 2)[:, None]
    return np.stack([centre - u - v, centre + u - v, centre + u + v, centre - u + v], 1)


def rounds(centre: Coordinates, radius: ArrayLike, rng: np.random.Generator, corners: int = 10) -> Coordinates:
    """Slightly irregular convex round shapes, (n, corners, 2)."""
    centre = np.atleast_2d(centre)
    n = len(centre)
    turn = np.arange(corners) * (2 * np.pi / corners) + rng.uniform(0, 2 * np.pi, (n, 1))
    r = np.broadcast_to(np.asarray(radius, float), (n,))[:, None] * rng.uniform(0.93, 1.05, (n, corners))
    return centre[:, None, :] + np.stack([r * np.cos(turn), r * np.sin(turn)], -1)


def sweep(corners: Coordinates, shift: Coordinates) -> Coordinates:
    """Convex hulls of convex polygons (n, k, 2) and their copies moved by `shift` (n, 2): (n, 2k, 2)."""
    following = np.roll(corners, -1, axis=1)
    edge = following - corners
    turn = np.sign(np.sum(corners[..., 0] * following[..., 1] - following[..., 0] * corners[..., 1], axis=1))
    facing = turn[:, None] * (edge[..., 1] * shift[:, None, 0] - edge[..., 0] * shift[:, None, 1]) > 0
    before = np.roll(facing, 1, axis=1)
    moved = corners + shift[:, None, :]
    doubled = np.stack(
        [np.where(before[..., None], moved, corners), np.where(facing[..., None], moved, corners)], axis=2
    )
    return doubled.reshape(len(corners), -1, 2)
