"""Open land that is not cropped: savanna, forest, pasture, parks, and standing water."""

from __future__ import annotations

import numpy as np
import shapely

from suelo.simulation.drawing import (
    CROWN,
    FIELD,
    GROUND,
    WATER,
    WAY,
    Coordinates,
    rectangles,
    surfaces,
)
from suelo.simulation.plots import (
    STANDING,
    TRACK,
    TREES,
    Plot,
    plant,
    quad,
    sides,
)
from suelo.simulation.spectra import reflectance


def meadow(plot: Plot, bare: float) -> None:
    """Grass with bare patches as the ground of a district."""
    plot.drawing.area(
        GROUND,
        plot.outline,
        surfaces(
            plot.climate.grass,
            plot.climate.soil,
            mix=bare,
            medium=0.13,
            coarse=0.16,
            fine=0.10,
            light=0.07,
            light_medium=0.05,
        ),
    )


def savanna(plot: Plot) -> None:
    """Grass with bare patches, scattered trees, thickets, a footpath, a water hole."""
    rng = plot.rng
    meadow(plot, float(rng.uniform(0.2, 0.6)))
    if rng.random() < 0.55:
        pond(plot, quad(plot.corners, rng.uniform(0.25, 0.75), rng.uniform(0.25, 0.75)), rng.uniform(10, 38))
    _footpath(plot)
    at = plot.scatter(int(plot.outline.area / rng.uniform(250, 900)))
    plot.trees(at, np.clip(rng.lognormal(0.9, 0.4, len(at)), 1.2, 6.5))
    for _ in range(int(rng.integers(1, 6))):
        middle = quad(plot.corners, rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9))
        at = middle + rng.normal(0, rng.uniform(6, 22), (int(rng.integers(15, 70)), 2))
        at = at[shapely.contains_xy(plot.outline, at[:, 0], at[:, 1])]
        plot.trees(at, rng.uniform(1.5, 4.0, len(at)))


def forest(plot: Plot) -> None:
    """A closed stand with a ragged edge, labelled as a whole, crown beside crown, and clearings."""
    rng, climate = plot.rng, plot.climate
    meadow(plot, 0.2)
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    middle = quad(plot.corners, rng.uniform(0.35, 0.65), rng.uniform(0.35, 0.65))
    waves = sum(rng.normal(0, 0.30 / k**0.8) * np.cos(k * turn + rng.uniform(0, 6.3)) for k in range(2, 22))
    r = rng.uniform(0.38, 0.62) * min(sides(plot.corners)) * np.maximum(1 + waves, 0.15)
    ring = middle + np.stack([r * np.cos(turn), r * np.sin(turn)], -1)
    stand = plot.dry(shapely.Polygon(ring).buffer(0))
    for _ in range(int(rng.integers(0, 3))):
        hole = shapely.Point(quad(plot.corners, rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8))).buffer(
            rng.uniform(8, 25), 3
        )
        stand = stand.difference(hole)
    dark = surfaces(climate.tree * 0.55, climate.tree, mix=0.3, medium=0.3, coarse=0.2, light=0.15)
    plot.drawing.area(CROWN, stand, dark, TREES)
    at = plot.scatter(int(plot.outline.area / 26))
    shapely.prepare(stand)
    inside = shapely.contains_xy(stand.buffer(-1.5), at[:, 0], at[:, 1])
    plant(plot.drawing, climate, rng, at[inside], rng.uniform(1.8, 4.2, int(inside.sum())), 0)
    at = plot.scatter(int(rng.integers(30, 160)))
    plot.trees(at, rng.uniform(1.5, 4.0, len(at)))


