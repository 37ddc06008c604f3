"""The network over strips: tiles side by side, neighbours faded into each other, finished rows out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from suelo.landcover import CLASS_COUNT
from suelo.model.session import Model
from suelo.segmentation.keeping import Keeper, KeptStrip
from suelo.segmentation.profile import Profile
from suelo.segmentation.reading import Strip
from suelo.segmentation.selection import FULL_SCALE, NO_DATA
from suelo.segmentation.tiling import Spans

_CACHED_VALUES = 1 << 15


def finished_strips(
    model: Model,
    strips: Iterable[Strip],
    down: Spans,
    across: Spans,
    tiles_done: Callable[[int], None],
    keeper: Keeper | None = None,
    profile: Profile | None = None,
) -> Generator[KeptStrip]:
    """Run the network over strips; those that an earlier run finished are taken from there.

    Args:
        model: The network.
        strips: Pixels of the rows of tiles, top to bottom; without those that the keeper has.
        down: Tiles along the height.
        across: Tiles along the width.
        tiles_done: Called before each tile with the number of tiles that are done.
        keeper: Has finished strips, and takes new ones.
        profile: Told where the time goes.

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
        finished = finish_strip(model, next(arriving), down, across, tiles_done, profile)
        if keeper is not None:
            keeper.save(index, finished)
        yield finished


def finish_strip(
    model: Model,
    strip: Strip,
    down: Spans,
    across: Spans,
    tiles_done: Callable[[int], None],
    profile: Profile | None = None,
) -> KeptStrip:
    """Run the network over the tiles of one strip.

    Args:
        model: The network.
        strip: Pixels of a row of tiles.
        down: Tiles along the height.
        across: Tiles along the width.
        tiles_done: Called before each tile with the number of tiles that are done, those of the strips above counted.
        profile: Told where the time goes.
    """
    first, last = down.used(strip.index)
    start = down.starts[strip.index]
    above = down.blend if strip.index else 0
    below = down.blend if strip.index < len(down.starts) - 1 else 0
    finished = _Finished(
        rows=np.empty((CLASS_COUNT, last - below - first - above, across.padded), np.uint8),
        upper=np.zeros((CLASS_COUNT, above, across.padded), np.float32),
        lower=np.zeros((CLASS_COUNT, below, across.padded), np.float32),
        ramp=down.ramp[:, None],
    )
    tiles = _Tiles(model, strip, (first - start, last - start), across, profile or Profile())
    _run(tiles, finished, tiles_done)
    valid = strip.valid[first - start : last - start, : across.length]
    # The padding below the last row and beyond the last column is cut off.
    rows = finished.rows[:, : max(0, down.length - first - above), : across.length]
    inside = valid[above : above + rows.shape[1]]
    if not inside.all():
        np.copyto(rows, np.uint8(NO_DATA), where=~inside)
    return KeptStrip(
        rows,
        finished.upper[:, :, : across.length] if strip.index else None,
        valid[:above] if strip.index else None,
        finished.lower[:, :, : across.length] if strip.index < len(down.starts) - 1 else None,
    )


@dataclass(frozen=True, slots=True)
class _Finished:
    """Takes the probabilities of a strip, a few columns at a time: see `KeptStrip`."""

    rows: NDArray[np.uint8]
    upper: NDArray[np.float32]
    lower: NDArray[np.float32]
    ramp: NDArray[np.float32]

    def take(self, column: int, part: NDArray[np.float32]) -> None:
        """Take columns from `column` on, (10, used rows, columns)."""
        columns = slice(column, column + part.shape[2])
        above, below = self.upper.shape[1], self.lower.shape[1]
        bottom = part.shape[1] - below
        if above:
            np.multiply(part[:, :above], self.ramp, out=self.upper[:, :, columns])
        if below:
            np.multiply(part[:, bottom:], self.ramp[::-1], out=self.lower[:, :, columns])
        quantise(part[:, above:bottom], self.rows[:, :, columns])


@dataclass(frozen=True, slots=True)
class _Tiles:
    """The tiles of a strip.

    Attributes:
        model: The network.
        strip: Their pixels.
        used: First and last-plus-one row of the strip that it contributes to.
        across: Their columns.
        profile: Told where the time goes.
    """

    model: Model
    strip: Strip
    used: tuple[int, int]
    across: Spans
    profile: Profile

    def run(self, index: int, finished: _Finished) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
        """Run the network over one tile; it may be done in any thread.

        Returns:
            Its weighted shares of the zones in which it fades into the tiles to the left and to the right, float32
            (10, used rows, zone); None where there is no such tile, or no data.
        """
        across, (top, bottom) = self.across, self.used
        first, last = across.used(index)
        if not self.strip.valid[top:bottom, first:last].any():
            return None, None
        start = across.starts[index]
        with self.profile.stage("normalise"):
            images = self.strip.normalised(start, across.tile)
        before = across.blend if index else 0
        after = across.blend if index < len(across.starts) - 1 else 0
        with ExitStack() as stack:
            with self.profile.stage("network"):
                probabilities = stack.enter_context(self.model.run(images))[0]
            self.profile.add_network_pixels(images.shape[2] * images.shape[3])
            with self.profile.stage("blend"):
                part = probabilities[:, top:bottom, first - start : last - start]
                width = part.shape[2]
                finished.take(first + before, part[:, :, before : width - after])
                left = part[:, :, :before] * across.ramp if before else None
                right = part[:, :, width - after :] * across.ramp[::-1] if after else None
        return left, right


def _run(tiles: _Tiles, finished: _Finished, tiles_done: Callable[[int], None]) -> None:
    across = tiles.across
    count = len(across.starts)
    before = tiles.strip.index * count
    work = [tiles.model.submit(partial(tiles.run, index, finished)) for index in range(count)]
    try:
        fading: NDArray[np.float32] | None = None
        for index, tile in enumerate(work):
            tiles_done(before + index)
            left, right = tile.result()
            if index:
                shares = [share for share in (fading, left) if share is not None]
                if shares:
                    finished.take(across.used(index)[0], sum(shares[1:], shares[0]))
            fading = right
    finally:
        # Whatever happens, nothing works on this strip any more when control returns.
        for tile in work:
            tile.cancel()
        wait(work)


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


def quantise(probabilities: NDArray[np.float32], out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Probabilities 0..1 (classes, rows, columns) as uint8 0..250, rounded; into `out` where it is given."""
    quantised = np.empty(probabilities.shape, np.uint8) if out is None else out
    # A few rows at a time stay in the processor's cache from one step to the next.
    rows = max(1, _CACHED_VALUES // max(1, probabilities.shape[-1]))
    scaled = np.empty((min(rows, probabilities.shape[-2]), probabilities.shape[-1]), np.float32)
    for band, result in zip(probabilities, quantised, strict=True):
        for start in range(0, len(band), rows):
            part = band[start : start + rows]
            values = scaled[: len(part)]
            np.multiply(part, np.float32(FULL_SCALE), out=values)
            values += np.float32(0.5)
            np.copyto(result[start : start + rows], values, casting="unsafe")
    return quantised
