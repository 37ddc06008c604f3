"""The charts of a report: learning curve, precision and recall, confusion. Each function writes one PNG."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suelo.landcover import CLASSES
from suelo.segmentation.atomic import replacing
from suelo.training.metrics import JaccardCounts, LevelCounts
from suelo.training.ranking import average_precision

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT = "#222222", "#b5b5b5"
_LINES = ("#1f4e79", "#c05621", "#2f7d4f", "#7b3f8c", "#8a6d1a", "#4a4a4a")


def draw_learning_curve(logs: Mapping[str, Path], path: Path) -> None:
    """Loss, and where it was measured the held-out Jaccard index, over the steps of each training.

    Args:
        logs: `log.csv` per training, by what it is called.
        path: The PNG.
    """
    curves = {name: _read_log(log) for name, log in logs.items()}
    judged = any(np.isfinite(curve["jaccard"]).any() for curve in curves.values())
    figure, axes = _figure(11 if judged else 6.5, 4.2, 1, 2 if judged else 1)
    titles = (("loss", "Loss (smoothed)"), ("jaccard", "Mean Jaccard index on held-out scenes"))
    for axis, (column, title) in zip(axes, titles, strict=False):
        for number, (name, curve) in enumerate(curves.items()):
            there = np.isfinite(curve[column])
            axis.plot(
                curve["step"][there],
                curve[column][there],
                marker="o",
                markersize=3.5,
                linewidth=1.6,
                color=_LINES[number % len(_LINES)],
                label=name,
            )
        axis.set_title(title, loc="left", fontsize=11)
        axis.set_xlabel("step")
        axis.set_xlim(left=0)
        axis.set_ylim(bottom=0)
        axis.grid(color="#e6e6e6", linewidth=0.8)
    if len(curves) > 1:
        axes[0].legend(frameon=False, fontsize=9)
    _save(figure, path)


def draw_precision_recall(counts: LevelCounts, at: JaccardCounts, path: Path) -> None:
    """Precision over recall at every threshold, one panel per class, with what the chosen thresholds give.

    Args:
        counts: Pixels at every level.
        at: Pixels at the chosen thresholds.
        path: The PNG.
    """
    figure, axes = _figure(15, 6.6, 2, 5)
    both = np.cumsum(counts.inside[:, ::-1], axis=1)
    either = both + np.cumsum(counts.outside[:, ::-1], axis=1)
    figures = zip(CLASSES, axes, average_precision(counts), at.per_class(), strict=True)
    for row, (land_cover, axis, mean_precision, jaccard) in enumerate(figures):
        told = "not in the truth"
        if mean_precision is not None and jaccard is not None:
            told = f"Jaccard {jaccard:.2f}, average precision {mean_precision:.2f}"
        axis.set_title(land_cover.name, loc="left", fontsize=12, pad=20)
        axis.text(0, 1.03, told, transform=axis.transAxes, va="bottom", fontsize=9, color="#555555")
        axis.set_xlim(0, 1)
        axis.set_ylim(0, 1.02)
        axis.set_xticks((0, 0.5, 1))
        axis.set_yticks((0, 0.5, 1))
        _jaccard_lines(axis)
        if mean_precision is None:
            continue
        said = either[row] > 0
        recall, precision = both[row][said] / both[row, -1], both[row][said] / either[row][said]
        recall, precision = np.insert(recall, 0, 0.0), np.insert(precision, 0, precision[0])
        axis.fill_between(recall, precision, color=land_cover.hex_colour, alpha=0.55, linewidth=0)
        axis.plot(recall, precision, color=INK, linewidth=1.3)
        found = at.union[row] - at.truth[row] + at.intersection[row]
        if found:
            chosen = at.intersection[row] / at.truth[row], at.intersection[row] / found
            axis.plot(*chosen, marker="o", markersize=8, color="white", markeredgecolor=INK, markeredgewidth=1.8,
                      clip_on=False, zorder=5)  # fmt: skip
    figure.supxlabel("recall: share of what is there that is found", fontsize=10)
    figure.supylabel("precision: share of what is found that is there", fontsize=10)
    _save(figure, path)


def draw_confusion(shares: NDArray[np.float64], path: Path) -> None:
    """The shares of `Confusion` as a table whose cells are the darker, the larger they are.

    Args:
        shares: (11, 11).
        path: The PNG.
    """
    from matplotlib.patches import Rectangle

    names = [*(land_cover.name for land_cover in CLASSES), "no class"]
    figure, (axis,) = _figure(10.5, 7.6, 1, 1)
    axis.imshow(np.nan_to_num(shares), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        text = "–" if np.isnan(share) else "0" if share == 0 else "<1" if share < 0.005 else f"{100 * share:.0f}"
        colour = "white" if share > 0.6 else FAINT if np.isnan(share) or share < 0.005 else INK
        axis.text(column, row, text, ha="center", va="center", color=colour, fontsize=10)
        if row == column:
            axis.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=1.4))
    axis.set_xticks(range(len(names)), names, rotation=35, ha="left", rotation_mode="anchor")
    axis.set_yticks(range(len(names)), names)
    axis.xaxis.tick_top()
    axis.tick_params(length=0, pad=17)
    for number, land_cover in enumerate(CLASSES):  # a key beside each name
        across = axis.get_yaxis_transform(), (-0.022, number - 0.25), 0.014, 0.5
        down = axis.get_xaxis_transform(), (number - 0.25, 1.008), 0.5, 0.016
        for transform, corner, width, height in (across, down):
            axis.add_patch(
                Rectangle(
                    corner,
                    width,
                    height,
                    transform=transform,
                    clip_on=False,
                    facecolor=land_cover.hex_colour,
                    edgecolor=INK,
                    linewidth=0.6,
                )
            )
    for side in axis.spines.values():
        side.set_visible(False)
    axis.set_ylabel("truth", fontsize=11)
    axis.set_xlabel("called (percent of the row's pixels)", fontsize=11)
    axis.xaxis.set_label_position("bottom")
    _save(figure, path)


def _read_log(path: Path) -> dict[str, NDArray[np.float64]]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        column: np.array([float(row[column]) if row[column] else np.nan for row in rows], np.float64)
        for column in ("step", "loss", "jaccard")
    }


def _jaccard_lines(axis: Axes) -> None:
    """Where the Jaccard index is 0.2, 0.4, 0.6 and 0.8: 1 / J = 1 / precision + 1 / recall - 1."""
    for jaccard in (0.2, 0.4, 0.6, 0.8):
        recall = np.linspace(jaccard, 1, 60)
        axis.plot(recall, 1 / (1 / jaccard + 1 - 1 / recall), color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)))
        axis.annotate(f"{jaccard:.1f}", (1, jaccard), (-3, 2), textcoords="offset points", ha="right", fontsize=7,
                      color="#7a7a7a")  # fmt: skip


def _figure(width: float, height: float, rows: int, columns: int) -> tuple[Figure, list[Axes]]:
    """A figure in inches with its axes, row by row; made without pyplot, which would keep it and want a display."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    return figure, list(axes.flat)


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=110)
