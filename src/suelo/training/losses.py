"""The loss: binary cross-entropy plus soft Jaccard, for classes that overlap and differ much in frequency."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from suelo.training.options import Loss

FOCUS = 2.0
"""Power in the focal cross-entropy: that of Lin and others."""

WRONG, MISSED = 0.3, 0.7
"""Weights of what is found in vain and of what is missed in the Tversky index: those of Salehi and others."""


def cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor, focus: float = 0.0) -> Tensor:
    """Binary cross-entropy per class (mode: multilabel), the mean over the pixels that count.

    With a focus γ above 0 each pixel's part is multiplied by |t - p|^γ, so that what is known already counts little:
    Lin and others, "Focal Loss for Dense Object Detection", ICCV 2017, in the form for shares of pixels of Li and
    others, "Generalized Focal Loss", NeurIPS 2020.

    Args:
        logits: (N, C, H, W).
        targets: 0..1, (N, C, H, W).
        weights: 0 where a pixel does not count for a class, (N, C, H, W) or (N, 1, H, W).
        focus: γ; 0 for plain cross-entropy.

    Returns:
        (C,); 0 for a class for which no pixel counts.
    """
    loss = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    if focus:
        loss = loss * (targets - torch.sigmoid(logits)).abs() ** focus
    weights = weights.expand_as(loss)
    return (loss * weights).sum(dim=(0, 2, 3)) / weights.sum(dim=(0, 2, 3)).clamp_min(1.0)


def soft_jaccard(logits: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Jaccard index with probabilities in place of decisions (mode: multilabel), summed over the whole batch.

    J = Σ p t / Σ (p + t - p t), as in Rahman and Wang, "Optimizing Intersection-Over-Union in Deep Neural Networks
    for Image Segmentation", ISVC 2016. Summing over the batch before dividing is what the metric does over scenes.

    Args and returns are those of `soft_tversky`.
    """
    return soft_tversky(logits, targets, weights, wrong=1.0, missed=1.0)


def soft_tversky(
    logits: Tensor, targets: Tensor, weights: Tensor, wrong: float = WRONG, missed: float = MISSED
) -> tuple[Tensor, Tensor]:
    """Tversky index with probabilities in place of decisions (mode: multilabel), summed over the whole batch.

    T = Σ p t / Σ (p t + wrong · p (1 - t) + missed · t (1 - p)), as in Salehi, Erdogmus and Gholipour, "Tversky Loss
    Function for Image Segmentation Using 3D Fully Convolutional Deep Networks", MLMI 2017.

    Args:
        logits: (N, C, H, W).
        targets: 0..1, (N, C, H, W).
        weights: 0 where a pixel does not count for a class, (N, C, H, W) or (N, 1, H, W).
        wrong: Weight of what is found in vain.
        missed: Weight of what is missed.

    Returns:
        The index per class (C,), and per class whether it occurs in `targets` (C,): for one that does not, the
        index is 0 whatever the network says.
    """
    probabilities = torch.sigmoid(logits) * weights
    targets = targets * weights
    both = (probabilities * targets).sum(dim=(0, 2, 3))
    found = probabilities.sum(dim=(0, 2, 3))
    present = targets.sum(dim=(0, 2, 3))
    whole = both + wrong * (found - both) + missed * (present - both)
    return both / whole.clamp_min(1e-6), present > 0


def segmentation_loss(
    logits: Tensor,
    targets: Tensor,
    weights: Tensor,
    class_weights: Tensor,
    kinds: Tensor | None = None,
    loss: Loss = "jaccard",
) -> Tensor:
    """Weighted mean over the classes of cross-entropy and of 1 - soft Jaccard, added, or another `Loss`.

    Cross-entropy teaches what is absent and keeps probabilities calibrated; soft Jaccard gives a class of a few
    pixels the same say as one that fills the scene. Classes that are absent from the batch have no Jaccard term.

    The index is taken over the chips of each kind of place by itself: in one sum, a wood in one place would drown the
    scattered trees of another.

    Args:
        logits: (N, C, H, W), any float type; the loss is computed in float32.
        targets: 0..1, (N, C, H, W).
        weights: 0 where a pixel does not count for a class, (N, C, H, W) or (N, 1, H, W).
        class_weights: (C,).
        kinds: Which kind of place each chip shows, integers (N,); all the same if None.
        loss: Which loss.

    Returns:
        A scalar.
    """
    logits = logits.float()
    focus = FOCUS if loss == "focal" else 0.0
    entropy = (class_weights * cross_entropy(logits, targets, weights, focus)).sum() / class_weights.sum()
    if kinds is None:
        return entropy + _overlap(logits, targets, weights, class_weights, loss)
    parts = [kinds == kind for kind in torch.unique(kinds)]
    overlaps = [
        part.float().mean() * _overlap(logits[part], targets[part], weights[part], class_weights, loss)
        for part in parts
    ]
    return entropy + torch.stack(overlaps).sum()


def _overlap(logits: Tensor, targets: Tensor, weights: Tensor, class_weights: Tensor, loss: Loss) -> Tensor:
    """Weighted mean of 1 - the soft index over the classes that occur."""
    measure = soft_tversky if loss == "tversky" else soft_jaccard
    index, present = measure(logits, targets, weights)
    shares = class_weights * present
    overlap: Tensor = (shares * (1.0 - index)).sum() / shares.sum().clamp_min(1e-6)
    return overlap
