"""Average precision: how well probabilities rank the pixels of a class above the others, at no threshold at all."""

from __future__ import annotations

import numpy as np

from suelo.training.metrics import LevelCounts


def average_precision(counts: LevelCounts) -> tuple[float | None, ...]:
    """Average precision of each class (10); None for a class that is nowhere in the truth.

    AP = Σ (R_k - R_(k-1)) P_k over the stored levels from the highest to the lowest, with precision P and recall R of
    "probability is at least this level": the area under the precision-recall curve without interpolation. Pixels of
    the same level share one step, so that their order does not matter.

    Args:
        counts: Of all scenes: a scene is never ranked by itself.
    """
    found: list[float | None] = []
    for inside, outside in zip(counts.inside, counts.outside, strict=True):
        right, wrong = np.cumsum(inside[::-1]), np.cumsum(outside[::-1])
        if right[-1] == 0:
            found.append(None)
            continue
        precision = right / np.maximum(right + wrong, 1)
        found.append(float(np.sum(inside[::-1] * precision) / right[-1]))
    return tuple(found)
