"""Gradient boosting for the SWIR benchmark: trees that judge a pixel by the numbers that the network sees, too.

Trees and a network of dense layers go wrong in different places, so that their mean is better than either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suelo.landcover import CLASS_COUNT
from suelo.training.swir_bank import CONTEXT
from suelo.training.swir_fit import SwirPixels

_FEWEST = 50
"""Pixels of a class below which no trees are grown for it."""


@dataclass(frozen=True)
class BoostingOptions:
    """How the trees of each class are grown.

    Attributes:
        trees: Trees per class.
        leaves: Leaves per tree.
        smallest_leaf: Pixels of the smallest leaf.
        learning_rate: Say of each tree.
        shrinkage: Of the values of leaves (L2).
        considered: Share of the features, drawn anew, among which each split is chosen.
        pixels: Pixels per class that the trees are grown on.
        members: Highest share of those pixels that belong to the class; the predictions are corrected for it.
    """

    trees: int = 70
    leaves: int = 15
    smallest_leaf: int = 60
    learning_rate: float = 0.12
    shrinkage: float = 10.0
    considered: float = 0.3
    pixels: int = 60_000
    members: float = 0.35


@dataclass(frozen=True)
class SwirBoosting:
    """Trees of the classes that had enough pixels.

    Attributes:
        trees: Per row of the table of classes: the trees, and what is added to their logit because members were
            drawn more often than others.
    """

    trees: Mapping[int, tuple[Any, float]]

    def mixed(self, features: Tensor, probabilities: Tensor) -> Tensor:
        """The mean of other probabilities and those of the trees; the others alone where there are no trees.

        Args:
            features: Raw features, (N, `FEATURES`).
            probabilities: Of a network, (N, 10).

        Returns:
            Probabilities, (N, 10).
        """
        context, mixed = features[:, :CONTEXT].numpy(), probabilities.clone()
        for row, (grown, offset) in self.trees.items():
            logits = torch.from_numpy(grown.decision_function(context) + offset).float()
            mixed[:, row] = (mixed[:, row] + torch.sigmoid(logits)) / 2
        return mixed


def fit_boosting(
    pixels: SwirPixels, options: BoostingOptions, seed: int, progress: Callable[[int, int], None] | None = None
) -> SwirBoosting:
    """Grow the trees of every class.

    Args:
        pixels: What they learn from: the features that do not change when a scene is turned.
        options: The options.
        seed: Decides which pixels are drawn and which features each split may use.
        progress: Called with the classes that are done and all.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    context = pixels.features[:, :CONTEXT].numpy()
    members = pixels.truth.numpy() >= 0.5
    rng, found = np.random.default_rng(seed), {}
    for row in range(CLASS_COUNT):
        if progress is not None:
            progress(row, CLASS_COUNT)
        if not _FEWEST <= members[:, row].sum() <= len(members) - _FEWEST:
            continue
        drawn, offset = _draw(members[:, row], options, rng)
        trees = HistGradientBoostingClassifier(
            learning_rate=options.learning_rate,
            max_iter=options.trees,
            max_leaf_nodes=options.leaves,
            min_samples_leaf=options.smallest_leaf,
            l2_regularization=options.shrinkage,
            max_features=options.considered,
            early_stopping=False,  # neighbouring pixels are alike: a held-out share of them would tell nothing
            random_state=seed,
        )
        found[row] = (trees.fit(context[drawn], members[drawn, row]), offset)
    return SwirBoosting(found)


def _draw(
    members: NDArray[np.bool_], options: BoostingOptions, rng: np.random.Generator
) -> tuple[NDArray[np.int64], float]:
    """Pixels without repetition, and the logarithm by which the odds of a member are higher among all than among them.

    Weights of pixels would do the same, but with them scikit-learn takes longer to sort features into bins than to
    grow the trees.
    """
    inside, outside = np.flatnonzero(members), np.flatnonzero(~members)
    few = rng.choice(inside, min(len(inside), int(options.pixels * options.members)), replace=False)
    many = rng.choice(outside, min(len(outside), options.pixels - len(few)), replace=False)
    offset = np.log(len(inside) / len(few)) - np.log(len(outside) / len(many))
    return np.concatenate((few, many)), float(offset)
