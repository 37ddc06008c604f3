"""What a measurement says about a model: figures per class, their means, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from suelo.landcover import CLASS_COUNT, CLASS_KEYS
from suelo.model.contract import Metrics
from suelo.training.metrics import JaccardCounts, LevelCounts
from suelo.training.polygon_metric import AreaCounts
from suelo.training.ranking import average_precision


@dataclass(frozen=True)
class ClassScore:
    """How well one class is found.

    Attributes:
        key: Key of the class.
        threshold: Threshold that was applied; None where it was not the same for all scenes.
        jaccard: Intersection over union of pixels, areas summed over all scenes; None where not measurable.
        precision: Share of what is found that is right; None if nothing is found.
        recall: Share of what is there that is found; None if nothing is there.
        truth_share: Share of the valid area that the class covers in truth.
        average_precision: Mean precision over all recalls, whatever the threshold; None if nothing is there.
        polygon_jaccard: Intersection over union of the exported polygons and those of the labels; None where not
            measurable or not measured.
        scenes: Scenes whose labels have the class; None where nobody counted.
    """

    key: str
    threshold: float | None
    jaccard: float | None
    precision: float | None
    recall: float | None
    truth_share: float
    average_precision: float | None = None
    polygon_jaccard: float | None = None
    scenes: int | None = None


@dataclass(frozen=True)
class Evaluation:
    """How good a model is.

    Attributes:
        measured_on: The scenes, in words.
        scenes: Number of scenes.
        size: Height and width of each, in pixels; None where they differ.
        classes: One score per class.
        mean_jaccard: Plain mean over the measurable classes; None if there is none.
        mean_polygon_jaccard: The same of the polygons; None where they were not measured.
        mean_average_precision: The same of the average precision.
        caution: What keeps the figures from being a test of the model, in a sentence; None if nothing does.
    """

    measured_on: str
    scenes: int
    size: int | None
    classes: tuple[ClassScore, ...]
    mean_jaccard: float | None
    mean_polygon_jaccard: float | None = None
    mean_average_precision: float | None = None
    caution: str | None = None

    @property
    def heading(self) -> str:
        """What was measured on, and what is to be kept in mind about it."""
        return self.measured_on if self.caution is None else f"{self.measured_on}\n{self.caution}"

    def only(self, keys: Sequence[str]) -> Evaluation:
        """The figures of some classes, with means over those alone."""
        classes = tuple(score for score in self.classes if score.key in keys)
        return replace(
            self,
            classes=classes,
            mean_jaccard=plain_mean([score.jaccard for score in classes]),
            mean_polygon_jaccard=plain_mean([score.polygon_jaccard for score in classes]),
            mean_average_precision=plain_mean([score.average_precision for score in classes]),
        )

    def metrics(self) -> Metrics:
        """The part that goes into the contract of a model."""
        scenes = {score.key: score.scenes for score in self.classes if score.scenes is not None}
        return Metrics(
            measured_on=self.measured_on,
            jaccard={score.key: _rounded(score.jaccard) for score in self.classes},
            mean_jaccard=_rounded(self.mean_jaccard),
            # Scenes are counted where polygons are compared.
            polygon_jaccard={score.key: _rounded(score.polygon_jaccard) for score in self.classes if scenes},
            mean_polygon_jaccard=_rounded(self.mean_polygon_jaccard),
            scenes=scenes,
        )

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON-ready values."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return found

    def table(self) -> str:
        """A Markdown table with one row per class and the mean; columns that were not measured are left out."""
        with_polygons = any(score.scenes is not None for score in self.classes)
        # Title, the figure of a class, and the figure of the mean.
        columns: list[tuple[str, Callable[[ClassScore], str], str]] = [
            ("threshold", _threshold, ""),
            ("Jaccard", lambda score: figure(score.jaccard), f"**{figure(self.mean_jaccard)}**"),
        ]
        if with_polygons:
            polygons = f"**{figure(self.mean_polygon_jaccard)}**"
            columns.append(("polygon Jaccard", lambda score: figure(score.polygon_jaccard), polygons))
        columns += [
            ("precision", lambda score: figure(score.precision), ""),
            ("recall", lambda score: figure(score.recall), ""),
            (
                "average precision",
                lambda score: figure(score.average_precision),
                f"**{figure(self.mean_average_precision)}**",
            ),
        ]
        if with_polygons:
            columns.append(("scenes", lambda score: str(score.scenes), str(self.scenes)))
        columns.append(("share of area", lambda score: f"{100 * score.truth_share:.3f} %", ""))
        lines = [
            _row(["class", *(title for title, _, _ in columns)]),
            "|---|" + "---:|" * len(columns),
            *(_row([score.key, *(cell(score) for _, cell, _ in columns)]) for score in self.classes),
            _row(["**mean**", *(mean for _, _, mean in columns)]),
        ]
        return "\n".join(lines)


def score_counts(
    at: JaccardCounts,
    counts: LevelCounts,
    thresholds: Sequence[float | None],
    measured_on: str,
    scenes: int,
    *,
    size: int | None = None,
    areas: AreaCounts | None = None,
    caution: str | None = None,
) -> Evaluation:
    """The scores that follow from counts.

    Args:
        at: Pixels at the thresholds.
        counts: Pixels at all levels.
        thresholds: One per class, for the record; None where scenes had different ones.
        measured_on: The scenes, in words.
        scenes: Number of scenes.
        size: Height and width of each, where they are the same.
        areas: Areas of polygons, where they were measured.
        caution: What keeps the figures from being a test.
    """
    found = at.union - at.truth + at.intersection
    valid = (counts.inside + counts.outside).sum(axis=1)
    precision = average_precision(counts)
    polygons = areas.per_class() if areas is not None else (None,) * CLASS_COUNT
    classes = tuple(
        ClassScore(
            key=key,
            threshold=thresholds[row],
            jaccard=jaccard,
            precision=int(at.intersection[row]) / int(found[row]) if found[row] else None,
            recall=int(at.intersection[row]) / int(at.truth[row]) if at.truth[row] else None,
            truth_share=int(at.truth[row]) / int(valid[row]) if valid[row] else 0.0,
            average_precision=precision[row],
            polygon_jaccard=polygons[row],
            scenes=int(areas.scenes[row]) if areas is not None else None,
        )
        for row, (key, jaccard) in enumerate(zip(CLASS_KEYS, at.per_class(), strict=True))
    )
    return Evaluation(
        measured_on,
        scenes,
        size,
        classes,
        mean_jaccard=at.mean(),
        mean_polygon_jaccard=plain_mean(polygons),
        mean_average_precision=plain_mean(precision),
        caution=caution,
    )


def plain_mean(values: Sequence[float | None]) -> float | None:
    """Plain mean over the measurable classes; None if there is none."""
    measured = [value for value in values if value is not None]
    return sum(measured) / len(measured) if measured else None


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _threshold(score: ClassScore) -> str:
    return "per fold" if score.threshold is None else f"{score.threshold:.3f}"


def figure(value: float | None) -> str:
    """A figure with three decimals, or that there is none."""
    return "not measurable" if value is None else f"{value:.3f}"
