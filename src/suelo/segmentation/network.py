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


def probability_rows(
    model: Model,
    strips: Iterable[Strip],
    down: Spans,
    across: Spans,
    tiles_done: Callable[[int], None],
    keeper: Keeper | None = None,
) -> Generator[NDArray[np.uint8]]:
    """Run the network over the tiles of each strip; strips that an earlier run finished are taken from there.

    Args:
        model: The network.
        strips: Pixels of the rows of tiles, top to bottom; without those that the keeper has.
        down: Tiles along the height.
        across: Tiles along the width.
        tiles_done: Called before each batch with the number of tiles that are done.
        keeper: Has finished strips, and takes new ones.

    Yields:
        Probabilities uint8 (10, rows, width), top to bottom: 0..250 for 0..1, 255 where there is no data.
    """
    half = down.blend // 2
    ramp = down.ramp[:, None]
    fading: NDArray[np.float32] | None = None
    written = 0
    if keeper is not None:
        for index in range(keeper.count):
            tiles_done(index * len(across.starts))
            kept = keeper.load(index)
            fading = kept.fading
            written += kept.rows.shape[1]
            yield kept.rows
    for strip in strips:
        first, last = down.used(strip.index)
        start = down.starts[strip.index]
        is_last = strip.index == len(down.starts) - 1
        finished = last - (0 if is_last else 2 * half)
        rows = np.zeros((CLASS_COUNT, finished - written, across.padded), np.uint8)
        fades = None if is_last else np.zeros((CLASS_COUNT, 2 * half, across.padded), np.float32)
        for column, part in _strip_parts(model, strip, (first - start, last - start), across, tiles_done):
            columns = slice(column, column + part.shape[2])
            if fading is not None:
                part[:, : 2 * half] = part[:, : 2 * half] * ramp + fading[:, :, columns]
            if fades is not None:
                fades[:, :, columns] = part[:, finished - first :] * ramp[::-1]
            rows[:, :, columns] = quantise(part[:, : finished - first])
        fading = fades
        valid = strip.valid[written - start : finished - start]
        if not valid.all():
            rows[:, ~valid] = NO_DATA
        # The padding below the last row is cut off; above it every row counts.
        rows = rows[:, : max(0, down.length - written), : across.length]
        if keeper is not None:
            keeper.save(strip.index, KeptStrip(rows, fading))
        yield rows
        written = finished


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
