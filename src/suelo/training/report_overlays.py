"""Image, truth and prediction of a scene side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suelo.landcover import BY_PRIORITY, CLASSES
from suelo.segmentation.atomic import replacing
from suelo.segmentation.selection import NO_DATA
from suelo.training.labelled import LabelledScene

BLUE, GREEN, RED = 1, 2, 4

_GAMMA = 0.8
_PALE = 0.16
"""Contrast of the image below painted classes: tracks are grey and must stand out from it."""
_STRONG = 0.9
_STRIPES = ((226, 212, 242), (243, 237, 250))
"""Diagonal stripes where nobody knows the truth: in no colour of a class."""


def draw_overlay(scene: LabelledScene, called: NDArray[np.bool_], path: Path) -> None:
    """Write one PNG: the scene in true colour, its truth, and what it was called.

    Args:
        scene: The scene.
        called: Prediction, bool (10, H, W).
        path: The PNG.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    image = true_colour(scene)
    members = scene.members()
    unknown: NDArray[np.bool_] = ~np.any(scene.known(), axis=0)
    panels = (
        ("Image", image),
        ("Truth", striped(painted(image, members), unknown)),
        ("Prediction", striped(painted(image, called), ~scene.valid)),
    )
    height, width = scene.valid.shape
    figure = Figure(figsize=(15, 15 / 3 * height / width + 1.1), layout="constrained")
    axes = figure.subplots(1, 3)
    for axis, (title, picture) in zip(axes, panels, strict=True):
        axis.imshow(picture, interpolation="antialiased")
        axis.set_title(title, loc="left", fontsize=12)
        axis.set_axis_off()
    shown = [c for c in CLASSES if members[c.id - 1].any() or called[c.id - 1].any()]
    keys = [Patch(facecolor=c.hex_colour, edgecolor="#222222", linewidth=0.6, label=c.name) for c in shown]
    if unknown.any():
        keys.append(Patch(facecolor="#f3edfa", edgecolor="#c9b3e6", hatch="////", label="truth not known"))
    figure.legend(handles=keys, loc="outside lower center", ncols=6, frameon=False, fontsize=10)
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=150)


def true_colour(scene: LabelledScene) -> NDArray[np.uint8]:
    """Red, green and blue of a scene as one sees them, uint8 (H, W, 3); white where it has no data."""
    bands = np.clip(scene.normalised()[[RED, GREEN, BLUE]], 0.0, 1.0) ** _GAMMA
    image: NDArray[np.uint8] = np.moveaxis(np.rint(255 * bands), 0, -1).astype(np.uint8)
    image[~scene.valid] = 255
    return image


def painted(image: NDArray[np.uint8], layers: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Classes (10, H, W) over a pale grey image, the one with the highest display priority on top: (H, W, 3)."""
    grey = image.mean(axis=2, keepdims=True)
    picture = np.repeat(255 - _PALE * (255 - grey), 3, axis=2)
    for land_cover in BY_PRIORITY:
        inside = layers[land_cover.id - 1]
        picture[inside] = _STRONG * np.array(land_cover.colour) + (1 - _STRONG) * grey[inside]
    rounded: NDArray[np.uint8] = np.rint(picture).astype(np.uint8)
    return rounded


def striped(picture: NDArray[np.uint8], where: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Diagonal stripes over a part (H, W) of a picture (H, W, 3)."""
    rows, columns = np.indices(where.shape)
    stripes = np.array(_STRIPES, np.uint8)[(rows + columns) // 6 % 2]
    both: NDArray[np.uint8] = np.where(where[..., None], stripes, picture)
    return both


def called_at(probabilities: NDArray[np.uint8], levels: NDArray[np.int_]) -> NDArray[np.bool_]:
    """Where each class is at least at its level (10,): bool (10, H, W)."""
    called: NDArray[np.bool_] = (probabilities >= levels[:, None, None]) & (probabilities != NO_DATA)
    return called
