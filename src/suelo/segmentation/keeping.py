"""Finished strips of a scene that outlive the process, so that work which is cut short goes on where it was."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.statistics import BandStatistics
from suelo.segmentation.tiling import Spans

_FORM = 2
"""Number of the form in which strips are kept; another one makes strips of earlier versions unknown."""


@dataclass(frozen=True, slots=True)
class KeptStrip:
    """What the network makes of one strip, whatever its neighbours are: strips can be finished in any order.

    Attributes:
        rows: Probabilities on the network's grid in the rows that no other strip has a share in, uint8
            (10, rows, width).
        upper: Its weighted share of the zone in which the strip above fades into it, float32 (10, zone, width); None
            for the first strip.
        upper_valid: False where that zone has no data, bool (zone, width); None for the first strip.
        lower: Its weighted share of the zone in which it fades into the strip below; None for the last strip.
    """

    rows: NDArray[np.uint8]
    upper: NDArray[np.float32] | None
    upper_valid: NDArray[np.bool_] | None
    lower: NDArray[np.float32] | None

    def to_bytes(self) -> bytes:
        """The strip for a file, in NumPy's own format."""
        with io.BytesIO() as file:
            for array in (self.rows, self.upper, self.upper_valid, self.lower):
                np.save(file, np.empty((0, 0, 0, 0)) if array is None else array, allow_pickle=False)
            return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what `to_bytes` gave."""
        with io.BytesIO(content) as file:
            rows = np.load(file, allow_pickle=False)
            seams = [np.load(file, allow_pickle=False) for _ in range(3)]
        return cls(rows, *(None if array.ndim == 4 else array for array in seams))


class Keeper(Protocol):
    """A store of the finished strips of one scene, all of them made in the same way."""

    @property
    def kept(self) -> Collection[int]:
        """Numbers of the strips that an earlier run finished."""
        ...

    def load(self, index: int) -> KeptStrip:
        """A strip of an earlier run."""
        ...

    def save(self, index: int, strip: KeptStrip) -> None:
        """Keep a strip."""
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
    text = json.dumps([_FORM, model_sha256, statistics.to_json(), tiles], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
