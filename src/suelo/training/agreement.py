"""Where a model agrees with the truth and where it fails, without the image: for places that may not be shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suelo.landcover import LandCover
from suelo.segmentation.atomic import replacing
from suelo.training.report_overlays import striped

FOUND, MISSED, WRONG, NOTHING = (0, 114, 178), (230, 159, 0), (204, 51, 17), (246, 246, 244)
"""Colours that colour-blind readers tell apart; NOTHING is where truth and model both see none."""

_SIDE = 4.6
"""Width of a panel in inches."""

_COLUMNS = 4


def agreement(truth: NDArray[np.bool_], called: NDArray[np.bool_], known: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """What of one class is found, missed and wrong, as a picture (H, W, 3).

    Args:
        truth: Where the class is, (H, W).
        called: Where the model says that it is, (H, W).
        known: Where the truth is known, (H, W); stripes elsewhere.
    """
    picture = np.full((*truth.shape, 3), NOTHING, np.uint8)
    for colour, inside in ((FOUND, truth & called), (MISSED, truth & ~called), (WRONG, called & ~truth)):
        picture[inside] = colour
    return striped(picture, ~known)


def draw_agreement(
    classes: Sequence[LandCover],
    truth: NDArray[np.bool_],
    called: NDArray[np.bool_],
    known: NDArray[np.bool_],
    path: Path,
) -> None:
    """Write one PNG with a panel per class, up to four beside each other.

    Args:
        classes: The classes, N of them.
        truth: Where each is, (N, H, W).
        called: Where the model says that it is, (N, H, W).
        known: Where the truth is known, (N, H, W).
        path: The PNG.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    height, width = truth.shape[1:]
    columns = min(len(classes), _COLUMNS)
    rows = -(-len(classes) // columns)
    figure = Figure(figsize=(_SIDE * columns, _SIDE * rows * height / width + 0.9), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, land_cover, *layers in zip(axes, classes, truth, called, known, strict=False):
        axis.imshow(agreement(*layers), interpolation="nearest")
        axis.set_title(land_cover.name, loc="left", fontsize=12)
    named = ((FOUND, "found"), (MISSED, "missed"), (WRONG, "wrongly found"))
    keys = [Patch(facecolor=f"#{bytes(colour).hex()}", label=label) for colour, label in named]
    if not known.all():
        keys.append(Patch(facecolor="#f3edfa", edgecolor="#c9b3e6", hatch="////", label="not judged"))
    figure.legend(handles=keys, loc="outside lower center", ncols=4, frameon=False, fontsize=11)
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=110)