def paddock(plot: Plot) -> None:
    """Pasture in a few enclosures with hedges, a pond, a farm with barns."""
    rng, climate = plot.rng, plot.climate
    meadow(plot, 0.12)
    pond(plot, quad(plot.corners, rng.uniform(0.25, 0.75), rng.uniform(0.25, 0.75)), rng.uniform(14, 45))
    cut = rng.uniform(0.35, 0.65, 2)
    for k in range(2):
        n = 70
        t = rng.random(n)
        at = quad(plot.corners, t, cut[0]) if k == 0 else quad(plot.corners, cut[1], t)
        at = at + rng.normal(0, 0.7, at.shape)
        at = at[shapely.contains_xy(plot.outline, at[:, 0], at[:, 1])]
        plot.trees(at, rng.uniform(1.3, 3.2, len(at)))
    if rng.random() < 0.6:
        n = int(rng.integers(2, 6))
        middle = quad(plot.corners, rng.uniform(0.12, 0.3), rng.uniform(0.12, 0.3))
        angle = float(rng.uniform(0, 3.1))
        yard = rectangles(middle, angle, 62, 50)
        if plot.free(yard)[0]:
            plot.drawing.convex(
                FIELD, yard, surfaces(climate.soil_light, climate.grass, mix=0.25, medium=0.3, light=0.05)
            )
            slot = rng.permutation(6)[:n]
            at = quad(yard[0], (slot % 3 + 0.5) / 3, (slot // 3 + 0.5) / 2)
            spectra = climate.roof_surfaces(rng, n, {"rust": 1.0, "metal": 1.0, "clay": 1.0, "fibre": 1.0})
            plot.roofs(
                at,
                np.full(n, angle),
                rng.uniform(10, 17, n),
                rng.uniform(8, 13, n),
                spectra,
                np.full(n, 5.0),
                np.ones(n, bool),
            )
    _footpath(plot)
    at = plot.scatter(int(rng.integers(5, 25)))
    plot.trees(at, rng.uniform(2.0, 5.5, len(at)))


def park_district(plot: Plot) -> None:
    """A park: lawns, groves, footpaths, a lake, a sports ground."""
    rng, climate = plot.rng, plot.climate
    lawn = 0.4 * climate.grass + 0.6 * reflectance("lawn")
    plot.drawing.area(GROUND, plot.outline, surfaces(lawn, climate.grass, mix=0.4, medium=0.4, coarse=0.3, light=0.05))
    lake = quad(plot.corners, rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7))
    pond(plot, lake, rng.uniform(18, 45))
    for _ in range(2):
        t = np.linspace(-0.05, 1.05, 12)
        bend = 0.5 + 0.35 * np.sin(t * rng.uniform(2, 6) + rng.uniform(0, 6))
        path = quad(plot.corners, t, bend) if rng.random() < 0.5 else quad(plot.corners, bend, t)

        bed = plot.dry(shapely.LineString(path).buffer(1.5))
        plot.drawing.area(WAY, bed, surfaces(climate.soil_light, light=0.05), TRACK)
    at = plot.scatter(int(plot.outline.area / 220))
    plot.trees(at, rng.uniform(1.8, 5.5, len(at)))


def _footpath(plot: Plot) -> None:
    rng = plot.rng
    t = np.linspace(-0.05, 1.05, 20)
    bend = rng.uniform(0.3, 0.7) + 0.12 * np.sin(t * rng.uniform(3, 9) + rng.uniform(0, 6))
    path = quad(plot.corners, t, bend) if rng.random() < 0.5 else quad(plot.corners, bend, t)
    bed = plot.dry(shapely.LineString(path).buffer(rng.uniform(1.3, 2.0)))
    soil = surfaces(plot.climate.soil_light, plot.climate.soil, mix=0.2, medium=0.2, light=0.05)
    plot.drawing.area(WAY, bed, soil, TRACK)


def pond(plot: Plot, centre: Coordinates, radius: float) -> None:
    """A pond or lake with an irregular shore; nothing stands in it afterwards."""
    rng = plot.rng
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    r = radius * (1 + sum(rng.normal(0, 0.22 / k) * np.cos(k * turn + rng.uniform(0, 6.3)) for k in (2, 3, 4, 5, 6)))
    r = np.maximum(r, radius * 0.25)
    shape = shapely.Polygon(centre + np.stack([r * np.cos(turn), r * np.sin(turn) * rng.uniform(0.55, 1)], -1)).buffer(
        0
    )
    if not plot.outline.buffer(-4).contains(shape) or shapely.intersects(shape.buffer(6), plot.blocked):
        return
    water = [reflectance("water"), reflectance("turbid"), reflectance("algae")]
    share = rng.dirichlet((1.2, 0.7, 0.6))
    mixed = share @ np.array(water)
    shore = plot.climate.soil * 0.7
    plot.drawing.area(FIELD, shape.buffer(2.0), surfaces(shore, plot.climate.grass, mix=0.4, medium=0.3))
    plot.drawing.area(
        WATER, shape, surfaces(mixed, mixed * 1.25, mix=0.5, coarse=0.4, light=0.04, light_medium=0.03), STANDING
    )
    plot.blocked = shapely.union(plot.blocked, shape.buffer(3.0))


def reservoir(plot: Plot) -> None:
    """A rectangular reservoir with an embankment."""
    rng = plot.rng
    at = quad(plot.corners, rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8))
    along = plot.corners[1] - plot.corners[0]
    size = rng.uniform(18, 60, 2)
    bank = shapely.Polygon(rectangles(at, np.arctan2(along[1], along[0]), size[0], size[1])[0])
    if not plot.outline.buffer(-6).contains(bank) or shapely.intersects(bank, plot.blocked):
        return
    share = rng.dirichlet((1.0, 0.6, 0.8))
    water = share @ np.array([reflectance(n) for n in ("water", "turbid", "algae")])
    plot.drawing.area(FIELD, bank.buffer(4), surfaces(plot.climate.soil_light, light=0.05))
    plot.drawing.area(WATER, bank.buffer(-2).buffer(2), surfaces(water, light=0.04), STANDING)
    plot.blocked = shapely.union(plot.blocked, bank.buffer(5))
