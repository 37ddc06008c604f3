"""The plan of the world: a bent lattice of districts, the lines between them, and rivers. Each a function of seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from suelo.simulation.noise import generator, hash_unit, smooth_noise_at

PITCH_M = 280.0
"""Mean distance of the lattice's nodes."""
RIVER_PITCH_M = 900.0
_PIECE_M = 240.0

# What a block of three by three districts is made of, from the most to the least urban, for each style of scene.
STYLES: dict[str, tuple[str, ...]] = {
    "mixed": ("dense", "dense", "industrial", "suburb", "village", "crops", "crops", "paddock", "savanna"),
    "mixed_forest": ("dense", "industrial", "suburb", "village", "crops", "crops", "paddock", "forest", "savanna"),
    "city": ("dense", "dense", "dense", "dense", "industrial", "dense", "suburb", "park", "suburb"),
    "suburb": ("dense", "industrial", "suburb", "suburb", "suburb", "suburb", "park", "paddock", "crops"),
    "industrial": ("dense", "industrial", "industrial", "industrial", "industrial", "suburb", "park", "crops", "paddock"),
    "village": ("village", "village", "village", "village", "crops", "crops", "savanna", "paddock", "crops"),
    "farmland": ("village", "village", "crops", "crops", "crops", "crops", "crops", "paddock", "forest"),
    "wild": ("village", "crops", "savanna", "savanna", "paddock", "park", "savanna", "forest", "forest"),
}
URBAN = frozenset({"dense", "suburb", "industrial", "park"})


@dataclass(frozen=True)
class Line:
    """What runs along one edge of the lattice.

    Attributes:
        kind: "highway", "street", "track", "canal", "hedge" or "none".
        width: Width of its bed in metres.
        path: (n, 2), metres.
    """

    kind: str
    width: float
    path: NDArray[np.float64]


