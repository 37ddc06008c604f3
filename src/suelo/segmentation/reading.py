"""Strips of normalised pixels for the network, on its own grid, each row read from the file once."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.grid import Grid, Window
from suelo.imagery.resampling import Axis, resample
from suelo.imagery.scene import Pixels, Scene
from suelo.imagery.statistics import BandStatistics, normalise
from suelo.segmentation.tiling import Spans, reflected

GSD_TOLERANCE = 1.25
"""A scene whose ground sampling distance is further off the model's than this factor is resampled."""

_BLOCK_ROWS = 256
"""Rows of the file that are read at a time: what a strip needs beyond its own memory."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Pixels of one row of tiles.

    Attributes:
        index: Number of the strip from the top.
        values: Normalised float32 (8, tile height, padded width).
        valid: bool (tile height, padded width).
    """

    index: int
    values: NDArray[np.float32]
    valid: NDArray[np.bool_]


class Rows(Protocol):
    """Pixels on the network's grid, read from top to bottom."""

    grid: Grid

    def read(self, start: int, stop: int) -> Pixels:
        """Rows `start` to `stop`, not normalised; each call goes on where the one before ended."""
        ...


class NativeRows:
    """The scene's own pixels."""

    def __init__(self, scene: Scene) -> None:
        """Read from `scene`."""
        self.grid = scene.grid
        self._scene = scene

    def read(self, start: int, stop: int) -> Pixels:
        """See `Rows.read`."""
        return self._scene.read(Window(start, 0, stop - start, self.grid.width))


class ResampledRows:
    """The scene on a grid with the model's ground sampling distance.

    The validity of the scene's own pixels is kept, packed, until `take_valid` asks for it.
    """

    def __init__(self, scene: Scene, grid: Grid, first: int = 0) -> None:
        """Read from `scene` for `grid`, which covers the same ground, from row `first` of it on."""
        self.grid = grid
        self._scene = scene
        self._rows = Axis(scene.grid.height, grid.height)
        self._columns = Axis(scene.grid.width, grid.width).weights(0, grid.width)
        self._valid: deque[NDArray[np.uint8]] = deque()
        self._next_row = self._rows.support(first, first + 1)[0] if first < grid.height else scene.grid.height
        self._passed_over = self._next_row
        self._taken = 0

    def read(self, start: int, stop: int) -> Pixels:
        """See `Rows.read`."""
        step = max(1, int(_BLOCK_ROWS * self.grid.height / self._scene.grid.height))
        values = np.empty((8, stop - start, self.grid.width), np.float32)
        valid = np.empty((stop - start, self.grid.width), np.bool_)
        for row in range(start, stop, step):
            end = min(row + step, stop)
            first, last = self._rows.support(row, end)
            native = self._scene.read(Window(first, 0, last - first, self._scene.grid.width))
            self._keep(native.valid, first)
            part = slice(row - start, end - start)
            resampled, weight = resample(native.values, native.valid, self._rows.weights(row, end), self._columns)
            values[:, part], valid[part] = resampled, weight > 0
        return Pixels(values, valid)

    def take_valid(self, count: int) -> NDArray[np.bool_]:
        """Validity of the next `count` rows of the scene itself, which have been read already or passed over."""
        width = self._scene.grid.width
        parts = []
        over = min(count, max(0, self._passed_over - self._taken))
        if over:
            parts.append(self._scene.read(Window(self._taken, 0, over, width)).valid)
        if over < count:
            packed = [self._valid.popleft() for _ in range(count - over)]
            parts.append(np.unpackbits(np.stack(packed), axis=1, count=width).astype(np.bool_))
        self._taken += count
        return np.concatenate(parts)

    def _keep(self, valid: NDArray[np.bool_], first: int) -> None:
        # Neighbouring blocks share a source row or two.
        self._valid.extend(np.packbits(valid[self._next_row - first :], axis=1))
        self._next_row = first + len(valid)


def network_grid(scene: Grid, gsd_m: float) -> Grid:
    """The grid that the network sees: the scene's own one, or one with about `gsd_m` metres per pixel."""
    ratio = scene.gsd_m / gsd_m
    if 1 / GSD_TOLERANCE <= ratio <= GSD_TOLERANCE:
        return scene
    return scene.resampled(max(1, round(scene.height * ratio)), max(1, round(scene.width * ratio)))


def read_strips(rows: Rows, statistics: BandStatistics, down: Spans, across: Spans, first: int = 0) -> Generator[Strip]:
    """Strips of pixels for rows of tiles, top to bottom.

    Args:
        rows: Where pixels come from.
        statistics: Normalises them.
        down: Tiles along the height.
        across: Tiles along the width.
        first: Number of the strip to begin with.

    Yields:
        One strip per tile of `down`; beyond the scene's bottom and right edges pixels are mirrored.
    """
    before: Strip | None = None
    read_to = down.starts[first] if first < len(down.starts) else 0
    for index, start in list(enumerate(down.starts))[first:]:
        stop = min(start + down.tile, down.length)
        values = np.empty((8, down.tile, across.padded), np.float32)
        valid = np.empty((down.tile, across.padded), np.bool_)
        if before is not None:
            offset = start - down.starts[index - 1]
            kept = read_to - start
            values[:, :kept] = before.values[:, offset : offset + kept]
            valid[:kept] = before.valid[offset : offset + kept]
        for row in range(read_to, stop, _BLOCK_ROWS):
            end = min(row + _BLOCK_ROWS, stop)
            pixels = rows.read(row, end)
            part = slice(row - start, end - start)
            values[:, part, : across.length] = normalise(pixels, statistics)
            valid[part, : across.length] = pixels.valid
        read_to = stop
        _mirror_edges(values, valid, down, across, start)
        before = Strip(index, values, valid)
        yield before


def _mirror_edges(
    values: NDArray[np.float32], valid: NDArray[np.bool_], down: Spans, across: Spans, start: int
) -> None:
    """Fill what lies beyond the scene: pixels mirrored for the network, none of them valid."""
    if across.padded > across.length:
        columns = reflected(np.arange(across.length, across.padded), across.length)
        values[:, :, across.length :] = values[:, :, columns]
        valid[:, across.length :] = False
    below = np.arange(down.length, start + down.tile)
    if below.size:
        values[:, -below.size :] = values[:, reflected(below, down.length) - start]
        valid[-below.size :] = False
