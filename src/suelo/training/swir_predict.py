"""Probabilities of the SWIR benchmark: networks and boosted trees that look at the same features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from suelo.training.labelled import LabelledScene
from suelo.training.metrics import as_stored
from suelo.training.swir_bank import describe, turns
from suelo.training.swir_boosting import SwirBoosting
from suelo.training.swir_features import log_radiance
from suelo.training.swir_network import SwirNetwork


def predict_swir(networks: Sequence[SwirNetwork], boosting: SwirBoosting, scene: LabelledScene) -> NDArray[np.uint8]:
    """Probabilities of a scene: uint8 (10, H, W), as results store them: 0..250, 255 where there is no data.

    The mean over networks and the eight turns and mirrorings, and of that and the trees, which turns do not change.

    Args:
        networks: Fitted to the same pixels.
        boosting: Grown on these pixels, too.
        scene: The scene.
    """
    with torch.inference_mode():
        features = describe(log_radiance(scene.values, scene.valid), networks[0].whitening)
        found = [network.probabilities(features[:, turn]) for network in networks for turn in turns()]
        mixed = boosting.mixed(features, torch.stack(found).mean(dim=0))
    return as_stored(mixed.T.reshape(-1, *scene.valid.shape).numpy(), scene.valid)
