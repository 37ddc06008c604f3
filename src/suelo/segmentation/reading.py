"""Strips of normalised pixels for the network, on its own grid, each row read from the file once."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.grid import Grid, Window
from suelo.imagery.resampling import Axis, resample
from suelo.imagery.scene import Scene
from suelo.imagery.statistics import BandStatistics, stretch
from suelo.model.contract import ModelContract
from suelo.segmentation.profile import Profile
from suelo.segmentation.tiling import Spans, Tiling, reflected

GSD_TOLERANCE = 1.25
"""A scene whose pixels are higher or wider than the model's, or less so, by more than this factor is resampled."""

_BLOCK_ROWS = 128
"""Rows of the file that are read at a time, from multiples of it: what a strip needs beyond its own memory."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Pixels of one row of tiles.

    Attributes:
        index: Number of the strip from the top.
        values: The file's own numbers (8, tile height, padded width): of its own type where that is uint8 or uint16,
            which halves the memory or better, else float32.
        valid: bool (tile height, padded width).
        statistics: What normalises the values.
    """

    index: int
    values: NDArray[np.generic]
    valid: NDArray[np.bool_]
    statistics: BandStatistics

    def normalised(self, start: int, width: int) -> NDArray[np.float32]:
        """Some columns for the network, float32 (1, 8, tile height, width)."""
        part = slice(start, start + width)
        out = np.empty((1, len(self.values), len(self.valid), width), np.float32)
        stretch(self.values[:, :, part], self.valid[:, part], self.statistics, out[0])
        return out


class Rows(Protocol):
    """Pixels on the network's grid, read from top to bottom."""

    grid: Grid
    dtype: np.dtype[Any]

    def read(self, start: int, stop: int) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """Values and validity of rows `start` to `stop`, not normalised; no call goes back behind the one before."""
        ...


class NativeRows:
    """The scene's own pixels."""

    def __init__(self, scene: Scene) -> None:
        """Read from `scene`."""
        self.grid = scene.grid
        self.dtype = np.dtype(scene.dtype if scene.dtype in {"uint8", "uint16"} else np.float32)
        self._scene = scene

    def read(self, start: int, stop: int) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """See `Rows.read`."""
        window = Window(start, 0, stop - start, self.grid.width)
        if self.dtype == np.float32:
            pixels = self._scene.read(window)
            return pixels.values, pixels.valid
        return self._scene.samples(window)


class ResampledRows:
    """The scene on a grid with the model's ground sampling distance.

    The validity of the scene's own pixels is kept, packed, until `take_valid` asks for it.
    """

    def __init__(self, scene: Scene, grid: Grid) -> None:
        """Read from `scene` for `grid`, which covers the same ground."""
        self.grid = grid
        self.dtype = np.dtype(np.float32)
        self._scene = scene
        self._rows = Axis(scene.grid.height, grid.height)
        self._columns = Axis(scene.grid.width, grid.width).weights(0, grid.width)
        self._valid: dict[int, NDArray[np.uint8]] = {}
        self._next_row = 0
        self._taken = 0

    def read(self, start: int, stop: int) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
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
        return values, valid

    def take_valid(self, count: int) -> NDArray[np.bool_]:
        """Validity of the next `count` rows of the scene itself; what has been passed over is read now."""
        width = self._scene.grid.width
        rows = range(self._taken, self._taken + count)
        self._taken += count
        valid = np.empty((count, width), np.bool_)
        for missing, group in groupby(rows, lambda row: row not in self._valid):
            some = list(group)
            part = valid[some[0] - rows.start : some[-1] + 1 - rows.start]
            if missing:
                part[:] = self._scene.read(Window(some[0], 0, len(some), width)).valid
            else:
                part[:] = np.unpackbits(np.stack([self._valid.pop(row) for row in some]), axis=1, count=width)
        return valid

    def _keep(self, valid: NDArray[np.bool_], first: int) -> None:
        # Neighbouring blocks share a source row or two.
        start = max(first, self._next_row)
        self._next_row = first + len(valid)
        self._valid.update(zip(range(start, self._next_row), np.packbits(valid[start - first :], axis=1), strict=True))


def network_view(
    scene: Scene, contract: ModelContract, tiling: Tiling | None = None
) -> tuple[NativeRows | ResampledRows, Spans, Spans]:
    """A scene as the network sees it.

    Args:
        scene: The image.
        contract: What the model asks for.
        tiling: How the scene is cut; what the model asks for by default.

    Returns:
        Its pixels on the network's grid, and the tiles along the height and the width of that grid.
    """
    grid = _network_grid(scene.grid, contract.gsd_m)
    rows = NativeRows(scene) if grid.shape == scene.grid.shape else ResampledRows(scene, grid)
    return rows, *(tiling or Tiling.of(contract)).spans(grid.height, grid.width)


def _network_grid(scene: Grid, gsd_m: float) -> Grid:
    """The scene's own grid, or one with pixels of about `gsd_m` by `gsd_m` metres."""
    down, across = (side / gsd_m for side in scene.pixel_m)
    if all(1 / GSD_TOLERANCE <= ratio <= GSD_TOLERANCE for ratio in (down, across)):
        return scene
    return scene.resampled(max(1, round(scene.height * down)), max(1, round(scene.width * across)))


def read_strips(
    rows: Rows,
    statistics: BandStatistics,
    down: Spans,
    across: Spans,
    wanted: Sequence[int] | None = None,
    profile: Profile | None = None,
) -> Generator[Strip]:
    """Strips of pixels for rows of tiles, top to bottom.

    Args:
        rows: Where pixels come from.
        statistics: Normalises them, later.
        down: Tiles along the height.
        across: Tiles along the width.
        wanted: Numbers of the strips to read, in order; all by default.
        profile: Told where the time goes.

    Yields:
        One strip per tile of `down`; beyond the scene's bottom and right edges pixels are mirrored.
    """
    profile = profile or Profile()
    before: Strip | None = None
    read_to = 0
    for index in range(len(down.starts)) if wanted is None else wanted:
        start = down.starts[index]
        stop = min(start + down.tile, down.length)
        values = np.empty((8, down.tile, across.padded), rows.dtype)
        valid = np.empty((down.tile, across.padded), np.bool_)
        if before is None or before.index != index - 1:
            read_to = start
        else:
            offset = start - down.starts[index - 1]
            kept = read_to - start
            values[:, :kept] = before.values[:, offset : offset + kept]
            valid[:kept] = before.valid[offset : offset + kept]
        with profile.stage("read"):
            while read_to < stop:
                end = min(read_to // _BLOCK_ROWS * _BLOCK_ROWS + _BLOCK_ROWS, stop)
                part = slice(read_to - start, end - start)
                values[:, part, : across.length], valid[part, : across.length] = rows.read(read_to, end)
                read_to = end
        _mirror_edges(values, valid, down, across, start)
        before = Strip(index, values, valid, statistics)
        yield before


def _mirror_edges(
    values: NDArray[np.generic], valid: NDArray[np.bool_], down: Spans, across: Spans, start: int
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
