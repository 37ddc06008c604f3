"""Chooses the threshold of each class on validation scenes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suelo.landcover import CLASS_COUNT
from suelo.segmentation.selection import FULL_SCALE
from suelo.training.metrics import LevelCounts

LOWEST, HIGHEST = 25, 225
"""Thresholds stay within 0.1 and 0.9: beyond, few pixels decide."""

_SMOOTHING = 11


def choose_levels(*counts: LevelCounts) -> NDArray[np.int_]:
    """The level 0..250 per class (10,) with the best Jaccard index; the middle for a class that is not measurable.

    The curve is smoothed first: its top is flat, and the highest of many noisy values is a choice by chance.

    Args:
        counts: Of validation scenes alone: a threshold chosen on the scenes it is judged on flatters itself. With
            several kinds of scenes, the geometric mean of their indices is best: what one kind gains may not cost
            another one most of what it has. Only kinds in which a class is found at all have a say in it.
    """
    levels = np.full(CLASS_COUNT, FULL_SCALE // 2)
    curves = [found.jaccard() for found in counts]
    for row in range(CLASS_COUNT):
        measured = [
            np.nan_to_num(curve[row]) for curve, found in zip(curves, counts, strict=True) if found.inside[row].sum()
        ]
        if not measured:
            continue
        mean = np.exp(np.mean(np.log(np.maximum(measured, 1e-4)), axis=0))
        padded = np.pad(mean, _SMOOTHING // 2, mode="edge")
        smooth = np.convolve(padded, np.ones(_SMOOTHING) / _SMOOTHING, mode="valid")
        levels[row] = LOWEST + int(np.argmax(smooth[LOWEST : HIGHEST + 1]))
    return levels


def choose_thresholds(counts: LevelCounts) -> tuple[float, ...]:
    """`choose_levels` as probabilities, for the contract of a model."""
    return tuple(int(level) / FULL_SCALE for level in choose_levels(counts))
