"""Probabilities from the network's grid back onto the scene's own, a few rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.grid import Grid
from suelo.imagery.resampling import Axis, resample
from suelo.segmentation.selection import NO_DATA

_BLOCK_ROWS = 256


def restored_rows(
    rows: Iterable[NDArray[np.uint8]],
    network: Grid,
    scene: Grid,
    take_valid: Callable[[int], NDArray[np.bool_]],
) -> Generator[NDArray[np.uint8]]:
    """Resample streamed probabilities; pixels of the network's grid without data have no weight.

    Args:
        rows: Probabilities uint8 (10, rows, network width), top to bottom.
        network: Their grid.
        scene: The grid wanted.
        take_valid: Gives the validity of the next rows of the scene.

    Yields:
        Probabilities uint8 (10, rows, scene width), top to bottom; 255 where the scene has no data.
    """
    down = Axis(network.height, scene.height)
    columns = Axis(network.width, scene.width).weights(0, scene.width)
    waiting = np.empty((0, 0, 0), np.uint8)
    first = received = written = 0
    for part in rows:
        waiting = np.concatenate((waiting, part), axis=1) if waiting.size else part
        received += part.shape[1]
        while written < scene.height:
            stop = min(written + _BLOCK_ROWS, scene.height)
            start, end = down.support(written, stop)
            if end > received:
                break
            block = waiting[:, start - first : end - first]
            values, _ = resample(block.astype(np.float32), block[0] != NO_DATA, down.weights(written, stop), columns)
            values += 0.5
            restored = values.astype(np.uint8)
            valid = take_valid(stop - written)
            restored[:, ~valid] = NO_DATA
            yield restored
            written = stop
        if written < scene.height:
            keep = down.support(written, written + 1)[0]
            waiting, first = waiting[:, keep - first :], keep
