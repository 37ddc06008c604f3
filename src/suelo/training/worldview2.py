"""The chip of another sensor and another continent: how far a model carries over. For validation only."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suelo.errors import InputError
from suelo.imagery.scene import open_scene
from suelo.landcover import CLASS_KEYS, CLASSES
from suelo.model.session import Model
from suelo.segmentation.engine import predict
from suelo.segmentation.selection import Selection
from suelo.training.agreement import draw_agreement
from suelo.training.drawing import require_matplotlib
from suelo.training.metrics import LevelCounts
from suelo.training.report_overlays import called_at
from suelo.training.scores import Evaluation, score_counts

NAME = "worldview2_320_uint16"
GSD_M = 2.0

_DRAWN = ("buildings", "roads", "trees")


@dataclass(frozen=True)
class JudgedChip:
    """What a model says about the chip, beside its truth.

    Attributes:
        probabilities: 0..250, 255 = no data, uint8 (10, H, W).
        truth: Pixels of each class, bool (10, H, W).
        known: Where the truth of each class is known, bool (10, H, W).
        thresholds: Of the model, one per class.
    """

    probabilities: NDArray[np.uint8]
    truth: NDArray[np.bool_]
    known: NDArray[np.bool_]
    thresholds: tuple[float, ...]

    def levels(self) -> NDArray[np.int_]:
        """Level per class from which on the model calls a pixel that class, int (10,)."""
        selection = Selection(self.thresholds)
        return np.array([selection.level(land_cover) for land_cover in CLASSES])

    def counts(self) -> LevelCounts:
        """The stored probabilities in and outside the truth."""
        counts = LevelCounts()
        counts.add(self.probabilities, self.truth, self.known)
        return counts

    def evaluate(self) -> Evaluation:
        """Scores of the classes that are there, and their mean."""
        counts = self.counts()
        text = f"{NAME}, an American suburb at {GSD_M:g} m, for validation only; classes that it has"
        found = score_counts(counts.at(self.levels()), counts, self.thresholds, text, 1)
        occurs = counts.inside.sum(axis=1) > 0
        return found.only([key for key, some in zip(CLASS_KEYS, occurs, strict=True) if some])

    def draw(self, path: Path) -> None:
        """Write a PNG that shows what of buildings, roads and trees is found, missed and wrong.

        Args:
            path: The PNG.

        Raises:
            InputError: matplotlib is not installed.
        """
        require_matplotlib("A picture")
        rows = [CLASS_KEYS.index(key) for key in _DRAWN]
        called = called_at(self.probabilities, self.levels())
        draw_agreement([CLASSES[row] for row in rows], self.truth[rows], called[rows], self.known[rows], path)


def evaluate_worldview2(model: Model, chips: Path) -> Evaluation:
    """Scores on the WorldView-2 chip at the thresholds of a model.

    Args:
        model: The model.
        chips: As for `judge_worldview2`.

    Raises:
        InputError: As `judge_worldview2`.
    """
    return judge_worldview2(model, chips).evaluate()


def judge_worldview2(model: Model, chips: Path) -> JudgedChip:
    """Let a model say what is on the WorldView-2 chip.

    Nothing may be trained or chosen on this chip.

    Args:
        model: The model.
        chips: Folder with the chip and, in `labels/`, its truth: `labels` and `ignore` (10, H, W), and `evaluated`
            (10,), which classes were looked for.

    Raises:
        InputError: The chip or its truth is not there or not what it should be.
    """
    image, labels = chips / f"{NAME}.tif", chips / "labels" / f"{NAME}.npz"
    for path in (image, labels):
        if not path.is_file():
            raise InputError(f"There is no {path}; the folder with the labelled WorldView-2 chip is needed.")
    try:
        with np.load(labels) as arrays:
            truth = arrays["labels"] > 0
            known = (arrays["ignore"] == 0) & arrays["evaluated"][:, None, None]
    except (KeyError, ValueError, OSError, zipfile.BadZipFile):
        raise InputError(f"{labels} does not hold the arrays labels, ignore and evaluated.") from None
    with open_scene(image, gsd_m=GSD_M) as scene:
        probabilities = predict(scene, model, model.contract.normalisation.measure(scene))
    if truth.shape != probabilities.shape or known.shape != truth.shape:
        raise InputError(
            f"The truth in {labels} is (classes, rows, columns) {truth.shape}, the image needs {probabilities.shape}."
        )
    return JudgedChip(probabilities, truth, known, model.contract.thresholds)
