"""The metric of the DSTL competition: Jaccard per class with areas summed over all scenes, then the plain mean."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from suelo.landcover import CLASS_COUNT
from suelo.segmentation.network import quantise
from suelo.segmentation.selection import FULL_SCALE, NO_DATA


@dataclass
class JaccardCounts:
    """Intersections and unions per class, summed over scenes.

    The index of a scene is never averaged with that of another: a scene with two buildings would weigh as much as a
    town. A class that is in neither truth nor prediction of any scene is not measurable (None), never perfect.

    Attributes:
        intersection: Pixels in truth and prediction, int64 (10,).
        union: Pixels in truth or prediction, int64 (10,).
        truth: Pixels in truth, int64 (10,).
    """

    intersection: NDArray[np.int64] = field(default_factory=lambda: np.zeros(CLASS_COUNT, np.int64))
    union: NDArray[np.int64] = field(default_factory=lambda: np.zeros(CLASS_COUNT, np.int64))
    truth: NDArray[np.int64] = field(default_factory=lambda: np.zeros(CLASS_COUNT, np.int64))

    def add(self, predicted: NDArray[np.bool_], truth: NDArray[np.bool_], valid: NDArray[np.bool_]) -> None:
        """Add one scene.

        Args:
            predicted: (10, H, W).
            truth: (10, H, W).
            valid: (H, W): pixels outside count for nothing.
        """
        _check_shapes(predicted, truth, valid)
        predicted, truth = predicted & valid, truth & valid
        self.intersection = self.intersection + (predicted & truth).sum(axis=(1, 2))
        self.union = self.union + (predicted | truth).sum(axis=(1, 2))
        self.truth = self.truth + truth.sum(axis=(1, 2))

    def __add__(self, other: JaccardCounts) -> JaccardCounts:
        """The counts of both sets of scenes."""
        return JaccardCounts(self.intersection + other.intersection, self.union + other.union, self.truth + other.truth)

    def per_class(self) -> tuple[float | None, ...]:
        """Jaccard index of each class; None where it is not measurable."""
        pairs = zip(self.intersection.tolist(), self.union.tolist(), strict=True)
        return tuple(both / either if either else None for both, either in pairs)

    def mean(self) -> float | None:
        """Plain mean over the measurable classes; None if there is none."""
        measured = [value for value in self.per_class() if value is not None]
        return sum(measured) / len(measured) if measured else None


@dataclass
class LevelCounts:
    """How often each stored probability occurs in and outside the truth: the metric at every threshold at once.

    Attributes:
        inside: Pixels of the truth per class and level 0..250, int64 (10, 251).
        outside: Other pixels per class and level, int64 (10, 251).
    """

    inside: NDArray[np.int64] = field(default_factory=lambda: np.zeros((CLASS_COUNT, FULL_SCALE + 1), np.int64))
    outside: NDArray[np.int64] = field(default_factory=lambda: np.zeros((CLASS_COUNT, FULL_SCALE + 1), np.int64))

    def add(
        self, probabilities: NDArray[np.uint8], truth: NDArray[np.bool_], known: NDArray[np.bool_] | None = None
    ) -> None:
        """Add one scene; pixels without data, or for which nobody knows the truth, count for nothing.

        Args:
            probabilities: 0..250, 255 = no data, (10, H, W).
            truth: (10, H, W).
            known: Where the truth of a class is known, (10, H, W); everywhere if None.
        """
        valid = (probabilities != NO_DATA).all(axis=0)
        _check_shapes(probabilities, truth, valid)
        counted = np.broadcast_to(valid, truth.shape) if known is None else known & valid
        inside, outside = self.inside.copy(), self.outside.copy()
        for band, (levels, members, judged) in enumerate(zip(probabilities, truth, counted, strict=True)):
            inside[band] += np.bincount(levels[members & judged], minlength=FULL_SCALE + 1)
            outside[band] += np.bincount(levels[~members & judged], minlength=FULL_SCALE + 1)
        self.inside, self.outside = inside, outside

    def __add__(self, other: LevelCounts) -> LevelCounts:
        """The counts of both sets of scenes."""
        return LevelCounts(self.inside + other.inside, self.outside + other.outside)

    def jaccard(self) -> NDArray[np.float64]:
        """Jaccard index (10, 251) of "probability is at least this level"; NaN where it is not measurable."""
        both = _at_least(self.inside)
        either = self.inside.sum(axis=1, keepdims=True) + _at_least(self.outside)
        return np.where(either > 0, both / np.maximum(either, 1), np.nan)

    def at(self, levels: NDArray[np.int_]) -> JaccardCounts:
        """The counts at one level per class (10,)."""
        rows = np.arange(CLASS_COUNT)
        truth = self.inside.sum(axis=1)
        return JaccardCounts(
            intersection=_at_least(self.inside)[rows, levels],
            union=truth + _at_least(self.outside)[rows, levels],
            truth=truth,
        )


def as_stored(probabilities: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Probabilities 0..1 (10, H, W) as results store them: 0..250, and 255 where `valid` (H, W) is False."""
    levels = quantise(probabilities)
    levels[:, ~valid] = NO_DATA
    return levels


def _at_least(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]


def _check_shapes(predicted: NDArray[np.generic], truth: NDArray[np.generic], valid: NDArray[np.bool_]) -> None:
    # Channels first: summing channels-last arrays over these axes would average over image rows.
    if predicted.shape != truth.shape or predicted.shape != (CLASS_COUNT, *valid.shape):
        raise ValueError(
            f"Prediction and truth are ({CLASS_COUNT}, H, W) and the mask is (H, W); "
            f"given {predicted.shape}, {truth.shape} and {valid.shape}."
        )
