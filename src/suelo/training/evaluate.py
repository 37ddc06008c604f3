"""Measures a model file on simulated scenes, through the same engine that users run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.scene import open_scene
from suelo.landcover import CLASSES
from suelo.model.session import Model
from suelo.segmentation.engine import predict
from suelo.segmentation.selection import FULL_SCALE, Selection
from suelo.training.labelled import LabelledScene
from suelo.training.metrics import LevelCounts
from suelo.training.options import TEST_SEEDS
from suelo.training.rasters import read_raster
from suelo.training.scenes import simulated_name, write_simulated
from suelo.training.scores import Evaluation, score_counts

Predicted = tuple[LabelledScene, NDArray[np.uint8]]
"""A scene, and its stored probabilities: 0..250, 255 = no data, uint8 (10, H, W)."""


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
    return score_simulated(counts, seeds, size, thresholds or model.contract.thresholds)


def score_simulated(counts: LevelCounts, seeds: Sequence[int], size: int, thresholds: Sequence[float]) -> Evaluation:
    """The scores of simulated scenes at thresholds, one per class."""
    text = f"{len(seeds)} simulated scenes of {size} × {size} pixels, seeds {seeds[0]} to {seeds[-1]}"
    return score(counts, Selection(tuple(thresholds)), text, len(seeds), size)


def count_simulated(
    model: Model, seeds: Sequence[int], size: int, progress: Callable[[int, int], None] | None = None
) -> LevelCounts:
    """Count the stored probabilities in and outside the truth of simulated scenes."""
    return count_pixels(predict_simulated(model, seeds, size, progress))


def count_pixels(predicted: Iterable[Predicted]) -> LevelCounts:
    """Count stored probabilities in and outside the truth of their scenes."""
    counts = LevelCounts()
    for scene, probabilities in predicted:
        counts.add(probabilities, scene.members(), scene.known())
    return counts


def predict_simulated(
    model: Model, seeds: Sequence[int], size: int, progress: Callable[[int, int], None] | None = None
) -> Iterator[Predicted]:
    """Simulated scenes and what a model says about them, each written as a GeoTIFF and read back."""
    for done, seed in enumerate(seeds):
        if progress is not None:
            progress(done, len(seeds))
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"{seed}.tif"
            truth = write_simulated(path, seed, size)
            with open_scene(path) as scene:
                statistics = model.contract.normalisation.measure(scene)
                probabilities = predict(scene, model, statistics)
            values, valid = read_raster(path), np.ones(truth.shape[1:], np.bool_)
        coverage = truth.astype(np.uint8) * np.uint8(FULL_SCALE)
        yield LabelledScene(values, coverage, valid, statistics, simulated_name(seed)), probabilities


def score(counts: LevelCounts, selection: Selection, measured_on: str, scenes: int, size: int) -> Evaluation:
    """The scores at the thresholds of a selection."""
    levels = np.array([selection.level(land_cover) for land_cover in CLASSES])
    return score_counts(counts.at(levels), counts, selection.thresholds, measured_on, scenes, size=size)
