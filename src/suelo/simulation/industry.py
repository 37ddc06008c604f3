"""Industrial districts: halls on paved yards with lorries, containers, tanks and parking."""

from __future__ import annotations

import numpy as np

from suelo.simulation.drawing import (
    FIELD,
    GROUND,
    ROOF,
    Coordinates,
    rectangles,
    rounds,
    surfaces,
)
from suelo.simulation.plots import (
    STRUCTURE,
    Plot,
    inset,
    quad,
    sides,
)
from suelo.simulation.spectra import reflectance
from suelo.simulation.streets import parking, streets_and_blocks


def industrial(plot: Plot) -> None:
    """Halls on paved yards with lorries, parking lots, tanks, containers and walls."""
    rng, climate = plot.rng, plot.climate
    paving = rng.choice(["paving", "asphalt_old", "concrete"])
    plot.drawing.area(
        GROUND, plot.outline, surfaces(climate.grass, climate.soil, mix=0.4, medium=0.4, coarse=0.2, light=0.06)
    )
    blocks = streets_and_blocks(plot, (rng.uniform(110, 150), rng.uniform(75, 110)), rng.uniform(8, 10))
    metals = {
        "metal": 3.0,
        "white": 1.5,
        "metal_blue": 1.2,
        "rust": 1.0,
        "fibre": 1.5,
        "bitumen": 1.0,
        "metal_green": 0.5,
    }
    for place in blocks:
        if rng.random() < 0.10:
            parking(plot, place)
            continue
        block = place
        length, depth = sides(block)
        if length < depth:
            block, length, depth = np.roll(block, -1, axis=0), depth, length
        yard = reflectance(str(paving)) * rng.uniform(0.8, 1.1)
        ground = inset(block, 2.0)
        if ground is not None and plot.free(ground[None])[0]:
            plot.drawing.convex(FIELD, ground[None], surfaces(yard, climate.soil, mix=0.15, medium=0.15, light=0.06))
        along = block[1] - block[0]
        angle = float(np.arctan2(along[1], along[0]))
        n = int(rng.integers(1, 4))
        split = rng.uniform(0.45, 0.68)
        t = (np.arange(n) + 0.5) / n
        hall = rng.uniform(0.75, 0.93, n) * length / n
        flat = rng.random(n) < 0.45
        plot.roofs(
            quad(block, t, 0.05 + split / 2),
            np.full(n, angle),
            hall,
            np.full(n, depth * split * 0.92),
            climate.roof_surfaces(rng, n, metals),
            rng.uniform(7, 13, n),
            ~flat,
        )
        _yard(plot, block, angle, 0.10 + split, length, depth)


def _yard(plot: Plot, block: Coordinates, angle: float, start: float, length: float, depth: float) -> None:
    """What stands behind a hall, from share `start` of the block's depth: lorries, containers, tanks, cars."""
    rng = plot.rng
    room = (0.97 - start) * depth
    third = rng.permutation(3)
    middle = (start + 0.97) / 2
    for place, kind in enumerate(third):
        t0, t1 = place / 3 + 0.03, (place + 1) / 3 - 0.02
        width = (t1 - t0) * length
        if kind == 0 and room > 12:
            n = max(1, int(width / 4.2))
            t = t0 + (np.arange(n) + 0.5) / n * (t1 - t0)
            some = rng.random(n) < 0.6
            plot.vehicles(quad(block, t, middle)[some], np.full(int(some.sum()), angle + np.pi / 2), large=True)
        elif kind == 1:
            _structures(plot, block, angle, (t0, t1, start, 0.97), width, room)
        else:
            n = max(1, int(width / 2.9))
            t = t0 + (np.arange(n) + 0.5) / n * (t1 - t0)
            for v in (0.93, 0.93 - 11.5 / depth):
                some = rng.random(n) < rng.uniform(0.4, 0.9)
                if v > start + 3 / depth:
                    plot.vehicles(quad(block, t, v)[some], np.full(int(some.sum()), angle + np.pi / 2))


def _structures(
    plot: Plot, block: Coordinates, angle: float, part: tuple[float, float, float, float], width: float, room: float
) -> None:
    rng = plot.rng
    t0, t1, v0, v1 = part
    if rng.random() < 0.5:
        nu, nv = max(1, int(width / 7.5)), max(1, int(room / 4.2))
        u, v = np.meshgrid((np.arange(nu) + 0.5) / nu, (np.arange(nv) + 0.5) / nv)
        some = rng.random(u.size) < 0.6
        at = quad(block, t0 + u.ravel()[some] * (t1 - t0), v0 + v.ravel()[some] * (v1 - v0))
        boxes = rectangles(at, angle, 6.1, 2.6)
        names = np.array([reflectance(n) for n in ("rust", "metal_blue", "metal_green", "white", "clay")])
        keep = plot.free(boxes)
        paint = surfaces(names[rng.integers(0, 5, len(at))] * rng.uniform(0.8, 1.1, (len(at), 1)), light=0.06)
        plot.drawing.convex(ROOF, boxes[keep], paint[keep], STRUCTURE, 2.6)
    else:
        n = max(1, int(width / 14))
        t = t0 + (np.arange(n) + 0.5) / n * (t1 - t0)
        at = quad(block, t, np.full(n, (v0 + v1) / 2))
        tanks = rounds(at, np.minimum(rng.uniform(3.5, 6.5), room / 2.2), rng, 12)
        keep = plot.free(tanks)
        white = surfaces(reflectance(str(rng.choice(["white", "metal", "rust"]))) * rng.uniform(0.85, 1.1), light=0.05)
        plot.drawing.convex(ROOF, tanks[keep], white, STRUCTURE, 8.0)
        at = at[keep] + plot.climate.sun * 0.8
        lids = rounds(at, 2.0, rng, 12)
        plot.drawing.convex(ROOF, lids, surfaces(reflectance("metal") * 0.8))
