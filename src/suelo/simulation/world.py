"""The world of one scene: districts, lines and river pieces, made when they are needed, each a function of the seed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

import numpy as np
import shapely
from numpy.typing import NDArray

from suelo.simulation import industry, nature, rural, urban
from suelo.simulation.climate import Climate, draw_climate
from suelo.simulation.drawing import GROUND, MARK, WATER, WAY, Drawing, Shape, rectangles, surfaces
from suelo.simulation.layout import BANK_M, Layout, Line, meets
from suelo.simulation.noise import generator
from suelo.simulation.plots import ROAD, TRACK, TREES, WATERWAY, Plot, park, plant, road_spectrum
from suelo.simulation.spectra import reflectance

REACH_M = 45.0
"""How far a shape or its shadow may reach beyond the district, line or river piece that it belongs to."""

_DISTRICTS: dict[str, Callable[[Plot], None]] = {
    "dense": urban.dense,
    "suburb": urban.suburb,
    "industrial": industry.industrial,
    "park": nature.park_district,
    "crops": rural.crops,
    "village": rural.village,
    "savanna": nature.savanna,
    "forest": nature.forest,
    "paddock": nature.paddock,
}
Key = tuple[int, ...]


class World:
    """All that can be seen of a seed's world; parts are kept while they are likely to be needed again."""

    def __init__(self, seed: int, style: str, gsd_m: float, keep: int = 400) -> None:
        """Open the world.

        Args:
            seed: Seed of the scene.
            style: A key of `layout.STYLES`.
            gsd_m: Ground sampling distance in metres.
            keep: Number of parts that are kept in memory; may be changed later.
        """
        self.seed, self.style, self.gsd_m = seed, style, gsd_m
        self.layout = Layout(seed, style)
        self.climate: Climate = draw_climate(generator(seed, 2))
        self.keep = keep
        self._parts: OrderedDict[Key, Drawing] = OrderedDict()

    def keys(self, row: int, col: int, height: int, width: int) -> list[Key]:
        """Names of the parts that may show in a window of pixels, in drawing order."""
        box = np.array([col, row, col + width, row + height]) * self.gsd_m + np.array([-1, -1, 1, 1]) * REACH_M
        keys: list[Key] = [(0, *piece) for piece in self.layout.river_pieces(box)]
        for i, j in self.layout.cells(box):
            if meets(shapely.get_coordinates(self.layout.outline(i, j)), box):
                keys.append((1, i, j))
            keys += [(2, i, j, axis) for axis in (0, 1) if meets(self.layout.path(i, j, axis), box)]
        return sorted(keys)

    def parts(self, keys: Iterable[Key]) -> list[Drawing]:
        """Parts by name, in pixels."""
        return [self._part(key) for key in keys]

    def _part(self, key: Key) -> Drawing:
        if key in self._parts:
            self._parts.move_to_end(key)
            return self._parts[key]
        make = (self._river, self._district, self._edge)[key[0]]
        drawing = make(*key[1:]).finish(self.gsd_m)
        self._parts[key] = drawing
        while len(self._parts) > self.keep:
            self._parts.popitem(last=False)
        return drawing

    def _water_near(self, box: tuple[float, float, float, float]) -> Shape:
        """Rivers and their banks near a box."""
        rings = [self.layout.river(k, n).ring(BANK_M) for k, n in self.layout.river_pieces(np.array(box))]
        return shapely.union_all([shapely.Polygon(ring).buffer(0) for ring in rings])

    def _district(self, i: int, j: int) -> Drawing:
        layout = self.layout
        outline = layout.outline(i, j).buffer(0)
        beds = [
            shapely.LineString(line.path).buffer(line.width / 2 + (2.0 if line.kind in ("highway", "street") else 1.2))
            for line in (layout.line(i, j, 0), layout.line(i, j, 1), layout.line(i, j + 1, 0), layout.line(i + 1, j, 1))
            if line.kind != "none"
        ]
        inside = shapely.difference(outline, shapely.union_all(beds))
        parts = shapely.get_parts(inside)
        inside = parts[np.argmax(shapely.area(parts))]
        blocked = self._water_near(inside.bounds)
        rng = generator(self.seed, 3, i, j)
        plot = Plot(rng, self.climate, inside, layout.corners(i, j), blocked)
        _DISTRICTS[layout.district(i, j)](plot)
        return plot.drawing

    def _edge(self, i: int, j: int, axis: int) -> Drawing:
        line = self.layout.line(i, j, axis)
        rng = generator(self.seed, 4, i, j, axis)
        drawing = Drawing()
        path = shapely.LineString(line.path)
        bed = path.buffer(line.width / 2, quad_segs=4)
        climate = self.climate
        if line.kind in ("highway", "street"):
            verge = surfaces(climate.soil_light, reflectance("paving"), mix=0.5, medium=0.2, light=0.05)
            drawing.area(GROUND, path.buffer(line.width / 2 + 2.2), verge)
            drawing.area(WAY, bed, surfaces(road_spectrum(rng), light=0.04, light_medium=0.05), ROAD)
            self._traffic(drawing, rng, line)
        elif line.kind == "track":
            drawing.area(
                GROUND, path.buffer(line.width / 2 + 2), surfaces(climate.grass, climate.soil, mix=0.4, medium=0.3)
            )
            dirt = surfaces(climate.soil_light, climate.soil, mix=0.15, medium=0.15, light=0.05)
            drawing.area(WAY, bed, dirt, TRACK)
        elif line.kind == "canal":
            drawing.area(
                GROUND, path.buffer(line.width / 2 + 3), surfaces(climate.grass, climate.soil, mix=0.35, medium=0.3)
            )
            water = 0.5 * reflectance("water") + 0.5 * reflectance("turbid")
            drawing.area(WATER, path.buffer(line.width / 2, cap_style="flat"), surfaces(water, light=0.04), WATERWAY)
        elif line.kind == "hedge":
            t = rng.random(int(path.length / 3.2))
            at = np.array([p.coords[0] for p in shapely.line_interpolate_point(path, t, normalized=True)]).reshape(
                -1, 2
            )
            plant(drawing, climate, rng, at + rng.normal(0, 0.9, at.shape), rng.uniform(1.4, 3.4, len(at)), TREES)
        return drawing

    def _traffic(self, drawing: Drawing, rng: np.random.Generator, line: Line) -> None:
        """Lane marks, vehicles on their side of the road, a row of street trees."""
        path = shapely.LineString(line.path)

        def along(
            distance: NDArray[np.float64],
        ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
            here = shapely.get_coordinates(shapely.line_interpolate_point(path, distance))
            ahead = shapely.get_coordinates(shapely.line_interpolate_point(path, np.minimum(distance + 1, path.length)))
            back = shapely.get_coordinates(shapely.line_interpolate_point(path, np.maximum(distance - 1, 0)))
            heading = ahead - back
            angle = np.arctan2(heading[:, 1], heading[:, 0])
            return here, angle, np.stack([-np.sin(angle), np.cos(angle)], -1)

        white = surfaces(reflectance("concrete") * 1.1)
        clear = line.width / 2 + 3
        if line.kind == "highway":
            at, angle, across = along(np.arange(clear, path.length - clear, 9.0))
            for lane in (-0.25, 0.0, 0.25) if line.width > 12 else (0.0,):
                length = 9.2 if lane == 0 else 3.6
                drawing.convex(MARK, rectangles(at + across * lane * line.width, angle, length, 0.4), white)
        busy = rng.uniform(22, 80) if line.kind == "highway" else rng.uniform(35, 120)
        slots = np.arange(8.0, path.length - 8.0, 16.0)
        for lane in (-0.37, -0.13, 0.13, 0.37) if line.width > 12 else (-0.25, 0.25):
            used = slots[rng.random(slots.size) < 16.0 / busy / (2 if line.width > 12 else 1)]
            at, angle, across = along(used + rng.uniform(-2, 2, used.size))
            large = rng.random(used.size) < 0.17
            at = at + across * (lane * line.width)
            park(drawing, self.climate, rng, at[~large], angle[~large], large=False)
            park(drawing, self.climate, rng, at[large], angle[large], large=True)
        if rng.random() < 0.45:
            spacing = rng.uniform(8, 18)
            water = self._water_near(path.buffer(line.width).bounds)
            for side in (-1, 1):
                slots = np.arange(clear, path.length - clear, spacing)
                slots = slots[rng.random(slots.size) < 0.8]
                at, angle, across = along(slots + rng.normal(0, 0.8, slots.size))
                at = at + across * (side * (line.width / 2 + 1.9))
                at = at[~shapely.contains_xy(water, at[:, 0], at[:, 1])]
                plant(drawing, self.climate, rng, at, rng.uniform(1.4, 3.0, len(at)), TREES)

    def _river(self, k: int, n: int) -> Drawing:
        layout, climate = self.layout, self.climate
        drawing = Drawing()
        river = layout.river(k, n)
        water = shapely.Polygon(river.ring()).buffer(0)
        turbid = river.turbid
        spectrum = (1 - turbid) * reflectance("water") + turbid * reflectance("turbid")
        roads = []
        for i, j in layout.cells(np.array(water.bounds)):
            for axis in (0, 1):
                line = layout.line(i, j, axis)
                if line.kind in ("highway", "street", "track"):
                    roads.append(shapely.LineString(line.path).buffer(line.width / 2, quad_segs=4))
        seen = water.difference(shapely.union_all(roads)) if roads else water
        bank = shapely.Polygon(river.ring(BANK_M - 1)).buffer(0)
        drawing.area(
            WATER, bank, surfaces(climate.grass * 0.9, climate.soil, mix=0.4, medium=0.4, coarse=0.2, light=0.06)
        )
        still = surfaces(spectrum, spectrum * 1.2, mix=0.5, coarse=0.3, light=0.04, light_medium=0.03)
        drawing.area(WATER, seen, still, WATERWAY)
        # Trees in clumps on both banks, away from bridges.
        rng = generator(self.seed, 5, k, n)
        ring = shapely.LinearRing(river.ring(2.5))
        start = rng.random(int(rng.integers(2, 9)))[:, None] + rng.normal(0, 0.012, (1, 12))
        at = shapely.get_coordinates(shapely.line_interpolate_point(ring, start.ravel() % 1, normalized=True))
        at = at + rng.normal(0, 1.2, at.shape)
        wet = shapely.union_all([seen, *(road.buffer(4) for road in roads)])
        at = at[~shapely.contains_xy(wet, at[:, 0], at[:, 1])]
        plant(drawing, climate, rng, at, rng.uniform(1.5, 4.0, len(at)), TREES)
        return drawing
