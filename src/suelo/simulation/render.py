"""A window of the world as WorldView-3 numbers and as truth; a pixel's values do not depend on the window."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from suelo.landcover import CLASS_COUNT
from suelo.simulation import drawing as d
from suelo.simulation.drawing import Area, Batch, Drawing
from suelo.simulation.noise import WhiteNoise, smooth_noise
from suelo.simulation.rasterise import fill_areas, fill_convex
from suelo.simulation.world import REACH_M as SHADOW_REACH_M
from suelo.simulation.world import World

FINE = 2
"""Each pixel is drawn as FINE × FINE quarters and averaged, so that edges are mixed pixels."""
_MARGIN = 2
_ROWS = 16
_PSF = np.array([0.11, 0.78, 0.11], np.float32)
MAX_NUMBER = 2047
"""Largest 11-bit number."""


@dataclass(frozen=True)
class _Painted:
    index: NDArray[np.int32]
    shadow: NDArray[np.uint8]
    table: d.Surfaces


class Renderer:
    """Draws windows of one world."""

    def __init__(self, world: World, outline: shapely.Polygon | None = None) -> None:
        """Prepare to draw.

        Args:
            world: What there is to see.
            outline: Convex polygon, in pixels, outside which there is no data; None for data everywhere.
        """
        self.world = world
        self._outline = None if outline is None else shapely.get_coordinates(outline.exterior)[:-1]
        self._white = WhiteNoise(world.seed)

    def image(self, row: int, col: int, height: int, width: int) -> NDArray[np.uint16]:
        """Numbers of a window of pixels, uint16 (8, height, width), 1 to 2047; 0 without data."""
        m = _MARGIN
        r0, c0, h, w = row - m, col - m, height + 2 * m, width + 2 * m
        light = self._light(r0, c0, h, w)
        blurred = _PSF[0] * light[:-2] + _PSF[1] * light[1:-1] + _PSF[2] * light[2:]
        blurred = _PSF[0] * blurred[:, :-2] + _PSF[1] * blurred[:, 1:-1] + _PSF[2] * blurred[:, 2:]
        blurred = np.ascontiguousarray(blurred[m - 1 : m - 1 + height, m - 1 : m - 1 + width].transpose(2, 0, 1))
        radiometry = self.world.climate.radiometry
        y, x = np.arange(row, row + height), np.arange(col, col + width)
        haze = smooth_noise(self.world.seed, 101, y, x, 420.0) * np.float32(0.015)
        numbers = np.empty((8, height, width), np.uint16)
        for band in range(8):
            path, gain = np.float32(radiometry.path[band]), np.float32(radiometry.gain[band])
            value = blurred[band] * gain + path * (1 + haze)
            deviation = np.float32(radiometry.noise) + np.float32(0.004) * value
            value += deviation * self._white.read(band + 1, row, col, height, width)
            np.clip(np.rint(value, out=value), 1, MAX_NUMBER, out=value)
            numbers[band] = value
        numbers *= self._valid(row, col, height, width)
        return numbers

    def truth(self, row: int, col: int, height: int, width: int) -> NDArray[np.bool_]:
        """Truth of a window, bool (10, height, width): a class holds where a pixel's centre is inside an object."""
        planes = np.zeros((CLASS_COUNT, height, width), np.uint8)
        areas: list[list[tuple[d.Shape, int]]] = [[] for _ in range(CLASS_COUNT)]
        parts = self.world.parts(self.world.keys(row, col, height, width))
        for part in parts:
            for a in part.areas:
                if a.class_id and _touches(a, row, col, height, width):
                    areas[a.class_id - 1].append((_moved(a.geometry, row, col, 1), 1))
        for plane, shapes in zip(planes, areas, strict=True):
            fill_areas(plane, shapes)
        for batch in _batches(parts, row, col, height, width, 0.0).values():
            for class_id in np.unique(batch.class_id[batch.class_id > 0]):
                corners = batch.corners[batch.class_id == class_id]
                fill_convex(planes[class_id - 1], corners, np.ones(len(corners), np.uint8))
        planes *= self._valid(row, col, height, width)
        return planes.astype(bool)

    def _valid(self, row: int, col: int, height: int, width: int) -> NDArray[np.uint8]:
        if self._outline is None:
            return np.ones((height, width), np.uint8)
        valid = np.zeros((height, width), np.uint8)
        fill_convex(valid, self._outline[None] - np.array([col, row], float), np.ones(1, np.uint8))
        return valid

    def _light(self, row: int, col: int, height: int, width: int) -> NDArray[np.float32]:
        """Reflectance, with shadow, of a window before the blur: float32 (height, width, 8)."""
        painted = self._paint(row, col, height, width)
        table = painted.table
        sky = self.world.climate.radiometry.sky.astype(np.float32)
        n = len(table)
        first = np.concatenate([table[:, d.A], table[:, d.A] * sky])
        change = np.concatenate([table[:, d.B] - table[:, d.A], (table[:, d.B] - table[:, d.A]) * sky])
        index = painted.index + n * painted.shadow.astype(np.int32)
        parameters = np.ascontiguousarray(table[:, d.MIX :].T)
        seed = self.world.seed
        y, x = np.arange(row, row + height), np.arange(col, col + width)
        metres = self.world.gsd_m
        medium = np.float32(0.6) * smooth_noise(seed, 107, y, x, 2.6 / metres)
        medium += np.float32(0.75) * smooth_noise(seed, 102, y, x, 6.0 / metres)
        medium += smooth_noise(seed, 103, y, x, 15.0 / metres)
        coarse = smooth_noise(seed, 104, y, x, 38.0 / metres)
        coarse += np.float32(0.9) * smooth_noise(seed, 106, y, x, 110.0 / metres)
        broad = 1 + np.float32(0.02) * smooth_noise(seed, 105, y, x, 260.0 / metres)
        white = self._white.read(0, row * FINE, col * FINE, height * FINE, width * FINE)
        second = self._white.read(11, row * FINE, col * FINE, height * FINE, width * FINE)
        total = np.empty((height, width, 8), np.float32)
        # A few rows at a time, so that what is in hand stays in the processor's cache.
        for top in range(0, height, _ROWS):
            rows = np.s_[top : top + _ROWS]
            part = total[rows]
            part[:] = 0
            for a in range(FINE):
                for b in range(FINE):
                    quarter = np.s_[top * FINE + a : (top + _ROWS) * FINE : FINE, b::FINE]
                    values = parameters.take(painted.index[quarter], axis=1)
                    (
                        mix,
                        mix_medium,
                        mix_coarse,
                        mix_fine,
                        light_fine,
                        light_medium,
                        row_mix,
                        row_x,
                        row_y,
                        row_light,
                    ) = values
                    px = (x + np.float32((b + 0.5) / FINE)).astype(np.float32)
                    py = (y[rows] + np.float32((a + 0.5) / FINE)).astype(np.float32)
                    wave = np.sin(row_x * px[None, :] + row_y * py[:, None])
                    share = mix + mix_medium * medium[rows] + mix_coarse * coarse[rows] + mix_fine * second[quarter]
                    share += row_mix * wave
                    np.clip(share, 0, 1, out=share)
                    light = 1 + light_fine * white[quarter] + light_medium * medium[rows] + row_light * wave
                    light *= broad[rows]
                    np.clip(light, 0.35, 1.8, out=light)
                    spectrum = change.take(index[quarter], axis=0)
                    spectrum *= share[..., None]
                    spectrum += first.take(index[quarter], axis=0)
                    spectrum *= light[..., None]
                    part += spectrum
        total *= np.float32(1 / FINE**2)
        return total

    def _paint(self, row: int, col: int, height: int, width: int) -> _Painted:
        """Which surface shows in each quarter of a pixel, and where it is shaded."""
        climate = self.world.climate
        index = np.zeros((height * FINE, width * FINE), np.int32)
        shadow = np.zeros(index.shape, np.uint8)
        tables = [d.surfaces(climate.grass, climate.soil, mix=0.35, medium=0.2, coarse=0.2, light=0.05)]
        count = 1
        cast = -climate.sun * climate.shadow / self.world.gsd_m
        parts = self.world.parts(self.world.keys(row, col, height, width))
        areas: list[list[Area]] = [[] for _ in range(d.LAYERS)]
        for part in parts:
            for a in part.areas:
                if _touches(a, row, col, height, width):
                    areas[a.layer].append(a)
        batches = _batches(parts, row, col, height, width, SHADOW_REACH_M / self.world.gsd_m)
        for layer in range(d.LAYERS):
            start = count
            fill_areas(index, [(_moved(a.geometry, row, col, FINE), count + n) for n, a in enumerate(areas[layer])])
            tables += [a.surface for a in areas[layer]]
            count += len(areas[layer])
            for batch in (batches[key] for key in sorted(batches) if key[0] == layer):
                n = len(batch.corners)
                fill_convex(index, batch.corners * FINE, np.arange(count, count + n, dtype=np.int32))
                tables.append(batch.surfaces)
                count += n
                tall = batch.height > 0
                if tall.any():
                    shade = d.sweep(batch.corners[tall], d.snap(batch.height[tall][:, None] * cast))
                    fill_convex(shadow, shade * FINE, np.ones(len(shade), np.uint8))
            if layer >= d.VEHICLE:
                shadow[index >= start] = 0
        return _Painted(index, shadow, np.concatenate(tables))


