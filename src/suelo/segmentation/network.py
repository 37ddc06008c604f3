"""The network over strips: batches of tiles, neighbours faded into each other, finished rows out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from suelo.landcover import CLASS_COUNT
from suelo.model.session import Model
from suelo.segmentation.keeping import Keeper, KeptStrip
from suelo.segmentation.reading import Strip
from suelo.segmentation.selection import FULL_SCALE, NO_DATA
from suelo.segmentation.tiling import Spans

BATCH_PIXELS = 512 * 512
"""Tiles are put together into batches of at most this many pixels, or one tile."""


def finished_strips(
    model: Model,
    strips: Iterable[Strip],
    down: Spans,
    across: Spans,
    tiles_done: Callable[[int], None],
    keeper: Keeper | None = None,
) -> Generator[KeptStrip]:
    """Run the network over strips; those that an earlier run finished are taken from there.

    Args:
        model: The network.
        strips: Pixels of the rows of tiles, top to bottom; without those that the keeper has.
        down: Tiles along the height.
        across: Tiles along the width.
        tiles_done: Called before each batch with the number of tiles that are done.
        keeper: Has finished strips, and takes new ones.

    Yields:
        Every strip, top to bottom.
    """
    kept = keeper.kept if keeper is not None else ()
    arriving = iter(strips)
    for index in range(len(down.starts)):
        if keeper is not None and index in kept:
            tiles_done(index * len(across.starts))
            yield keeper.load(index)
            continue
        finished = finish_strip(model, next(arriving), down, across, tiles_done)
        if keeper is not None:
            keeper.save(index, finished)
        yield finished


def finish_strip(
    model: Model, strip: Strip, down: Spans, across: Spans, tiles_done: Callable[[int], None]
) -> KeptStrip:
    """Run the network over the tiles of one strip.

    Args:
        model: The network.
        strip: Pixels of a row of tiles.
        down: Tiles along the height.
        across: Tiles along the width.
        tiles_done: Called before each batch with the number of tiles that are done, those of the strips above counted.
    """
    first, last = down.used(strip.index)
    start = down.starts[strip.index]
    above = down.blend if strip.index else 0
    below = down.blend if strip.index < len(down.starts) - 1 else 0
    top, bottom = first + above, last - below
    ramp = down.ramp[:, None]
    rows = np.empty((CLASS_COUNT, bottom - top, across.padded), np.uint8)
    upper = np.empty((CLASS_COUNT, above, across.padded), np.float32)
    lower = np.empty((CLASS_COUNT, below, across.padded), np.float32)
    for column, part in _strip_parts(model, strip, (first - start, last - start), across, tiles_done):
        columns = slice(column, column + part.shape[2])
        if above:
            np.multiply(part[:, :above], ramp, out=upper[:, :, columns])
        if below:
            np.multiply(part[:, -below:], ramp[::-1], out=lower[:, :, columns])
        rows[:, :, columns] = quantise(part[:, above : bottom - first])
    valid = strip.valid[first - start : last - start, : across.length]
    # The padding below the last row and beyond the last column is cut off.
    rows = rows[:, : max(0, down.length - top), : across.length]
    rows[:, ~valid[above : above + rows.shape[1]]] = NO_DATA
    return KeptStrip(
        rows,
        upper[:, :, : across.length] if strip.index else None,
        valid[:above] if strip.index else None,
        lower[:, :, : across.length] if strip.index < len(down.starts) - 1 else None,
    )


def joined(strips: Iterable[KeptStrip], height: int) -> Generator[NDArray[np.uint8]]:
    """Put the strips of a scene together.

    Args:
        strips: All of them, top to bottom.
        height: Rows of the scene.

    Yields:
        Probabilities uint8 (10, rows, width), top to bottom: 0..250 for 0..1, 255 where there is no data.
    """
    written = 0
    lower: NDArray[np.float32] | None = None
    for strip in strips:
        if lower is not None and strip.upper is not None and strip.upper_valid is not None and lower.size:
            zone = quantise(strip.upper + lower)
            zone[:, ~strip.upper_valid] = NO_DATA
            zone = zone[:, : height - written]
            written += zone.shape[1]
            yield zone
        lower = strip.lower
        written += strip.rows.shape[1]
        yield strip.rows


def _strip_parts(
    model: Model, strip: Strip, used: tuple[int, int], across: Spans, tiles_done: Callable[[int], None]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Finished columns of a strip, left to right: first column and probabilities (10, used rows, columns)."""
    half = across.blend // 2
    ramp = across.ramp
    fading: NDArray[np.float32] | None = None
    count = len(across.starts)
    for index, tile in enumerate(_tiles(model, strip, used, across, tiles_done)):
        first, last = across.used(index)
        start = across.starts[index]
        if tile is None:
            part = np.zeros((CLASS_COUNT, used[1] - used[0], last - first), np.float32)
        else:
            part = tile[:, used[0] : used[1], first - start : last - start]
        if fading is not None:
            part[:, :, : 2 * half] = part[:, :, : 2 * half] * ramp + fading
        if index == count - 1:
            yield first, part
        else:
            finished = last - first - 2 * half
            fading = part[:, :, finished:] * ramp[::-1]
            yield first, part[:, :, :finished]


def _tiles(
    model: Model, strip: Strip, used: tuple[int, int], across: Spans, tiles_done: Callable[[int], None]
) -> Iterator[NDArray[np.float32] | None]:
    """Probabilities (10, tile, tile) of each tile of a strip; None for tiles without a valid pixel."""
    batch = max(1, BATCH_PIXELS // (strip.valid.shape[0] * across.tile))
    needed = []
    for index in range(len(across.starts)):
        first, last = across.used(index)
        needed.append(bool(strip.valid[used[0] : used[1], first:last].any()))
    before = strip.index * len(across.starts)
    for group in range(0, len(needed), batch):
        tiles_done(before + group)
        members = range(group, min(group + batch, len(needed)))
        starts = [across.starts[i] for i in members if needed[i]]
        if starts:
            results = iter(model.predict(np.stack([strip.values[:, :, s : s + across.tile] for s in starts])))
        for i in members:
            yield next(results) if needed[i] else None


def quantise(probabilities: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Probabilities 0..1 as uint8 0..250, rounded."""
    scaled = probabilities * np.float32(FULL_SCALE)
    scaled += np.float32(0.5)
    return scaled.astype(np.uint8)
