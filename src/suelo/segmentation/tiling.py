"""Where the tiles of a scene lie: even steps along each axis, seams in the middle of the overlaps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from suelo.model.contract import STRIDE, ModelContract

SINGLE_PASS_PIXELS = 640 * 640
"""Scenes of at most this many pixels go through the network in one piece."""

TILE_SIDE = 1024
"""A tile has at least as many pixels as a square of this side: larger ones waste less on halos, and the network's
memory grows with them; see benchmarks/README.md."""

STRIP_BYTES = 256 << 20
"""Largest size of the uint16 pixels of a strip, of which two are in memory; wide scenes get lower tiles."""

BLEND = 16
"""Width in pixels of the zone in which neighbouring tiles, halo left out, fade into each other."""

_BYTES_PER_PIXEL = 8 * 2

_AS_GOOD = 1.03
"""Of cuts whose work for the network differs by no more than this, the one with the lowest strips is taken."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a scene is cut for the network.

    Attributes:
        tile: A tile has at most the pixels of a square of this side, halo included; a multiple of 16.
        halo: Pixels along a cut that the cut disturbs; they come from the neighbouring tile.
        single_pass: Scenes of at most this many pixels are not cut.
        strip_bytes: Largest size of a strip's pixels in memory.
    """

    tile: int
    halo: int
    single_pass: int = SINGLE_PASS_PIXELS
    strip_bytes: int = STRIP_BYTES

    @classmethod
    def of(cls, contract: ModelContract) -> Self:
        """The tiling for a model: its own tiles, or larger ones."""
        return cls(max(contract.tile, TILE_SIDE), contract.halo)

    def spans(self, height: int, width: int) -> tuple[Spans, Spans]:
        """Rows and columns of the tiles of a scene."""
        if _up(height) * _up(width) <= self.single_pass:
            return Spans.whole(height), Spans.whole(width)
        rows_that_fit = self.strip_bytes // (_up(width) * _BYTES_PER_PIXEL) // STRIDE * STRIDE
        lowest = min(self.tile, _up(4 * self.halo) + STRIDE)
        highest = max(lowest, min(rows_that_fit, self.tile**2 // lowest))
        cuts = []
        for rows in range(lowest, highest + 1, STRIDE):
            columns = self.tile**2 // rows // STRIDE * STRIDE
            cuts.append((Spans.fit(height, rows, self.halo), Spans.fit(width, max(lowest, columns), self.halo)))
        least = min(down.work * across.work for down, across in cuts)
        return next((down, across) for down, across in cuts if down.work * across.work <= _AS_GOOD * least)


@dataclass(frozen=True, slots=True)
class Spans:
    """The tiles along one axis.

    Tiles start at multiples of 16, the stride of the network, so that every tiling asks the network the same question
    about a pixel. The first tile starts at the edge of the scene and the last one ends at its padded edge; there the
    network itself meets the edge, as it does when the scene is not cut.

    Attributes:
        length: Pixels of the scene.
        padded: `length` rounded up to a multiple of 16.
        tile: Pixels of each tile.
        starts: First pixel of each tile.
        seams: Between each two neighbours, the middle of their overlap.
        blend: Width of the zone, centred on each seam, in which one tile fades into the next; even.
    """

    length: int
    padded: int
    tile: int
    starts: tuple[int, ...]
    seams: tuple[int, ...]
    blend: int

    @classmethod
    def whole(cls, length: int) -> Self:
        """One tile that covers everything."""
        padded = _up(length)
        return cls(length, padded, padded, (0,), (), 0)

    @classmethod
    def fit(cls, length: int, largest: int, halo: int) -> Self:
        """Equal tiles, as few as there can be and no longer than needed.

        Args:
            length: Pixels of the scene.
            largest: Longest tile, a multiple of 16.
            halo: Pixels of a tile that are not used at a cut.
        """
        padded = _up(length)
        if padded <= largest:
            return cls.whole(length)
        blend = BLEND if halo and largest > 2 * (halo + BLEND) else 0
        overlap = _up(2 * halo + blend)
        count = math.ceil((padded - overlap) / (largest - overlap))
        tile = _up(math.ceil((padded + (count - 1) * overlap) / count))
        starts = tuple(i * (padded - tile) // (count - 1) // STRIDE * STRIDE for i in range(count))
        seams = tuple((a + tile + b) // 2 for a, b in pairwise(starts))
        return cls(length, padded, tile, starts, seams, blend)

    @property
    def work(self) -> int:
        """Pixels of all tiles, with what they overlap."""
        return self.tile * len(self.starts)

    def used(self, index: int) -> tuple[int, int]:
        """First and last-plus-one pixel that a tile contributes to, blend zones included."""
        half = self.blend // 2
        first = self.seams[index - 1] - half if index else 0
        last = self.seams[index] + half if index < len(self.seams) else self.padded
        return first, last

    @property
    def ramp(self) -> NDArray[np.float32]:
        """Weights 0..1 over a blend zone, a raised cosine; a ramp and its mirror image add up to 1."""
        steps = (np.arange(self.blend) + 0.5) / max(self.blend, 1)
        return (0.5 - 0.5 * np.cos(np.pi * steps)).astype(np.float32)


def reflected(indices: NDArray[np.int_], length: int) -> NDArray[np.int_]:
    """Indices beyond an axis of `length` pixels, mirrored back into it without repeating the last pixel."""
    if length == 1:
        return np.zeros_like(indices)
    period = 2 * (length - 1)
    folded = indices % period
    return np.where(folded < length, folded, period - folded)


def _up(pixels: int) -> int:
    return -(-pixels // STRIDE) * STRIDE
