"""Built-up districts: city blocks, suburbs with gardens, industry with yards and parking, parks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suelo.simulation.drawing import FIELD, GROUND, MARK, ROOF, WATER, WAY, Coordinates, rectangles, rounds, surfaces
from suelo.simulation.plots import (
    LARGE,
    ROAD,
    STANDING,
    STRUCTURE,
    TRACK,
    Plot,
    inset,
    quad,
    road_spectrum,
    sides,
)
from suelo.simulation.spectra import reflectance


def _cuts(plot: Plot, length: float, block: float) -> NDArray[np.float64]:
    n = max(1, round(length / block))
    cuts = np.arange(n + 1) / n
    cuts[1:-1] += plot.rng.uniform(-0.13, 0.13, max(n - 1, 0)) / n
    return cuts


def streets_and_blocks(plot: Plot, block: tuple[float, float], width: float) -> list[Coordinates]:
    """Draw a street grid and return the corners (4, 2) of the blocks between the streets."""
    length_u, length_v = sides(plot.corners)
    if plot.rng.random() < 0.5:
        block = (block[1], block[0])
    us, vs = _cuts(plot, length_u, block[0]), _cuts(plot, length_v, block[1])
    skew = plot.rng.uniform(-0.03, 0.03, 2)
    spectrum = road_spectrum(plot.rng)
    reach = np.linspace(-0.06, 1.06, 7)
    lanes = []
    for u in us[1:-1]:
        lanes.append(quad(plot.corners, u + skew[0] * (reach - 0.5), reach))
    for v in vs[1:-1]:
        lanes.append(quad(plot.corners, reach, v + skew[1] * (reach - 0.5)))
    for lane in lanes:
        plot.street(lane, width * plot.rng.uniform(0.85, 1.1), spectrum * plot.rng.uniform(0.92, 1.08))
        _kerbside(plot, lane, width)
    blocks = []
    for u0, u1 in zip(us[:-1], us[1:], strict=True):
        for v0, v1 in zip(vs[:-1], vs[1:], strict=True):
            v = np.array([v0, v0, v1, v1])
            u = np.array([u0, u1, u1, u0])
            corners = quad(plot.corners, u + skew[0] * (v - 0.5), v + skew[1] * (u - 0.5))
            shrunk = inset(corners, width / 2 + 1.6)
            if shrunk is not None:
                blocks.append(shrunk)
    return blocks


def _kerbside(plot: Plot, lane: Coordinates, width: float) -> None:
    rng = plot.rng
    ends = lane[-1] - lane[0]
    length = float(np.hypot(*ends))
    n = rng.poisson(length / rng.uniform(11, 34))
    t = np.linspace(0, 1, len(lane))
    s = rng.random(n)
    centre = np.stack([np.interp(s, t, lane[:, 0]), np.interp(s, t, lane[:, 1])], -1)
    angle = np.arctan2(ends[1], ends[0])
    across = np.array([-np.sin(angle), np.cos(angle)])
    moving = rng.random(n) < 0.3
    offset = np.where(moving, width * 0.2, width * 0.5 - 1.1) * rng.choice([-1.0, 1.0], n)
    plot.vehicles(centre + across * offset[:, None], np.full(n, angle))


def _lots(block: Coordinates, lot: float, cover: float) -> tuple[Coordinates, NDArray[np.float64], Coordinates]:
    """Lots along the two long sides of a block: street-side point, width and depth, direction along the street."""
    length_u, length_v = sides(block)
    if length_u < length_v:
        block = np.roll(block, -1, axis=0)
        length_u, length_v = length_v, length_u
    n = max(1, round(length_u / lot))
    t = (np.arange(n) + 0.5) / n
    deep = length_v / 2
    places, frames, angles = [], [], []
    rows = (0.0, 1.0) if deep > 6 else (0.0,)
    for row in rows:
        at = quad(block, t, row)
        to = quad(block, t, 1 - row)
        inward = (to - at) / np.linalg.norm(to - at, axis=1, keepdims=True)
        along = block[1] - block[0] if row == 0 else block[2] - block[3]
        places.append(at)
        angles.append(np.full((n, 1), np.arctan2(along[1], along[0])))
        frames.append(np.concatenate([inward, np.tile([cover * length_u / n, deep if len(rows) == 2 else 2 * deep], (n, 1))], 1))
    return np.concatenate(places), np.concatenate(angles)[:, 0], np.concatenate(frames)


def dense(plot: Plot) -> None:
    """City blocks of row houses with yards, some built over, some with one large building, a square here and there."""
    rng, climate = plot.rng, plot.climate
    ground = 0.6 * reflectance("paving") + 0.4 * climate.soil_light
    plot.drawing.area(GROUND, plot.outline, surfaces(ground, climate.soil, mix=0.3, medium=0.15, light=0.05))
    blocks = streets_and_blocks(plot, (rng.uniform(70, 120), rng.uniform(38, 58)), rng.uniform(6.0, 8.5))
    row: list[list[NDArray[np.float64]]] = [[], [], [], [], [], []]
    lot_size = rng.uniform(7.5, 13.0)
    flat_share = rng.uniform(0.2, 0.7)
    for block in blocks:
        chance = rng.random()
        if chance < 0.05:
            _green(plot, block)
            continue
        if chance < 0.10:
            parking(plot, block)
            continue
        yard = climate.soil if rng.random() < 0.4 else (climate.grass if rng.random() < 0.5 else ground)
        plot.drawing.convex(FIELD, block[None], surfaces(yard, ground, mix=0.4, medium=0.3, fine=0.1, light=0.08))
        lot = lot_size * (2.2 if chance < 0.25 else 1.0)
        at, angle, frame = _lots(block, lot, rng.uniform(0.90, 1.0))
        n = len(at)
        full = rng.uniform(0.55, 0.95)
        depth = frame[:, 3] * np.clip(full + rng.normal(0, 0.10, n), 0.4, 1.0)
        setback = rng.uniform(0, 1.5) + rng.uniform(0, 0.8, n)
        centre = at + frame[:, :2] * (setback + depth / 2)[:, None]
        built = rng.random(n) > 0.06
        height = rng.choice([3.0, 6.0, 9.0, 14.0], n, p=[0.3, 0.45, 0.2, 0.05]) * (1.6 if lot > 15 else 1.0)
        values = (centre, angle, frame[:, 2] * rng.uniform(0.9, 1.0, n), depth - setback, height)
        for store, value in zip(row, (*values, rng.random(n)), strict=True):
            store.append(value[built])
        backs = at + frame[:, :2] * (frame[:, 3] * rng.uniform(0.9, 1.0, n))[:, None]
        some = rng.random(n) < 0.16
        plot.trees(backs[some], rng.uniform(1.5, 3.2, int(some.sum())))
    if row[0]:
        centre, angle, length, width, height, chance_flat = (np.concatenate(part) for part in row)
        plot.roofs(
            centre, angle, length, np.maximum(width, 3.0), climate.roof_surfaces(rng, len(centre)), height, chance_flat > flat_share
        )


def suburb(plot: Plot) -> None:
    """Detached houses in gardens with lawns, trees, drives and a car."""
    rng, climate = plot.rng, plot.climate
    lawn = 0.5 * climate.grass + 0.5 * reflectance("lawn")
    plot.drawing.area(
        GROUND, plot.outline, surfaces(lawn, climate.grass, mix=0.4, medium=0.3, coarse=0.2, light=0.06, light_medium=0.05)
    )
    blocks = streets_and_blocks(plot, (rng.uniform(90, 140), rng.uniform(58, 76)), rng.uniform(6.0, 7.5))
    lot = rng.uniform(15, 24)
    shares = {"clay": 2.0, "clay_dark": 2.0, "bitumen": 2.0, "fibre": 1.5, "concrete": 0.5, "rust": 0.4}
    for block in blocks:
        if rng.random() < 0.06:
            _green(plot, block)
            continue
        at, angle, frame = _lots(block, lot, 1.0)
        n = len(at)
        length = frame[:, 2] * rng.uniform(0.5, 0.72, n)
        depth = np.minimum(frame[:, 3] * rng.uniform(0.28, 0.45, n), 14)
        setback = rng.uniform(3.5, 6.5) + rng.uniform(0, 1.0, n)
        centre = at + frame[:, :2] * (setback + depth / 2)[:, None]
        along = np.stack([np.cos(angle), np.sin(angle)], -1)
        drive = at + along * (frame[:, 2] * 0.40)[:, None] + frame[:, :2] * (setback * 0.5)[:, None]
        has_drive = rng.random(n) < 0.75
        beds = rectangles(drive, angle, 2.8, setback + 1)[has_drive]
        plot.drawing.convex(FIELD, beds[plot.free(beds)], surfaces(reflectance("paving"), light=0.05))
        parked = has_drive & (rng.random(n) < 0.5)
        plot.vehicles(drive[parked], angle[parked] + np.pi / 2)
        built = rng.random(n) > 0.05
        plot.roofs(
            centre[built],
            angle[built],
            length[built],
            depth[built],
            climate.roof_surfaces(rng, int(built.sum()), shares),
            rng.uniform(4, 8, int(built.sum())),
            rng.random(int(built.sum())) < 0.88,
        )
        for _ in range(2):
            back = at + frame[:, :2] * (frame[:, 3] * rng.uniform(0.72, 1.0, n))[:, None]
            back = back + along * (frame[:, 2] * rng.uniform(-0.45, 0.45, n))[:, None]
            some = rng.random(n) < 0.6
            plot.trees(back[some], rng.uniform(1.8, 4.6, int(some.sum())))
        front = at + frame[:, :2] * 1.5 - along * (frame[:, 2] * 0.35)[:, None]
        some = rng.random(n) < 0.35
        plot.trees(front[some], rng.uniform(1.5, 3.0, int(some.sum())))


def industrial(plot: Plot) -> None:
    """Halls on paved yards with lorries, parking lots, tanks, containers and walls."""
    rng, climate = plot.rng, plot.climate
    paving = rng.choice(["paving", "asphalt_old", "concrete"])
    plot.drawing.area(
        GROUND, plot.outline, surfaces(climate.grass, climate.soil, mix=0.4, medium=0.4, coarse=0.2, light=0.06)
    )
    blocks = streets_and_blocks(plot, (rng.uniform(110, 150), rng.uniform(75, 110)), rng.uniform(8, 10))
    metals = {"metal": 3.0, "white": 1.5, "metal_blue": 1.2, "rust": 1.0, "fibre": 1.5, "bitumen": 1.0, "metal_green": 0.5}
    for block in blocks:
        if rng.random() < 0.10:
            parking(plot, block)
            continue
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


def parking(plot: Plot, block: Coordinates) -> None:
    """A parking lot with rows of cars, labelled as road."""
    rng = plot.rng
    area = inset(block, 1.0)
    if area is None or not plot.free(area[None])[0]:
        return
    length, depth = sides(area)
    if length < depth:
        area, length, depth = np.roll(area, -1, axis=0), depth, length
    plot.drawing.convex(WAY, area[None], surfaces(road_spectrum(rng), light=0.05, light_medium=0.08), ROAD)
    along = area[1] - area[0]
    angle = float(np.arctan2(along[1], along[0]))
    rows = max(1, int(depth / 8.2))
    n = max(1, int((length - 6) / 2.8))
    t = (3 + (np.arange(n) + 0.5) * 2.8) / length
    fill = rng.uniform(0.35, 0.9)
    lines = rectangles(quad(area, np.tile(t + 1.4 / length, rows), np.repeat((np.arange(rows) + 0.5) / rows, n)), angle, 0.4, 4.6)
    plot.drawing.convex(MARK, lines, surfaces(reflectance("concrete")))
    for r in range(rows):
        some = rng.random(n) < fill
        at = quad(area, t[some], np.full(int(some.sum()), (r + 0.5) / rows))
        plot.vehicles(at, np.full(int(some.sum()), angle + np.pi / 2))


def _green(plot: Plot, block: Coordinates) -> None:
    rng = plot.rng
    lawn = 0.4 * plot.climate.grass + 0.6 * reflectance("lawn")
    plot.drawing.convex(FIELD, block[None], surfaces(lawn, plot.climate.grass, mix=0.3, medium=0.3, light=0.05))
    n = rng.poisson(np.prod(sides(block)) / 160)
    at = quad(block, rng.uniform(0.04, 0.96, n), rng.uniform(0.04, 0.96, n))
    plot.trees(at, rng.uniform(1.8, 5.0, n))


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
        import shapely

        bed = plot.dry(shapely.LineString(path).buffer(1.5))
        plot.drawing.area(WAY, bed, surfaces(climate.soil_light, light=0.05), TRACK)
    at = plot.scatter(int(plot.outline.area / 220))
    plot.trees(at, rng.uniform(1.8, 5.5, len(at)))


def pond(plot: Plot, centre: Coordinates, radius: float) -> None:
    """A pond or lake with an irregular shore; nothing stands in it afterwards."""
    import shapely

    rng = plot.rng
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    r = radius * (1 + sum(rng.normal(0, 0.22 / k) * np.cos(k * turn + rng.uniform(0, 6.3)) for k in (2, 3, 4, 5, 6)))
    r = np.maximum(r, radius * 0.25)
    shape = shapely.Polygon(centre + np.stack([r * np.cos(turn), r * np.sin(turn) * rng.uniform(0.55, 1)], -1)).buffer(0)
    if not plot.outline.buffer(-4).contains(shape) or shapely.intersects(shape.buffer(6), plot.blocked):
        return
    water = [reflectance("water"), reflectance("turbid"), reflectance("algae")]
    share = rng.dirichlet((1.2, 0.7, 0.6))
    mixed = share @ np.array(water)
    shore = plot.climate.soil * 0.7
    plot.drawing.area(FIELD, shape.buffer(2.0), surfaces(shore, plot.climate.grass, mix=0.4, medium=0.3))
    plot.drawing.area(WATER, shape, surfaces(mixed, mixed * 1.25, mix=0.5, coarse=0.4, light=0.04, light_medium=0.03), STANDING)
    plot.blocked = shapely.union(plot.blocked, shape.buffer(3.0))



