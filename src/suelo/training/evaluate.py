"""Measures a model file on simulated scenes, through the same engine that users run."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from suelo.imagery.scene import open_scene
from suelo.imagery.statistics import measure_statistics
from suelo.landcover import CLASSES
from suelo.model.contract import Metrics
from suelo.model.session import Model
from suelo.segmentation.engine import predict
from suelo.segmentation.selection import Selection
from suelo.training.metrics import LevelCounts
from suelo.training.options import TEST_SEEDS
from suelo.training.scenes import write_simulated


@dataclass(frozen=True)
class ClassScore:
    """How well one class is found.

    Attributes:
        key: Key of the class.
        threshold: Threshold that was applied.
        jaccard: Intersection over union, areas summed over all scenes; None where not measurable.
        precision: Share of what is found that is right; None if nothing is found.
        recall: Share of what is there that is found; None if nothing is there.
        truth_share: Share of the valid area that the class covers in truth.
    """

    key: str
    threshold: float
    jaccard: float | None
    precision: float | None
    recall: float | None
    truth_share: float


@dataclass(frozen=True)
class Evaluation:
    """How good a model is.

    Attributes:
        measured_on: The scenes, in words.
        scenes: Number of scenes.
        size: Height and width of each, in pixels.
        classes: One score per class.
        mean_jaccard: Plain mean over the measurable classes; None if there is none.
    """

    measured_on: str
    scenes: int
    size: int
    classes: tuple[ClassScore, ...]
    mean_jaccard: float | None

    def metrics(self) -> Metrics:
        """The part that goes into the contract of a model."""
        jaccard = {score.key: None if score.jaccard is None else round(score.jaccard, 4) for score in self.classes}
        mean = None if self.mean_jaccard is None else round(self.mean_jaccard, 4)
        return Metrics(measured_on=self.measured_on, jaccard=jaccard, mean_jaccard=mean)

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON-ready values."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return found

    def table(self) -> str:
        """A Markdown table with one row per class and the mean."""
        lines = [
            "| class | threshold | Jaccard | precision | recall | share of area |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        lines += [
            f"| {score.key} | {score.threshold:.3f} | {_figure(score.jaccard)} | {_figure(score.precision)} "
            f"| {_figure(score.recall)} | {100 * score.truth_share:.3f} % |"
            for score in self.classes
        ]
        lines.append(f"| **mean** | | **{_figure(self.mean_jaccard)}** | | | |")
        return "\n".join(lines)


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
                counts.add(predict(scene, model, measure_statistics(scene)), truth)
    return counts


def score(counts: LevelCounts, selection: Selection, measured_on: str, scenes: int, size: int) -> Evaluation:
    """The scores at the thresholds of a selection."""
    levels = np.array([selection.level(land_cover) for land_cover in CLASSES])
    at = counts.at(levels)
    predicted = at.union - at.truth + at.intersection
    valid = (counts.inside + counts.outside).sum(axis=1)
    scores = tuple(
        ClassScore(
            key=land_cover.key,
            threshold=selection.thresholds[row],
            jaccard=jaccard,
            precision=int(at.intersection[row]) / int(predicted[row]) if predicted[row] else None,
            recall=int(at.intersection[row]) / int(at.truth[row]) if at.truth[row] else None,
            truth_share=int(at.truth[row]) / int(valid[row]) if valid[row] else 0.0,
        )
        for row, (land_cover, jaccard) in enumerate(zip(CLASSES, at.per_class(), strict=True))
    )
    return Evaluation(measured_on, scenes, size, scores, at.mean())


def _figure(value: float | None) -> str:
    return "not measurable" if value is None else f"{value:.3f}"