class Layout:
    """Where districts, lines and rivers lie, in metres from the scene's upper left corner (x right, y down)."""

    def __init__(self, seed: int, style: str) -> None:
        """Fix the plan for a seed and a style (a key of `STYLES`)."""
        self.seed = seed
        self.deck = STYLES[style]
        rng = generator(seed, 1)
        self._angle = rng.uniform(0, np.pi / 2)
        cos, sin = np.cos(self._angle), np.sin(self._angle)
        self._turn = np.array([[cos, -sin], [sin, cos]])
        self._offset = rng.uniform(0, 3 * PITCH_M, 2)
        self._river_angle = rng.uniform(0, np.pi)
        self._river_offset = rng.uniform(0, RIVER_PITCH_M)
        self._main = (int(rng.integers(3)), int(rng.integers(3)))

    def node(self, i: int, j: int) -> NDArray[np.float64]:
        """Position of a lattice node."""
        jitter = np.array([hash_unit(self.seed, 11, i, j), hash_unit(self.seed, 12, i, j)]) - 0.5
        bend = 40.0 * np.array(
            [np.sin(0.9 * j + self._offset[0]), np.sin(0.8 * i + self._offset[1])]
        )
        here: NDArray[np.float64] = self._turn @ ((np.array([i, j]) + 0.22 * jitter) * PITCH_M + bend - self._offset)
        return here

    def cells(self, x0: float, y0: float, x1: float, y1: float, margin: float) -> list[tuple[int, int]]:
        """Lattice cells that may reach into a box, in drawing order."""
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ self._turn + self._offset
        slack = (margin + 110.0) / PITCH_M
        low = np.floor(corners.min(0) / PITCH_M - slack).astype(int)
        high = np.ceil(corners.max(0) / PITCH_M + slack).astype(int)
        return [(i, j) for i in range(low[0], high[0]) for j in range(low[1], high[1])]

    def district(self, i: int, j: int) -> str:
        """Kind of the district between nodes (i, j) and (i + 1, j + 1).

        Blocks of three by three districts share out one deck of kinds; the places where smooth noise is high get the urban
        ones, so that towns hold together and every kind is near.
        """
        bi, bj = i // 3, j // 3
        ii, jj = np.meshgrid(np.arange(3) + 3 * bi, np.arange(3) + 3 * bj, indexing="ij")
        urbanity = smooth_noise_at(self.seed, 21, ii, jj, 2.2) + 0.35 * hash_unit(self.seed, 22, ii, jj)
        rank = np.argsort(np.argsort(-urbanity.ravel()))
        return self.deck[int(rank[(i - 3 * bi) * 3 + (j - 3 * bj)])]

    def path(self, i: int, j: int, axis: int) -> NDArray[np.float64]:
        """The line from node (i, j) to the next along an axis: a cubic through four nodes, smooth at each."""
        step = (1, 0) if axis == 0 else (0, 1)
        p = [self.node(i + k * step[0], j + k * step[1]) for k in (-1, 0, 1, 2)]
        t = np.linspace(0, 1, 13)[:, None]
        path: NDArray[np.float64] = 0.5 * (
            2 * p[1]
            + (p[2] - p[0]) * t
            + (2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]) * t**2
            + (3 * p[1] - p[0] - 3 * p[2] + p[3]) * t**3
        )
        return path

    def line(self, i: int, j: int, axis: int) -> Line:
        """What runs along an edge; `axis` 0 goes from (i, j) to (i + 1, j), 1 to (i, j + 1)."""
        path = self.path(i, j, axis)
        other = (i, j - 1) if axis == 0 else (i - 1, j)
        sides = (self.district(i, j), self.district(*other))
        towns = sum(side in URBAN for side in sides)
        chance = float(hash_unit(self.seed, 31 + axis, i, j))
        number = j if axis == 0 else i
        if number % 3 == self._main[axis]:
            return Line("highway", 15.0 if towns else 10.0, path)
        if towns == 2:
            return Line("street", 9.0, path)
        if towns == 1 or (chance < 0.12):
            return Line("street", 7.5, path)
        if "village" in sides or chance < 0.62:
            return Line("track", 3.2 + 2.4 * chance, path)
        if "crops" in sides and chance < 0.82:
            return Line("canal", 6.0 + 4.0 * chance, path)
        return Line("hedge" if chance < 0.93 else "none", 4.0, path)

    def outline(self, i: int, j: int) -> shapely.Polygon:
        """Outline of a district along the middle of its four lines."""
        ring = np.concatenate(
            [
                self.path(i, j, 0)[:-1],
                self.path(i + 1, j, 1)[:-1],
                self.path(i, j + 1, 0)[:0:-1],
                self.path(i, j, 1)[:0:-1],
            ]
        )
        return shapely.Polygon(ring)

    def corners(self, i: int, j: int) -> NDArray[np.float64]:
        """The four nodes of a district, (4, 2), in order around it."""
        return np.array([self.node(i, j), self.node(i + 1, j), self.node(i + 1, j + 1), self.node(i, j + 1)])

    # Rivers: line k runs along `b` at a = centre(b) in a frame turned by the rivers' angle.

    @cached_property
    def _river_frame(self) -> NDArray[np.float64]:
        cos, sin = np.cos(self._river_angle), np.sin(self._river_angle)
        return np.array([[cos, sin], [-sin, cos]])

    def _river(self, k: int, b: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centre and half width of river `k` at positions `b` along it."""
        swing, half = hash_unit(self.seed, 41, k, 0), 4.0 + 11.0 * hash_unit(self.seed, 42, k, 0) ** 1.5
        base = (k + 0.35 * (hash_unit(self.seed, 43, k, 0) - 0.5)) * RIVER_PITCH_M
        row = np.full(b.shape, 7.0 * k)
        centre = base + (25 + 45 * swing) * smooth_noise_at(self.seed, 44, row, b / 170.0, 1.0)
        centre = centre + (4 + 16 * swing) * smooth_noise_at(self.seed, 45, row, b / 48.0, 1.0)
        width = half * (1 + 0.16 * smooth_noise_at(self.seed, 46, row, b / 60.0, 1.0))
        return centre, np.maximum(width, 0.5 * half)

    def river_pieces(self, x0: float, y0: float, x1: float, y1: float) -> list[tuple[int, int]]:
        """River number and piece of every piece that may reach into a box."""
        box = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ self._river_frame.T
        low, high = box.min(0), box.max(0)
        reach = 260.0
        first = int(np.floor((low[0] - self._river_offset - reach) / RIVER_PITCH_M))
        last = int(np.ceil((high[0] - self._river_offset + reach) / RIVER_PITCH_M))
        pieces = range(int(np.floor(low[1] / _PIECE_M)), int(np.ceil(high[1] / _PIECE_M)))
        return [(k, n) for k in range(first, last + 1) for n in pieces]

    def river_piece(self, k: int, n: int, bank: float = 0.0) -> shapely.Polygon:
        """Outline of a piece of a river, wider by `bank` on each side."""
        b = np.linspace(n * _PIECE_M, (n + 1) * _PIECE_M, 41)
        centre, half = self._river(k, b)
        # The width is taken square to the course, whose slope comes from differences.
        ahead, _ = self._river(k, b + 1.0)
        half = (half + bank) * np.sqrt(1 + (ahead - centre) ** 2)
        a = np.concatenate([centre - half, (centre + half)[::-1]]) + self._river_offset
        ring = np.stack([a, np.concatenate([b, b[::-1]])], -1) @ self._river_frame
        return shapely.Polygon(ring)

    def river_kind(self, k: int) -> float:
        """How turbid a river is, 0 to 1."""
        return float(hash_unit(self.seed, 47, k, 0))
