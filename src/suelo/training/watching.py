"""Watches a training by scenes that it does not learn from: the best step is kept, and it may end early."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from suelo.model.contract import STRIDE
from suelo.training.checkpoint import check_unseen
from suelo.training.fit import fit_chips, images_seen
from suelo.training.labelled import LabelledScene
from suelo.training.metrics import LevelCounts, as_stored
from suelo.training.network import UNet
from suelo.training.options import Progress, TrainingOptions
from suelo.training.sources import Gathered
from suelo.training.thresholds import choose_levels


def fit_gathered(options: TrainingOptions, gathered: Gathered, progress: Progress | None = None) -> UNet:
    """`fit_chips` on what was gathered, watched by the scenes that were gathered for that, if any.

    Args:
        options: The options.
        gathered: The scenes.
        progress: Called after every step.

    Raises:
        InputError: The folder holds another training, or the training to start from saw what this one must not see.
    """
    if not gathered.watched:
        return fit_chips(options, gathered.sources, progress=progress)
    watched = [scene.name for scene in gathered.watched]
    check_unseen(images_seen(options, gathered.sources), watched, f"The training in {options.start}")
    return fit_chips(options, gathered.sources, partial(validation_jaccard, gathered.watched), progress)


def validation_jaccard(scenes: Sequence[LabelledScene], network: UNet) -> float:
    """Mean Jaccard index on scenes, each class at the threshold that suits it best there.

    Good for comparing steps of one training; the figures of a model are those on test scenes.
    """
    device = next(network.parameters()).device
    counts = LevelCounts()
    with torch.inference_mode():
        for scene in scenes:
            height, width = scene.valid.shape
            image = np.pad(scene.normalised(), ((0, 0), (0, -height % STRIDE), (0, -width % STRIDE)))
            answer = network(torch.from_numpy(image)[None].to(device))[0, :, :height, :width]
            probabilities = torch.sigmoid(answer).float().cpu().numpy()
            counts.add(as_stored(probabilities, scene.valid), scene.members(), scene.known())
    return counts.at(choose_levels(counts)).mean() or 0.0