def part_objects(part: Drawing, outline: shapely.Polygon) -> list[tuple[int, d.Shape]]:
    """Class and outline, in pixels, of a part's objects, cut at the outline of the scene."""
    classes = [np.array([a.class_id for a in part.areas], np.int64)]
    shapes: list[NDArray[np.object_]] = [np.array([a.geometry for a in part.areas], object)]
    for batch in (batch for several in part.batches.values() for batch in several):
        classes.append(batch.class_id.astype(np.int64))
        shapes.append(np.asarray(shapely.polygons(batch.corners), object))
    ids, geometries = np.concatenate(classes), np.concatenate(shapes)
    shapely.prepare(outline)
    seen = (ids > 0) & shapely.intersects(outline, geometries)
    ids, geometries = ids[seen], geometries[seen]
    cut = ~shapely.contains(outline, geometries)
    geometries[cut] = shapely.intersection(geometries[cut], outline)
    return [
        (int(class_id), piece)
        for class_id, geometry in zip(ids, geometries, strict=True)
        for piece in shapely.get_parts(geometry)
        if piece.geom_type == "Polygon" and piece.area > 0
    ]


def _batches(
    parts: list[Drawing], row: int, col: int, height: int, width: int, reach: float
) -> dict[tuple[int, int], Batch]:
    """All convex polygons near a window, by layer and number of corners, moved into the window's pixels."""
    found: dict[tuple[int, int], list[Batch]] = {}
    for part in parts:
        for key, several in part.batches.items():
            for batch in several:
                low, high = batch.corners.min(1), batch.corners.max(1)
                keep = (high[:, 0] > col - reach) & (low[:, 0] < col + width + reach)
                keep &= (high[:, 1] > row - reach) & (low[:, 1] < row + height + reach)
                found.setdefault(key, []).append(batch.take(keep))
    joined = {key: Batch.joined(batches) for key, batches in found.items()}
    shift = np.array([col, row], float)
    return {key: replace(batch, corners=batch.corners - shift) for key, batch in joined.items()}


def _touches(area: Area, row: int, col: int, height: int, width: int) -> bool:
    x0, y0, x1, y1 = area.geometry.bounds
    return bool(x1 > col and x0 < col + width and y1 > row and y0 < row + height)


def _moved(geometry: d.Shape, row: int, col: int, scale: int) -> d.Shape:
    return shapely.transform(geometry, lambda c: (c - np.array([col, row], float)) * scale)
