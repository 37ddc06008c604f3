"""Measures a model file on simulated scenes, through the same engine that users run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from suelo.imagery.scene import open_scene
from suelo.landcover import CLASSES
from suelo.model.session import Model
from suelo.segmentation.engine import predict
from suelo.segmentation.selection import Selection
from suelo.training.metrics import LevelCounts
from suelo.training.options import TEST_SEEDS
from suelo.training.scenes import write_simulated
from suelo.training.scores import Evaluation, score_counts


def evaluate_simulated(
    model: Model,
    seeds: Sequence[int] = TEST_SEEDS[:24],
    size: int = 512,
    *,
    thresholds: Sequence[float] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measure a model on simulated scenes, each written as a GeoTIFF and read back as an upload would be.

    Args:
        model: The model.
        seeds: Seeds of the scenes; by default some on which nothing was trained or chosen.
        size: Height and width of each scene in pixels.
        thresholds: One per class; those of the model by default.
        progress: Called with the scenes that are done and all.
    """
    counts = count_simulated(model, seeds, size, progress)
    selection = Selection(tuple(thresholds or model.contract.thresholds))
    text = f"{len(seeds)} simulated scenes of {size} × {size} pixels, seeds {seeds[0]} to {seeds[-1]}"
    return score(counts, selection, text, len(seeds), size)


def count_simulated(
    model: Model, seeds: Sequence[int], size: int, progress: Callable[[int, int], None] | None = None
) -> LevelCounts:
    """Count the stored probabilities in and outside the truth of simulated scenes."""
    counts = LevelCounts()
    for done, seed in enumerate(seeds):
        if progress is not None:
            progress(done, len(seeds))
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"{seed}.tif"
            truth = write_simulated(path, seed, size)
            with open_scene(path) as scene:
                counts.add(predict(scene, model, model.contract.normalisation.measure(scene)), truth)
    return counts


def score(counts: LevelCounts, selection: Selection, measured_on: str, scenes: int, size: int) -> Evaluation:
    """The scores at the thresholds of a selection."""
    levels = np.array([selection.level(land_cover) for land_cover in CLASSES])
    return score_counts(counts.at(levels), counts, selection.thresholds, measured_on, scenes, size=size)
