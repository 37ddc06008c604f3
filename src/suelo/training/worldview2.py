"""The chip of another sensor and another continent: how far a model carries over. For validation only."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from suelo.errors import InputError
from suelo.imagery.scene import open_scene
from suelo.imagery.statistics import measure_statistics
from suelo.landcover import CLASS_KEYS, CLASSES
from suelo.model.session import Model
from suelo.segmentation.engine import predict
from suelo.segmentation.selection import Selection
from suelo.training.metrics import LevelCounts
from suelo.training.scores import Evaluation, score_counts

NAME = "worldview2_320_uint16"
GSD_M = 2.0


def evaluate_worldview2(model: Model, chips: Path) -> Evaluation:
    """Scores on the WorldView-2 chip at the thresholds of a model.

    Args:
        model: The model.
        chips: As for `count_worldview2`.

    Raises:
        InputError: As `count_worldview2`.
    """
    counts = count_worldview2(model, chips)
    thresholds = model.contract.thresholds
    selection = Selection(thresholds)
    levels = np.array([selection.level(land_cover) for land_cover in CLASSES])
    found = score_counts(
        counts.at(levels), counts, thresholds, f"{NAME}, an American suburb at {GSD_M:g} m, for validation only", 1
    )
    occurs = counts.inside.sum(axis=1) > 0
    return found.only([key for key, some in zip(CLASS_KEYS, occurs, strict=True) if some])


def count_worldview2(model: Model, chips: Path) -> LevelCounts:
    """Count the stored probabilities in and outside the truth of the WorldView-2 chip.

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
        probabilities = predict(scene, model, measure_statistics(scene))
    if truth.shape != probabilities.shape or known.shape != truth.shape:
        raise InputError(f"The truth in {labels} is {truth.shape}, the image needs {probabilities.shape}.")
    counts = LevelCounts()
    counts.add(probabilities, truth, known)
    return counts
