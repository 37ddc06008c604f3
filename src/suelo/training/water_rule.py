"""Water by a rule: an index of the bands above a threshold, in bodies of some size; what a network has to beat.

The best of the DSTL competition used such rules for waterways and standing water: V. Iglovikov, S. Mushinskiy,
V. Osin, "Satellite Imagery Feature Detection using Deep Convolutional Neural Network: A Kaggle Competition",
arXiv:1706.06169 (2017).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from suelo.errors import InputError
from suelo.imagery.grid import DEFAULT_GSD_M
from suelo.landcover import CLASS_COUNT, class_by_name
from suelo.segmentation.selection import FULL_SCALE, NO_DATA
from suelo.training.dstl import DstlFolder
from suelo.training.dstl_scenes import load_dstl
from suelo.training.evaluate_dstl import judge
from suelo.training.labelled import LabelledScene
from suelo.training.scores import Evaluation, figure

Index = Literal["ndwi", "ccci"]

WATERWAY, STANDING_WATER = (class_by_name(key).id - 1 for key in ("waterway", "standing_water"))

_GREEN, _RED, _RED_EDGE, _NIR = 2, 4, 5, 6
_PIXEL_M2 = DEFAULT_GSD_M**2

# What is tried. Indices are of the file's own numbers, so that their zero is not that of reflectances.
_THRESHOLDS: Mapping[Index, NDArray[np.float64]] = {
    "ndwi": np.arange(-0.3, 0.501, 0.02).round(2),
    "ccci": np.append(np.arange(0.5, 1.501, 0.05).round(2), (2.0, 3.0, 5.0)),
}
_MIN_AREAS_M2 = (30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0)
_RIVER_AREAS_M2 = (0.0, 2000.0, 5000.0, 15_000.0, 50_000.0, np.inf)
_RIVER_ELONGATIONS = (0.0, 2.0, 3.5, 6.0, 10.0)


@dataclass(frozen=True)
class WaterRule:
    """Where there is water, and of which kind.

    Attributes:
        index: Index of the bands.
        threshold: Water where the index is at least this.
        min_area_m2: Smaller bodies are no water.
        river_area_m2: A body is a waterway if it is at least this large,
        river_elongation: and at least this long in proportion to its width; standing water if not.
    """

    index: Index
    threshold: float
    min_area_m2: float
    river_area_m2: float
    river_elongation: float

    def predict(self, values: NDArray[np.generic], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Water of an image as a model's result: 0 or 250, 255 = no data, uint8 (10, H, W); no other class is found.

        Args:
            values: Bands of the file, (8, H, W).
            valid: False where there is no data, (H, W).
        """
        labels, bodies = find_bodies((INDICES[self.index](values) >= self.threshold) & valid)
        found = np.zeros((CLASS_COUNT, *valid.shape), np.uint8)
        kept, river = self.split(bodies)
        for row, members in ((WATERWAY, river), (STANDING_WATER, kept & ~river)):
            found[row][np.append(False, members)[labels]] = FULL_SCALE
        found[:, ~valid] = NO_DATA
        return found

    def split(self, bodies: Bodies) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which bodies are water, and which of them waterways."""
        kept = bodies.area_m2 >= self.min_area_m2
        river = kept & (bodies.area_m2 >= self.river_area_m2) & (bodies.elongation >= self.river_elongation)
        return kept, river


@dataclass(frozen=True)
class Bodies:
    """Connected bodies of pixels.

    Attributes:
        area_m2: Area of each.
        elongation: Length over width of a straight strip with the same area and the same spread along its main axis:
            1 for a square.
    """

    area_m2: NDArray[np.float64]
    elongation: NDArray[np.float64]


@dataclass(frozen=True)
class Survey:
    """What each threshold finds in a scene whose truth is known.

    Attributes:
        bodies: Per index and threshold, those that are large enough for any rule.
        pixels: The pixels of each of them that count: all, those of waterways, those of standing water, (3, N).
        truth: Pixels of waterways and of standing water that count, (2,).
    """

    bodies: Mapping[tuple[Index, float], Bodies]
    pixels: Mapping[tuple[Index, float], NDArray[np.int64]]
    truth: NDArray[np.int64]


def ndwi(values: NDArray[np.generic]) -> NDArray[np.float32]:
    """Normalised difference water index (H, W) of bands (8, H, W); -inf where it is 0 / 0.

    (green - NIR) / (green + NIR): S. K. McFeeters, International Journal of Remote Sensing 17(7), 1996.
    """
    return _difference(values, _GREEN, _NIR)


def ccci(values: NDArray[np.generic]) -> NDArray[np.float32]:
    """Canopy chlorophyll content index (H, W) of bands (8, H, W); -inf where a part of it is divided by 0.

    ((NIR - red edge) / (NIR + red edge)) / ((NIR - red) / (NIR + red)): E. M. Barnes et al., Proceedings of the Fifth
    International Conference on Precision Agriculture, 2000. Water has a high one, since both parts are below 0.
    """
    edge, red = _difference(values, _NIR, _RED_EDGE), _difference(values, _NIR, _RED)
    index = np.full_like(edge, -np.inf)
    np.divide(edge, red, out=index, where=np.isfinite(edge) & np.isfinite(red) & (red != 0))
    return index


INDICES: Mapping[Index, Callable[[NDArray[np.generic]], NDArray[np.float32]]] = {"ndwi": ndwi, "ccci": ccci}


def measure_water_rule(
    folder: DstlFolder,
    folds: Sequence[Sequence[str]],
    image_ids: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Measure the rule, each fold by the rule that is best on the other folds.

    Args:
        folder: Images and labels.
        folds: Ids per fold; images of the same ground belong into one.
        image_ids: Images to measure on; all of the folds by default.
        progress: Called with the images that are done and all.

    Returns:
        The scores of the two classes of water.

    Raises:
        InputError: There are fewer than two folds, or an image is missing.
    """
    if len(folds) < 2:
        raise InputError("A rule for water is chosen on other images than it is measured on: 2 folds are needed.")
    everyone = [image_id for fold in folds for image_id in fold]
    tell = progress or (lambda _done, _total: None)
    surveys = {}
    for done, image_id in enumerate(everyone):
        tell(done, len(everyone))
        surveys[image_id] = survey(load_dstl(folder, [image_id])[0])
    predictions: dict[str, NDArray[np.uint8]] = {}
    for fold in folds:
        wanted = [image_id for image_id in fold if image_ids is None or image_id in image_ids]
        rule = choose_rule([found for image_id, found in surveys.items() if image_id not in fold])
        predictions |= {scene.name: rule.predict(scene.values, scene.valid) for scene in load_dstl(folder, wanted)}
    text = f"A rule on bands, chosen on other images ({len(folds)} folds)"
    found = judge(predictions, folder, (0.5,) * CLASS_COUNT, text)
    return found.only(("waterway", "standing_water"))


