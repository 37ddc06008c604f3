"""The SWIR benchmark: real eight-band images at 7.5 m, real labels, scenes judged by models that never saw them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from suelo.errors import InputError
from suelo.landcover import CLASSES, LandCover
from suelo.segmentation.atomic import replacing
from suelo.segmentation.selection import FULL_SCALE
from suelo.training.dstl import DstlFolder
from suelo.training.folds import folds
from suelo.training.labelled import LabelledScene
from suelo.training.metrics import JaccardCounts, LevelCounts
from suelo.training.ranking import average_precision
from suelo.training.swir_boosting import BoostingOptions, fit_boosting
from suelo.training.swir_fit import SwirOptions, fit_swir, gather_pixels
from suelo.training.swir_predict import SMOOTHING, predict_swir
from suelo.training.swir_scenes import load_swir
from suelo.training.thresholds import choose_levels

BOOSTING: dict[str, tuple[float, float]] = {
    "buildings": (0.22, 0.35),
    "roads": (0.20, 0.29),
    "tracks": (0.12, 0.19),
    "trees": (0.29, 0.40),
    "crops": (0.64, 0.82),
    "waterway": (0.31, 0.33),
    "standing_water": (0.31, 0.36),
}
"""Jaccard index and average precision of gradient boosting on pixels and their context, five folds over 25 scenes."""

Progress = Callable[[str, int, int], None]
"""Takes what is being done, how much is done, and how much there is."""


@dataclass(frozen=True)
class SwirBenchmark:
    """What the benchmark runs.

    Attributes:
        data: Folder in Kaggle's DSTL layout.
        work: Folder that keeps the predictions of finished folds; the same folder goes on where it stopped.
        seed: Seed of all random numbers.
        folds: Folds; images of the same ground are in the same one.
        threads: Threads of the arithmetic; 0 for as many as there are cores.
        options: How each network is fitted.
        boosting: How the trees beside the networks are grown.
    """

    data: Path
    work: Path
    seed: int = 1
    folds: int = 5
    threads: int = 0
    options: SwirOptions = field(default_factory=SwirOptions)
    boosting: BoostingOptions = field(default_factory=BoostingOptions)


@dataclass(frozen=True)
class SwirScore:
    """How well one class is found in the images.

    Attributes:
        land_cover: The class.
        jaccard: Intersection over union of pixels, areas summed over all scenes; None where not measurable.
        average_precision: Over the pixels of all scenes; None where not measurable.
        thresholds: Lowest and highest of the thresholds of the folds.
        truth: Pixels that the class covers by half or more.
        scenes: Scenes with such pixels.
    """

    land_cover: LandCover
    jaccard: float | None
    average_precision: float | None
    thresholds: tuple[float, float]
    truth: int
    scenes: int


@dataclass(frozen=True)
class SwirScores:
    """The result of the benchmark.

    Attributes:
        scenes: Number of scenes.
        folds: Number of folds.
        classes: One score per class.
    """

    scenes: int
    folds: int
    classes: tuple[SwirScore, ...]

    def table(self) -> str:
        """A Markdown table: the classes, with the figures of gradient boosting beside, and means."""
        lines = [
            "| class | Jaccard | boosting | average precision | boosting | thresholds | pixels | scenes |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
        ]
        for score in self.classes:
            jaccard, precision = BOOSTING.get(score.land_cover.key, (None, None))
            low, high = score.thresholds
            lines.append(
                f"| {score.land_cover.key} | {_figure(score.jaccard)} | {_theirs(jaccard)} "
                f"| {_figure(score.average_precision)} | {_theirs(precision)} | {low:.2f} to {high:.2f} "
                f"| {score.truth} | {score.scenes} |"
            )
        known = [score for score in self.classes if score.land_cover.key in BOOSTING]
        theirs = np.mean([BOOSTING[score.land_cover.key] for score in known], axis=0)
        lines.append(
            f"| **mean of these {len(known)}** | **{_figure(_mean([s.jaccard for s in known]))}** | {theirs[0]:.2f} "
            f"| **{_figure(_mean([s.average_precision for s in known]))}** | {theirs[1]:.2f} | | | |"
        )
        every = _mean([score.jaccard for score in self.classes])
        lines.append(f"| mean of all measurable | {_figure(every)} | | | | | | |")
        return "\n".join(lines)


@dataclass(frozen=True)
class FoldResult:
    """What models said about the scenes of a fold, which they had not seen.

    Attributes:
        predictions: Per scene name: 0..250, 255 = no data, uint8 (10, H, W).
        counts: The predictions in and outside the truth.
        presence: Scenes in which each class covers half of a pixel or more, (10,).
    """

    predictions: dict[str, NDArray[np.uint8]]
    counts: LevelCounts
    presence: NDArray[np.int64]


def run_swir(benchmark: SwirBenchmark, progress: Progress | None = None) -> SwirScores:
    """Cross-validate, or go on with, or read again, the cross-validation that the work folder holds.

    Args:
        benchmark: What to run.
        progress: Told how far it is.

    Raises:
        InputError: The data folder is not what is needed, or the work folder holds another benchmark.
    """
    tell = progress or _silent
    folder = DstlFolder(benchmark.data)
    parts = folds(folder.scenes("A"), benchmark.folds)
    identity = _identity(benchmark, folder)
    if benchmark.threads:
        torch.set_num_threads(benchmark.threads)
    scenes: list[LabelledScene] = []
    results = []
    for number, part in enumerate(parts):
        path = benchmark.work / f"fold-{number}.npz"
        found = _read(path, identity)
        if found is None:
            # Drawing the labels takes longer than all the rest of a run that only prints.
            scenes = scenes or load_swir(folder, lambda done, total: tell("reading", done, total))
            found = _fold(benchmark, scenes, part, number, tell)
            _write(path, identity, found)
        results.append(found)
    return score_swir(results)


def judge(scenes: Sequence[LabelledScene], predictions: dict[str, NDArray[np.uint8]]) -> FoldResult:
    """Hold predictions against the truth of the scenes of a fold.

    Args:
        scenes: The scenes.
        predictions: Per scene name: 0..250, 255 = no data, uint8 (10, H, W).
    """
    counts, presence = LevelCounts(), np.zeros(len(CLASSES), np.int64)
    for scene in scenes:
        members, known = scene.members(), scene.known()
        counts.add(predictions[scene.name], members, known)
        presence += (members & known).any(axis=(1, 2))
    return FoldResult(predictions, counts, presence)


def score_swir(results: Sequence[FoldResult]) -> SwirScores:
    """The scores; the thresholds of a fold are chosen on the predictions of the other folds alone.

    Args:
        results: Of two folds or more.
    """
    counts = [result.counts for result in results]
    levels = np.stack([choose_levels(_sum(counts[:k] + counts[k + 1 :])) for k in range(len(counts))])
    judged = JaccardCounts()
    for fold, chosen in zip(counts, levels, strict=True):
        judged = judged + fold.at(chosen)
    jaccard, precision = judged.per_class(), average_precision(_sum(counts))
    presence = np.sum([result.presence for result in results], axis=0)
    return SwirScores(
        scenes=sum(len(result.predictions) for result in results),
        folds=len(results),
        classes=tuple(
            SwirScore(
                land_cover=land_cover,
                jaccard=jaccard[row],
                average_precision=precision[row],
                thresholds=(int(levels[:, row].min()) / FULL_SCALE, int(levels[:, row].max()) / FULL_SCALE),
                truth=int(judged.truth[row]),
                scenes=int(presence[row]),
            )
            for row, land_cover in enumerate(CLASSES)
        ),
    )


def _fold(
    benchmark: SwirBenchmark, scenes: Sequence[LabelledScene], part: Sequence[str], number: int, tell: Progress
) -> FoldResult:
    seen = [scene for scene in scenes if scene.name not in part]
    pixels = gather_pixels(seen, benchmark.options.rare)
    networks = []
    for member in range(benchmark.options.networks):
        stage = f"fold {number + 1} of {benchmark.folds}, network {member + 1} of {benchmark.options.networks}"
        networks.append(fit_swir(pixels, benchmark.options, _seed(benchmark, number, member), partial(tell, stage)))
    stage = f"fold {number + 1} of {benchmark.folds}, trees"
    seed = _seed(benchmark, number, benchmark.options.networks)
    with threadpool_limits(benchmark.threads or None, user_api="openmp"):
        boosting = fit_boosting(pixels, benchmark.boosting, seed, partial(tell, stage))
        held_out = [scene for scene in scenes if scene.name in part]
        return judge(held_out, {scene.name: predict_swir(networks, boosting, scene) for scene in held_out})


def _seed(benchmark: SwirBenchmark, fold: int, model: int) -> int:
    """Any two models of any two folds start from different numbers."""
    return int(np.random.SeedSequence((benchmark.seed, fold, model)).generate_state(1)[0])


def _identity(benchmark: SwirBenchmark, folder: DstlFolder) -> str:
    """Everything that decides the predictions, as text."""
    digest = hashlib.sha256()
    images = [path for name in folder.scenes("A") if (path := folder.image_path(name, "A"))]
    for path in [*images, *sorted(benchmark.data.glob("*.csv")), *sorted(benchmark.data.glob("*.csv.zip"))]:
        digest.update(path.name.encode() + path.read_bytes())
    values = {"seed": benchmark.seed, "folds": benchmark.folds, "data": digest.hexdigest(), "smoothing": SMOOTHING}
    models = {"options": asdict(benchmark.options), "boosting": asdict(benchmark.boosting)}
    return json.dumps(values | models, sort_keys=True)


def _read(path: Path, identity: str) -> FoldResult | None:
    if not path.is_file():
        return None
    with np.load(path) as arrays:
        if str(arrays["identity"]) != identity:
            raise InputError(
                f"{path} is of other data or options; choose another work folder or delete it to start anew."
            )
        predictions = {name: arrays[name] for name in arrays["names"].tolist()}
        return FoldResult(predictions, LevelCounts(*arrays["counts"]), arrays["presence"])


def _write(path: Path, identity: str, result: FoldResult) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            allow_pickle=False,
            identity=np.array(identity),
            names=np.array(list(result.predictions)),
            counts=np.stack([result.counts.inside, result.counts.outside]),
            presence=result.presence,
            **result.predictions,
        )


def _sum(counts: Sequence[LevelCounts]) -> LevelCounts:
    total = LevelCounts()
    for one in counts:
        total = total + one
    return total


def _mean(values: Sequence[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return sum(measured) / len(measured) if measured else None


def _figure(value: float | None) -> str:
    return "not measurable" if value is None else f"{value:.3f}"


def _theirs(value: float | None) -> str:
    """A figure of boosting, or a dash: for some classes none was given."""
    return "–" if value is None else f"{value:.2f}"


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
