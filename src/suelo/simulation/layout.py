"""The plan of the world: a bent lattice of districts, the lines between them, and rivers. Each a function of seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from suelo.simulation.noise import generator, hash_unit, smooth_line, smooth_noise

PITCH_M = 280.0
"""Mean distance of the lattice's nodes."""
RIVER_PITCH_M = 900.0
_PIECE_M = 240.0
BANK_M = 5.0
"""Strip along rivers that nothing is built on."""

STYLES: dict[str, tuple[str, ...]] = {
    "mixed": (
        "dense dense industrial suburb village crops crops paddock savanna",
        "dense industrial suburb village crops crops paddock forest savanna",
        "dense dense industrial suburb park village crops paddock forest",
        "dense industrial suburb suburb village crops crops savanna paddock",
    ),
    "city": ("dense dense dense dense industrial dense suburb park suburb",),
    "suburb": ("dense industrial suburb suburb suburb suburb park paddock crops",),
    "industrial": ("dense industrial industrial industrial industrial suburb park crops paddock",),
    "village": ("village village village village crops crops savanna paddock crops",),
    "farmland": ("village village crops crops crops crops crops paddock forest",),
    "wild": ("village crops savanna savanna paddock park savanna forest forest",),
}
"""For each style of scene what a block of three by three districts is made of, from the most to the least urban; where
there are several such decks, each block draws one."""

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
        self._style = [deck.split() for deck in STYLES[style]]
        rng = generator(seed, 1)
        self._angle = rng.uniform(0, np.pi / 2)
        cos, sin = np.cos(self._angle), np.sin(self._angle)
        self._turn = np.array([[cos, -sin], [sin, cos]])
        self._offset = rng.uniform(0, 3 * PITCH_M, 2)
        self._river_angle = rng.uniform(0, np.pi)
        self._river_offset = rng.uniform(0, RIVER_PITCH_M)
        self._decks: dict[tuple[int, int], tuple[str, ...]] = {}
        self._nodes: dict[tuple[int, int], NDArray[np.float64]] = {}
        self._paths: dict[tuple[int, int, int], NDArray[np.float64]] = {}
        self._pieces: dict[tuple[int, int], RiverPiece] = {}
        self._main = (int(rng.integers(3)), int(rng.integers(3)))

    def node(self, i: int, j: int) -> NDArray[np.float64]:
        """Position of a lattice node."""
        if (i, j) not in self._nodes:
            jitter = hash_unit(self.seed, np.array([11, 12]), i, j) - 0.5
            bend = 40.0 * np.sin(np.array([0.9 * j, 0.8 * i]) + self._offset)
            self._nodes[i, j] = self._turn @ ((np.array([i, j]) + 0.22 * jitter) * PITCH_M + bend - self._offset)
        return self._nodes[i, j]

    def cells(self, box: NDArray[np.float64]) -> list[tuple[int, int]]:
        """Lattice cells that may reach into a box (x0, y0, x1, y1), in drawing order."""
        x0, y0, x1, y1 = box
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ self._turn + self._offset
        slack = 110.0 / PITCH_M
        low = np.floor(corners.min(0) / PITCH_M - slack).astype(int)
        high = np.ceil(corners.max(0) / PITCH_M + slack).astype(int)
        return [(i, j) for i in range(low[0], high[0]) for j in range(low[1], high[1])]

    def district(self, i: int, j: int) -> str:
        """Kind of the district between nodes (i, j) and (i + 1, j + 1).

        Blocks of three by three districts share out a deck of kinds; the places where smooth noise is high get the
        urban ones, so that towns hold together and every kind is near.
        """
        bi, bj = i // 3, j // 3
        if (bi, bj) not in self._decks:
            ii, jj = np.arange(3) + 3 * bi, np.arange(3) + 3 * bj
            urbanity = smooth_noise(self.seed, 21, ii, jj, 2.2) + 0.35 * hash_unit(self.seed, 22, ii[:, None], jj)
            deck = self._style[int(hash_unit(self.seed, 23, bi, bj).item() * len(self._style))]
            rank = np.argsort(np.argsort(-urbanity.ravel()))
            self._decks[bi, bj] = tuple(deck[int(k)] for k in rank)
        return self._decks[bi, bj][(i - 3 * bi) * 3 + (j - 3 * bj)]

    def path(self, i: int, j: int, axis: int) -> NDArray[np.float64]:
        """The line from node (i, j) to the next along an axis: a cubic through four nodes, smooth at each."""
        if (i, j, axis) in self._paths:
            return self._paths[i, j, axis]
        step = (1, 0) if axis == 0 else (0, 1)
        p = [self.node(i + k * step[0], j + k * step[1]) for k in (-1, 0, 1, 2)]
        t = np.linspace(0, 1, 13)[:, None]
        path: NDArray[np.float64] = 0.5 * (
            2 * p[1]
            + (p[2] - p[0]) * t
            + (2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]) * t**2
            + (3 * p[1] - p[0] - 3 * p[2] + p[3]) * t**3
        )
        self._paths[i, j, axis] = path
        return path

    def line(self, i: int, j: int, axis: int) -> Line:
        """What runs along an edge; `axis` 0 goes from (i, j) to (i + 1, j), 1 to (i, j + 1)."""
        path = self.path(i, j, axis)
        other = (i, j - 1) if axis == 0 else (i - 1, j)
        sides = (self.district(i, j), self.district(*other))
        towns = sum(side in URBAN for side in sides)
        chance = hash_unit(self.seed, 31 + axis, i, j).item()
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

    def river(self, k: int, n: int) -> RiverPiece:
        """Piece `n` of river `k`: how it winds, how wide and how turbid it is."""
        if (k, n) in self._pieces:
            return self._pieces[k, n]
        swing, width, place, turbid = hash_unit(self.seed, 41, k, np.arange(4))
        b = np.linspace(n * _PIECE_M, (n + 1) * _PIECE_M, 41)
        step = b[1] - b[0]
        b = np.concatenate([[b[0] - step], b, [b[-1] + step]])
        along = b + 1.0e5 * k
        centre = (k + 0.35 * (place - 0.5)) * RIVER_PITCH_M + self._river_offset
        centre = centre + (25 + 45 * swing) * smooth_line(self.seed, 44, along / 170.0)
        centre = centre + (4 + 16 * swing) * smooth_line(self.seed, 45, along / 48.0)
        half = (4.0 + 11.0 * width**1.5) * np.clip(1 + 0.16 * smooth_line(self.seed, 46, along / 60.0), 0.5, 1.5)
        # The width is taken square to the course.
        slope = np.sqrt(1 + ((centre[2:] - centre[:-2]) / (2 * step)) ** 2)
        piece = RiverPiece(b[1:-1], centre[1:-1], half[1:-1], slope, float(turbid), self._river_frame)
        self._pieces[k, n] = piece
        return piece

    def river_pieces(self, box: NDArray[np.float64]) -> list[tuple[int, int]]:
        """River number and piece of every piece with banks in a box (x0, y0, x1, y1)."""
        x0, y0, x1, y1 = box
        turned = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ self._river_frame.T
        low, high = turned.min(0), turned.max(0)
        reach = 300.0
        first = int(np.floor((low[0] - self._river_offset - reach) / RIVER_PITCH_M))
        last = int(np.ceil((high[0] - self._river_offset + reach) / RIVER_PITCH_M))
        numbers = range(int(np.floor(low[1] / _PIECE_M)), int(np.ceil(high[1] / _PIECE_M)))
        return [(k, n) for k in range(first, last + 1) for n in numbers if meets(self.river(k, n).ring(BANK_M), box)]


@dataclass(frozen=True)
class RiverPiece:
    """A stretch of a river in the rivers' frame: centre and half width across (metres) at positions along."""

    along: NDArray[np.float64]
    centre: NDArray[np.float64]
    half: NDArray[np.float64]
    slope: NDArray[np.float64]
    turbid: float
    frame: NDArray[np.float64]

    def ring(self, bank: float = 0.0) -> NDArray[np.float64]:
        """Outline, (82, 2) in metres, wider by `bank` on each side."""
        half = (self.half + bank) * self.slope
        across = np.concatenate([self.centre - half, (self.centre + half)[::-1]])
        return np.stack([across, np.concatenate([self.along, self.along[::-1]])], -1) @ self.frame


def meets(points: NDArray[np.float64], box: NDArray[np.float64]) -> bool:
    """Whether the bounds of points (n, 2) overlap a box (x0, y0, x1, y1)."""
    low, high = points.min(0), points.max(0)
    return bool(low[0] < box[2] and high[0] > box[0] and low[1] < box[3] and high[1] > box[1])
