"""Labelled scenes: what a training learns from, wherever it was made or measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.scene import Pixels
from suelo.imagery.statistics import BandStatistics, normalise
from suelo.segmentation.selection import FULL_SCALE, NO_DATA

LOW_PERCENTILE, HIGH_PERCENTILE = 1.0, 99.0

UNKNOWN = NO_DATA
"""In a truth array: nobody said whether the pixel belongs to the class."""


@dataclass(frozen=True)
class LabelledScene:
    """A scene with its truth, at the ground sampling distance of the network.

    Attributes:
        values: Numbers of the file, (8, H, W).
        truth: Share of the pixel that each class covers, 0..250 = 0..1, `UNKNOWN` where it counts for nothing in
            loss and metric, uint8 (10, H, W).
        valid: bool, (H, W): False where the scene has no data.
        statistics: Percentiles of the whole scene.
        name: What it is called.
    """

    values: NDArray[np.generic]
    truth: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    statistics: BandStatistics
    name: str = ""

    def normalised(self) -> NDArray[np.float32]:
        """The whole scene as input of the network, (8, H, W)."""
        return normalise(Pixels(np.asarray(self.values, np.float32), np.asarray(self.valid)), self.statistics)

    def members(self) -> NDArray[np.bool_]:
        """Pixels that a class covers by half or more, bool (10, H, W)."""
        return members(np.asarray(self.truth))

    def known(self) -> NDArray[np.bool_]:
        """Pixels that count, per class, bool (10, H, W)."""
        known: NDArray[np.bool_] = (np.asarray(self.truth) != UNKNOWN) & self.valid
        return known


def members(truth: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a truth array says that a class covers half of a pixel or more."""
    inside: NDArray[np.bool_] = (truth >= FULL_SCALE // 2) & (truth != UNKNOWN)
    return inside


def band_statistics(values: NDArray[np.generic], valid: NDArray[np.bool_]) -> BandStatistics:
    """Percentiles per band of an array (8, H, W) over its valid pixels; 0 and 1 if there is none."""
    sample = np.asarray(values)[:, np.asarray(valid)].astype(np.float32)
    if sample.size == 0:
        low, high = np.zeros(len(values)), np.ones(len(values))
    else:
        low, high = np.percentile(sample, (LOW_PERCENTILE, HIGH_PERCENTILE), axis=1)
    return BandStatistics(
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        low_percentile=LOW_PERCENTILE,
        high_percentile=HIGH_PERCENTILE,
        valid_fraction=float(np.mean(valid)),
    )
