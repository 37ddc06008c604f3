"""Measures predictions on labelled DSTL images, on pixels and on the polygons that users export."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suelo.errors import InputError
from suelo.imagery.grid import DEFAULT_GSD_M
from suelo.imagery.scene import open_scene
from suelo.landcover import CLASS_COUNT, CLASSES
from suelo.model.contract import ModelContract
from suelo.model.flips import FlippedModel
from suelo.model.session import Model
from suelo.segmentation.engine import predict
from suelo.segmentation.selection import NO_DATA, Selection
from suelo.training.dstl import DstlFolder, ImageKind, place_of, rasterise
from suelo.training.labelled import members
from suelo.training.metrics import JaccardCounts, LevelCounts
from suelo.training.polygon_metric import AreaCounts, exported_polygons
from suelo.training.scores import Evaluation, score_counts

Progress = Callable[[int, int], None]
"""Takes the images that are done and all."""

_GSD_M: Mapping[ImageKind, float] = {"M": DEFAULT_GSD_M, "A": 7.5}


def evaluate_dstl(
    model: Model,
    folder: DstlFolder,
    image_ids: Sequence[str] | None = None,
    thresholds: Sequence[float] | None = None,
    *,
    flips: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure a model on labelled M images, through the engine that users run.

    Args:
        model: The model.
        folder: Images and labels.
        image_ids: Images to measure on; all that have labels by default.
        thresholds: One per class; those of the model by default.
        flips: Let the model answer in eight orientations.
        progress: Called with the steps that are done and all: each image is predicted, then judged.

    Returns:
        The scores; their `caution` says which of the images the model was trained on.

    Raises:
        InputError: The folder does not have an image or its labels, or there is none.
    """
    ids = known_images(folder, image_ids)
    tell = progress or (lambda _done, _total: None)
    predictions = {}
    for done, image_id in enumerate(ids):
        tell(done, 2 * len(ids))
        predictions[image_id] = predict_dstl(model, _path(folder, image_id), flips=flips)
    return judge(
        predictions,
        folder,
        thresholds or model.contract.thresholds,
        f"{_listed(ids)} of {folder.root.name}" + (", mean over eight orientations" if flips else ""),
        caution=trained_on(model.contract, ids),
        progress=lambda done, total: tell(total + done, 2 * total),
    )


def predict_dstl(model: Model, path: Path, *, flips: bool = False) -> NDArray[np.uint8]:
    """Probabilities of an image file as the engine gives them: 0..250, 255 = no data, uint8 (10, H, W).

    Args:
        model: The model.
        path: The image.
        flips: Let the model answer in eight orientations.
    """
    with open_scene(path) as scene:
        statistics = model.contract.normalisation.measure(scene)
        return predict(scene, FlippedModel(model) if flips else model, statistics)


def judge(
    predictions: Mapping[str, NDArray[np.uint8]],
    folder: DstlFolder,
    thresholds: Sequence[float] | Mapping[str, Sequence[float]],
    measured_on: str,
    *,
    kind: ImageKind = "M",
    caution: str | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure predictions of DSTL images, wherever they come from.

    A pixel is in a class of the labels if they cover half of it or more. Polygons are compared as they were drawn and
    as they are exported, smallest areas applied. Where an M image cannot be trusted, or there is no data, nothing
    counts.

    Args:
        predictions: Per image id: 0..250, 255 = no data, uint8 (10, H, W) with the height and width of the image.
        folder: The labels.
        thresholds: One per class, or so per image id, as a cross-validation has them.
        measured_on: The images, in words.
        kind: What was predicted: M images, or A images with their own registration.
        caution: What keeps the figures from being a test, in a sentence.
        progress: Called with the images that are done and all.

    Raises:
        InputError: There are no labels of an image, or its mask has another size.
    """
    at, counts, areas = JaccardCounts(), LevelCounts(), AreaCounts()
    applied = []
    for done, (image_id, probabilities) in enumerate(predictions.items()):
        if progress is not None:
            progress(done, len(predictions))
        selection = Selection(tuple(thresholds[image_id] if isinstance(thresholds, Mapping) else thresholds))
        applied.append(selection.thresholds)
        height, width = probabilities.shape[1:]
        shift = folder.registration(image_id) if kind == "A" else (0.0, 0.0)
        labels = folder.polygons(image_id, height, width, shift)
        truth = members(np.stack([rasterise(layer, height, width) for layer in labels]))
        known = _known(probabilities, folder, image_id, kind)
        mine = LevelCounts()
        mine.add(probabilities, truth, np.broadcast_to(known, truth.shape))
        counts += mine
        at += mine.at(np.array([selection.level(land_cover) for land_cover in CLASSES]))
        areas.add(exported_polygons(probabilities, selection, _GSD_M[kind]), labels, known)
    common = [values[0] if len(set(values)) == 1 else None for values in zip(*applied, strict=True)] or [
        None
    ] * CLASS_COUNT
    return score_counts(at, counts, common, measured_on, len(predictions), areas=areas, caution=caution)


def known_images(folder: DstlFolder, image_ids: Sequence[str] | None) -> tuple[str, ...]:
    """The images to measure on, checked before anything takes long.

    Args:
        folder: Images and labels.
        image_ids: Ids, or None for all M images that have labels.

    Raises:
        InputError: The folder does not have an image or its labels, or there is none.
    """
    there = folder.scenes()
    for image_id in image_ids or ():
        if image_id not in there:
            what = "labels of" if image_id not in folder.labelled else "an M image and a grid size of"
            raise InputError(f"{folder.root} does not have {what} {image_id!r}; it has {', '.join(there) or 'none'}.")
    ids = tuple(dict.fromkeys(image_ids or there))
    if not ids:
        raise InputError(f"{folder.root} has no M image with labels in sixteen_band.")
    return ids


def trained_on(contract: ModelContract, image_ids: Sequence[str]) -> str | None:
    """What keeps images from being a test of a model, in a sentence: it saw them or their ground; None if nothing does.

    Args:
        contract: What the model says about its training.
        image_ids: Ids of DSTL images.
    """
    if not contract.training:
        return "The model does not say what it was trained on: perhaps not a test."
    places = {place_of(name) for name in images_of(contract)}
    seen = [image_id for image_id in image_ids if place_of(image_id) in places]
    if not seen:
        return None
    if len(seen) == len(image_ids):
        return "These images were trained on: not a test."
    return f"{_listed(seen)} were trained on, or show ground that was: not a test."


def images_of(contract: ModelContract) -> tuple[str, ...]:
    """Ids of the DSTL images that a model says it learned from."""
    return tuple(str(name) for name in contract.training.get("images", ()))


def _known(probabilities: NDArray[np.uint8], folder: DstlFolder, image_id: str, kind: ImageKind) -> NDArray[np.bool_]:
    known: NDArray[np.bool_] = (probabilities != NO_DATA).all(axis=0)
    reliable = folder.reliable(image_id, *known.shape) if kind == "M" else None
    return known if reliable is None else known & reliable


def _path(folder: DstlFolder, image_id: str) -> Path:
    path = folder.image_path(image_id)
    assert path is not None  # `known_images` looked
    return path


def _listed(image_ids: Sequence[str]) -> str:
    noun = "image" if len(image_ids) == 1 else "images"
    return f"{len(image_ids)} {noun} ({', '.join(image_ids)})"
