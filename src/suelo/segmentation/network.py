"""The network over strips: tiles side by side, neighbours faded into each other, finished rows out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from suelo.landcover import CLASS_COUNT
from suelo.model.session import SMALL_PIXELS, Model
from suelo.segmentation.keeping import Keeper, KeptStrip
from suelo.segmentation.profile import Profile
from suelo.segmentation.reading import Strip
from suelo.segmentation.selection import FULL_SCALE, NO_DATA
from suelo.segmentation.tiling import Spans

_CACHED_VALUES = 1 << 16

Result = TypeVar("Result")


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
    count = len(down.starts)

    def begin(index: int) -> StripAtWork | None:
        return None if index == count or index in kept else StripAtWork(model, next(arriving), down, across, profile)

    at_work = begin(0)
    try:
        for index in range(count):
            if at_work is None:
                assert keeper is not None
                tiles_done(index * len(across.starts))
                finished = keeper.load(index)
            else:
                finished = at_work.result(tiles_done)
            # The network goes on while this strip is stored and written.
            before, at_work = at_work, begin(index + 1)
            if keeper is not None and before is not None:
                keeper.save(index, finished)
            del before
            yield finished
            del finished
    finally:
        if at_work is not None:
            at_work.stop()


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
    return StripAtWork(model, strip, down, across, profile).result(tiles_done)


class StripAtWork:
    """A strip whose tiles are on their way through the network."""

    def __init__(self, model: Model, strip: Strip, down: Spans, across: Spans, profile: Profile | None = None) -> None:
        """Begin with the tiles; the arguments are those of `finish_strip`."""
        self._strip = strip
        self._down = down
        self._across = across
        first, last = down.used(strip.index)
        self._first = first
        start = down.starts[strip.index]
        self._used = first - start, last - start
        self._above = down.blend if strip.index else 0
        below = down.blend if strip.index < len(down.starts) - 1 else 0
        self._finished = _Finished(
            rows=np.empty((CLASS_COUNT, last - below - first - self._above, across.padded), np.uint8),
            upper=np.zeros((CLASS_COUNT, self._above, across.padded), np.float32),
            lower=np.zeros((CLASS_COUNT, below, across.padded), np.float32),
            ramp=down.ramp[:, None],
        )
        tiles = _Tiles(model, strip, self._used, across, profile or Profile())
        work = [partial(tiles.run, index, self._finished) for index in range(len(across.starts))]
        # A chip is the only tile of its scene, and has no other that could be prepared meanwhile.
        chip = len(work) == len(down.starts) == 1 and down.tile * across.tile <= SMALL_PIXELS
        self._work = [_done(work[0])] if chip else [model.submit(run) for run in work]

    def result(self, tiles_done: Callable[[int], None]) -> KeptStrip:
        """Wait for the tiles and fade them into each other.

        Args:
            tiles_done: As for `finish_strip`; what it raises stops the work.
        """
        across, finished = self._across, self._finished
        before = self._strip.index * len(across.starts)
        try:
            fading: NDArray[np.float32] | None = None
            for index, tile in enumerate(self._work):
                tiles_done(before + index)
                left, right = tile.result()
                shares = [share for share in (fading, left) if share is not None]
                if shares:
                    finished.take(across.used(index)[0], sum(shares[1:], shares[0]))
                fading = right
        finally:
            self.stop()
        valid = self._strip.valid[slice(*self._used), : across.length]
        # The padding below the last row and beyond the last column is cut off.
        rows = finished.rows[:, : max(0, self._down.length - self._first - self._above), : across.length]
        inside = valid[self._above : self._above + rows.shape[1]]
        if not inside.all():
            np.copyto(rows, np.uint8(NO_DATA), where=~inside)
        is_last = self._strip.index == len(self._down.starts) - 1
        return KeptStrip(
            rows,
            finished.upper[:, :, : across.length] if self._strip.index else None,
            valid[: self._above] if self._strip.index else None,
            None if is_last else finished.lower[:, :, : across.length],
        )

    def stop(self) -> None:
        """Drop tiles that have not begun, and wait for those that have: nothing works on this strip afterwards."""
        for tile in self._work:
            tile.cancel()
        wait(self._work)


def _done(work: Callable[[], Result]) -> Future[Result]:
    """Do something here and now."""
    future: Future[Result] = Future()
    future.set_result(work())
    return future


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
