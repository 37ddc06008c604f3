"""A report of a finished training in a folder: curves, precision and recall, confusion, and scenes to look at."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suelo.errors import InputError
from suelo.landcover import CLASSES
from suelo.segmentation.atomic import replacing
from suelo.segmentation.selection import FULL_SCALE
from suelo.training.confusion import Confusion
from suelo.training.drawing import require_matplotlib
from suelo.training.labelled import LabelledScene
from suelo.training.metrics import JaccardCounts, LevelCounts
from suelo.training.ranking import average_precision
from suelo.training.report_charts import draw_confusion, draw_learning_curve, draw_precision_recall
from suelo.training.report_overlays import called_at, draw_overlay
from suelo.training.scores import figure, plain_mean

if TYPE_CHECKING:
    from suelo.training.crossvalidation import HeldOut


@dataclass(frozen=True)
class ReportedScene:
    """A held-out scene and what a network said about it.

    Attributes:
        scene: The scene and its truth.
        probabilities: 0..250, 255 = no data, uint8 (10, H, W).
        levels: Level per class from which on a pixel is called that class, int (10,).
    """

    scene: LabelledScene
    probabilities: NDArray[np.uint8]
    levels: NDArray[np.int_]


def held_out_scenes(held_out: HeldOut, scenes: Sequence[LabelledScene]) -> list[ReportedScene]:
    """What a cross-validation said about scenes, each at the levels that were chosen without it.

    Args:
        held_out: The cross-validation.
        scenes: Scenes with their truth; those that were not held out are left out.
    """
    by_name = {scene.name: scene for scene in scenes}
    found: dict[str, ReportedScene] = {}
    for fold, levels in zip(held_out.folds, held_out.fold_levels(), strict=True):
        for name, judged in fold.items():
            if name in by_name:
                found.setdefault(name, ReportedScene(by_name[name], judged.probabilities, levels))
    return [found[name] for name in by_name if name in found]


def logs_in(work: Path) -> dict[str, Path]:
    """The logs of a training or of the folds of a cross-validation in a work folder, by what they are called."""
    own = {"training": work / "log.csv"} if (work / "log.csv").is_file() else {}
    return own | {log.parent.name: log for log in sorted(work.glob("*/log.csv"))}


def write_report(
    folder: Path,
    title: str,
    scenes: Sequence[ReportedScene],
    logs: Mapping[str, Path] | None = None,
    *,
    counts: LevelCounts | None = None,
    examples: int = 8,
) -> Path:
    """Draw everything and write a page that shows it.

    Args:
        folder: Where pictures and page go; made if it is not there.
        title: Heading of the page.
        scenes: Held-out scenes.
        logs: `log.csv` per training, by what it is called; see `logs_in`.
        counts: Pixels at every level; counted from `scenes` if None.
        examples: Scenes to show at most: those with the most classes.

    Returns:
        The page, `index.html`.

    Raises:
        InputError: There is no scene, or matplotlib is not installed.
    """
    if not scenes:
        raise InputError("A report needs at least one held-out scene.")
    require_matplotlib("A report")
    folder.mkdir(parents=True, exist_ok=True)
    total, at, confusion = LevelCounts(), JaccardCounts(), Confusion()
    for reported in scenes:
        members, known = reported.scene.members(), reported.scene.known()
        one = LevelCounts()
        one.add(reported.probabilities, members, known)
        total += one
        at += one.at(reported.levels)
        confusion.add(reported.probabilities, members, known, reported.levels)
    counts = total if counts is None else counts
    sections = [("Figures", _table(counts, at, scenes))]
    if logs:
        draw_learning_curve(logs, folder / "learning.png")
        sections.append(("Learning curve", _picture("learning.png", "Loss and held-out Jaccard index over the steps")))
    draw_precision_recall(counts, at, folder / "precision-recall.png")
    draw_confusion(confusion.shares(), folder / "confusion.png")
    sections += [
        ("Precision and recall", _picture("precision-recall.png", _PRECISION_RECALL)),
        ("Confusion", _picture("confusion.png", _CONFUSION)),
        ("Scenes", "".join(_example(folder, reported) for reported in _richest(scenes, examples))),
    ]
    page = folder / "index.html"
    with replacing(page) as part:
        part.write_text(_page(title, sections), encoding="utf-8")
    return page


_PRECISION_RECALL = (
    "Every threshold is a point of the curve, the circle what the chosen thresholds give. "
    "Dashed lines join points of equal Jaccard index."
)
_CONFUSION = (
    "Percent of the pixels of a row's class that are called a column's class, at the chosen thresholds. Classes "
    "overlap, so a row does not add up to 100; a pixel that is of both classes is not counted beside the diagonal."
)


def _richest(scenes: Sequence[ReportedScene], count: int) -> list[ReportedScene]:
    """The scenes with the most classes in their truth, in the order in which they were given."""
    classes = [int(reported.scene.members().any(axis=(1, 2)).sum()) for reported in scenes]
    chosen = sorted(range(len(scenes)), key=lambda index: (-classes[index], index))[:count]
    return [scenes[index] for index in sorted(chosen)]


def _example(folder: Path, reported: ReportedScene) -> str:
    name = f"scene-{reported.scene.name}.png"
    draw_overlay(reported.scene, called_at(reported.probabilities, reported.levels), folder / name)
    one = LevelCounts()
    one.add(reported.probabilities, reported.scene.members(), reported.scene.known())
    pairs = zip(CLASSES, one.at(reported.levels).per_class(), strict=True)
    told = ", ".join(f"{land_cover.name} {value:.2f}" for land_cover, value in pairs if value is not None)
    return f"<h3>{html.escape(reported.scene.name)}</h3>" + _picture(name, f"Jaccard here: {told or 'not measurable'}.")


def _table(counts: LevelCounts, at: JaccardCounts, scenes: Sequence[ReportedScene]) -> str:
    found = at.union - at.truth + at.intersection
    levels = np.array([reported.levels for reported in scenes]) / FULL_SCALE
    rows = []
    for row, (land_cover, jaccard, mean_precision) in enumerate(
        zip(CLASSES, at.per_class(), average_precision(counts), strict=True)
    ):
        low, high = levels[:, row].min(), levels[:, row].max()
        cells = (
            f'<span style="background:{land_cover.hex_colour}"></span>{html.escape(land_cover.name)}',
            f"{low:.2f}" if low == high else f"{low:.2f} to {high:.2f}",
            figure(jaccard),
            figure(at.intersection[row] / found[row] if found[row] else None),
            figure(at.intersection[row] / at.truth[row] if at.truth[row] else None),
            figure(mean_precision),
            str(sum(bool(reported.scene.members()[row].any()) for reported in scenes)),
        )
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    mean = f"<tr><th>mean</th><th></th><th>{figure(at.mean())}</th><th></th><th></th>"
    rows.append(f"{mean}<th>{figure(plain_mean(average_precision(counts)))}</th><th>{len(scenes)}</th></tr>")
    heads = ("class", "threshold", "Jaccard", "precision", "recall", "average precision", "scenes")
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{''.join(rows)}</table>"


def _picture(name: str, caption: str) -> str:
    return f'<figure><img src="{name}" alt="{caption}"><figcaption>{caption}</figcaption></figure>'


_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 1500px; margin: 2rem auto; padding: 0 1rem }
img { max-width: 100%; height: auto }
figure { margin: 0 0 1.5rem }
figcaption { color: #555 }
table { border-collapse: collapse }
th, td { padding: .25rem .9rem; text-align: right; border-bottom: 1px solid #ddd; font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left }
td span { display: inline-block; width: .9em; height: .9em; margin-right: .5em; border: 1px solid #222 }
"""


def _page(title: str, sections: Sequence[tuple[str, str]]) -> str:
    body = "".join(f"<h2>{heading}</h2>\n{content}\n" for heading, content in sections)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{html.escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{html.escape(title)}</h1>\n{body}</html>\n"
    )