def survey(scene: LabelledScene) -> Survey:
    """Find the bodies of water at every threshold that is tried."""
    bodies: dict[tuple[Index, float], Bodies] = {}
    pixels: dict[tuple[Index, float], NDArray[np.int64]] = {}
    rows = [WATERWAY, STANDING_WATER]
    known, truth = scene.known()[rows], scene.members()[rows] & scene.known()[rows]
    counted = known.all(axis=0)
    for name, index in INDICES.items():
        image = index(np.asarray(scene.values))
        for threshold in _THRESHOLDS[name].tolist():
            labels, found = find_bodies((image >= threshold) & scene.valid)
            kept = found.area_m2 >= _MIN_AREAS_M2[0]
            bodies[name, threshold] = Bodies(found.area_m2[kept], found.elongation[kept])
            pixels[name, threshold] = np.stack(
                [np.bincount(labels[part], minlength=len(kept) + 1)[1:][kept] for part in (counted, *truth)]
            )
    return Survey(bodies, pixels, truth.sum(axis=(1, 2)))


def choose_rule(surveys: Sequence[Survey]) -> WaterRule:
    """The rule with the best mean Jaccard index over the two classes, as far as they occur.

    Args:
        surveys: Of training scenes alone.
    """
    truth = np.sum([found.truth for found in surveys], axis=0)
    occurs = truth > 0
    best, chosen = -1.0, None
    for rule, bodies, pixels in _candidates(surveys):
        kept, river = rule.split(bodies)
        found = np.stack([pixels[:, river].sum(axis=1), pixels[:, kept & ~river].sum(axis=1)])
        both = np.array([found[0, 1], found[1, 2]])
        jaccard = both / np.maximum(found[:, 0] + truth - both, 1)
        mean = float(jaccard[occurs].mean()) if occurs.any() else 0.0
        if mean > best:
            best, chosen = mean, rule
    assert chosen is not None
    return chosen


