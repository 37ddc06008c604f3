"""Probabilities of the SWIR benchmark: networks and boosted trees that look at the same features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from suelo.landcover import CLASSES
from suelo.training.labelled import LabelledScene
from suelo.training.metrics import as_stored
from suelo.training.swir_bank import describe, turns
from suelo.training.swir_boosting import SwirBoosting
from suelo.training.swir_features import log_radiance
from suelo.training.swir_network import SwirNetwork

SMOOTHING = {"crops": 5.0, "waterway": 1.0, "standing_water": 1.0}
"""Standard deviations in pixels of the Gaussian weights that probabilities are smoothed with: fields are wide and of
one kind, water is whole; all other classes have parts as small as a pixel."""


def predict_swir(
    networks: Sequence[SwirNetwork],
    boosting: SwirBoosting,
    scene: LabelledScene,
    smoothing: Mapping[str, float] = SMOOTHING,
) -> NDArray[np.uint8]:
    """Probabilities of a scene: uint8 (10, H, W), as results store them: 0..250, 255 where there is no data.

    The mean over networks and the eight turns and mirrorings, and of that and the trees, which turns do not change;
    then smoothed.

    Args:
        networks: Fitted to the same pixels.
        boosting: Grown on these pixels, too.
        scene: The scene.
        smoothing: Standard deviation in pixels per key of a class.
    """
    with torch.inference_mode():
        features = describe(log_radiance(scene.values, scene.valid), networks[0].whitening)
        found = [network.probabilities(features[:, turn]) for network in networks for turn in turns()]
        mixed = boosting.mixed(features, torch.stack(found).mean(dim=0))
    return as_stored(_smoothed(mixed.T.reshape(-1, *scene.valid.shape).numpy(), scene.valid, smoothing), scene.valid)


def _smoothed(
    probabilities: NDArray[np.float32], valid: NDArray[np.bool_], smoothing: Mapping[str, float]
) -> NDArray[np.float32]:
    """Means of pixels with data alone, (10, H, W)."""
    from scipy.ndimage import gaussian_filter

    smoothed = probabilities.copy()
    for row, land_cover in enumerate(CLASSES):
        if deviation := smoothing.get(land_cover.key):
            seen = gaussian_filter(valid.astype(np.float32), deviation)
            smoothed[row] = gaussian_filter(probabilities[row] * valid, deviation) / np.maximum(seen, 1e-6)
    return smoothed
