"""Finished strips of a scene that outlive the process, so that work which is cut short goes on where it was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.statistics import BandStatistics
from suelo.segmentation.tiling import Spans


@dataclass(frozen=True, slots=True)
class KeptStrip:
    """What one strip leaves behind.

    Attributes:
        rows: Finished probabilities on the network's grid, uint8 (10, rows, width).
        fading: Its share of the zone in which it fades into the next strip, float32 (10, rows, padded width); None
            for the last strip.
    """

    rows: NDArray[np.uint8]
    fading: NDArray[np.float32] | None


class Keeper(Protocol):
    """A store of the finished strips of one scene, all of them made in the same way."""

    @property
    def count(self) -> int:
        """Strips that an earlier run finished: numbers 0 to `count` - 1."""
        ...

    def load(self, index: int) -> KeptStrip:
        """A strip of an earlier run."""
        ...

    def save(self, index: int, strip: KeptStrip) -> None:
        """Keep a strip; they come in order."""
        ...


def fingerprint(model_sha256: str, statistics: BandStatistics, down: Spans, across: Spans) -> str:
    """A short digest of all that decides the values in the strips of one scene, the scene itself aside.

    Args:
        model_sha256: Hash of the model file.
        statistics: What normalises the pixels.
        down: Tiles along the height.
        across: Tiles along the width.
    """
    tiles = [[span.length, span.tile, span.blend, span.starts] for span in (down, across)]
    text = json.dumps([model_sha256, statistics.to_json(), tiles], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