def water_table(network: Evaluation, rule: Evaluation) -> str:
    """A Markdown table of the two classes of water: the network's figures beside those of the rule."""
    of_rule = {score.key: score for score in rule.classes}
    lines = [
        "| class | network | rule | network, polygons | rule, polygons |",
        "|---|---:|---:|---:|---:|",
    ]
    for score in network.classes:
        if other := of_rule.get(score.key):
            figures = (score.jaccard, other.jaccard, score.polygon_jaccard, other.polygon_jaccard)
            lines.append(f"| {score.key} | " + " | ".join(map(figure, figures)) + " |")
    return "\n".join(lines)


def find_bodies(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], Bodies]:
    """The 4-connected bodies of a mask (H, W): their labels from 1 on, int32 (H, W), and their shapes in order."""
    from scipy.ndimage import label

    labels = np.zeros(mask.shape, np.int32)
    count = label(mask, output=labels)
    rows, columns = np.nonzero(labels)
    of = labels[rows, columns] - 1
    pixels = np.bincount(of, minlength=count)

    def mean(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(of, weights=weights, minlength=count) / np.maximum(pixels, 1)

    y, x = rows - mean(rows.astype(np.float64))[of], columns - mean(columns.astype(np.float64))[of]
    # A pixel is a square, not a point: 1/12 per axis.
    yy, xx, xy = mean(y * y) + 1 / 12, mean(x * x) + 1 / 12, mean(x * y)
    largest = (yy + xx) / 2 + np.sqrt(((yy - xx) / 2) ** 2 + xy**2)
    elongation = 12 * largest / np.maximum(pixels, 1)
    return labels, Bodies(np.asarray(pixels * _PIXEL_M2, np.float64), np.asarray(elongation, np.float64))


def _candidates(surveys: Sequence[Survey]) -> Iterator[tuple[WaterRule, Bodies, NDArray[np.int64]]]:
    """Every rule that is tried, with the bodies of all scenes that reach its threshold and its smallest area."""
    for name, thresholds in _THRESHOLDS.items():
        for threshold in thresholds.tolist():
            parts = [found.bodies[name, threshold] for found in surveys]
            bodies = Bodies(
                np.concatenate([part.area_m2 for part in parts]), np.concatenate([part.elongation for part in parts])
            )
            pixels = np.concatenate([found.pixels[name, threshold] for found in surveys], axis=1)
            for area in _MIN_AREAS_M2:
                large = bodies.area_m2 >= area
                bodies, pixels = Bodies(bodies.area_m2[large], bodies.elongation[large]), pixels[:, large]
                for river_area, elongation in product(_RIVER_AREAS_M2, _RIVER_ELONGATIONS):
                    yield WaterRule(name, threshold, area, river_area, elongation), bodies, pixels


def _difference(values: NDArray[np.generic], first: int, second: int) -> NDArray[np.float32]:
    """(a - b) / (a + b) of two bands; -inf where both are 0."""
    a, b = (np.asarray(values[band], np.float32) for band in (first, second))
    index = np.full(a.shape, -np.inf, np.float32)
    np.divide(a - b, a + b, out=index, where=a + b != 0)
    return index
