"""Inside towns: street grids with parked cars, blocks and lots, parking lots, small greens."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suelo.simulation.drawing import (
    FIELD,
    MARK,
    WAY,
    Coordinates,
    rectangles,
    surfaces,
)
from suelo.simulation.plots import (
    ROAD,
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
    lanes = [quad(plot.corners, u + skew[0] * (reach - 0.5), reach) for u in us[1:-1]]
    lanes += [quad(plot.corners, reach, v + skew[1] * (reach - 0.5)) for v in vs[1:-1]]
    for lane in lanes:
        plot.street(lane, width * plot.rng.uniform(0.85, 1.1), spectrum * plot.rng.uniform(0.92, 1.08))
        _kerbside(plot, lane, width)
    blocks = []
    for u0, u1 in pairwise(us):
        for v0, v1 in pairwise(vs):
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


@dataclass(frozen=True)
class Lots:
    """Building lots along the streets of a block.

    Attributes:
        front: Middle of each lot's edge on the street, (n, 2).
        angle: Direction of the street there, radians, (n,).
        inward: Unit vector from the street into the lot, (n, 2).
        width: Width along the street in metres, (n,).
        depth: Depth in metres, (n,).
    """

    front: Coordinates
    angle: NDArray[np.float64]
    inward: Coordinates
    width: NDArray[np.float64]
    depth: NDArray[np.float64]

    def at(self, along: ArrayLike, inwards: ArrayLike) -> Coordinates:
        """Points at metres along the street from the middle of each lot, and metres into it."""
        street = np.stack([np.cos(self.angle), np.sin(self.angle)], -1)
        n = (len(self.front), 1)
        return np.asarray(self.front + street * np.resize(along, n) + self.inward * np.resize(inwards, n))


def lots(block: Coordinates, width: float) -> Lots:
    """Lots of about a width along the two long sides of a block, back to back."""
    length_u, length_v = sides(block)
    if length_u < length_v:
        block = np.roll(block, -1, axis=0)
        length_u, length_v = length_v, length_u
    n = max(1, round(length_u / width))
    t = (np.arange(n) + 0.5) / n
    rows = (0.0, 1.0) if length_v > 12 else (0.0,)
    fronts, angles, inwards = [], [], []
    for row in rows:
        front, opposite = quad(block, t, row), quad(block, t, 1 - row)
        along = block[1] - block[0] if row == 0 else block[2] - block[3]
        fronts.append(front)
        inwards.append((opposite - front) / np.linalg.norm(opposite - front, axis=1, keepdims=True))
        angles.append(np.full(n, np.arctan2(along[1], along[0])))
    count = n * len(rows)
    return Lots(
        np.concatenate(fronts),
        np.concatenate(angles),
        np.concatenate(inwards),
        np.full(count, length_u / n),
        np.full(count, length_v / len(rows)),
    )


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
    lines = rectangles(
        quad(area, np.tile(t + 1.4 / length, rows), np.repeat((np.arange(rows) + 0.5) / rows, n)), angle, 0.4, 4.6
    )
    plot.drawing.convex(MARK, lines, surfaces(reflectance("concrete")))
    for r in range(rows):
        some = rng.random(n) < fill
        at = quad(area, t[some], np.full(int(some.sum()), (r + 0.5) / rows))
        plot.vehicles(at, np.full(int(some.sum()), angle + np.pi / 2))


def green(plot: Plot, block: Coordinates) -> None:
    """A small park with lawn and trees in place of a block."""
    rng = plot.rng
    lawn = 0.4 * plot.climate.grass + 0.6 * reflectance("lawn")
    plot.drawing.convex(FIELD, block[None], surfaces(lawn, plot.climate.grass, mix=0.3, medium=0.3, light=0.05))
    n = rng.poisson(np.prod(sides(block)) / 160)
    at = quad(block, rng.uniform(0.04, 0.96, n), rng.uniform(0.04, 0.96, n))
    plot.trees(at, rng.uniform(1.8, 5.0, n))
