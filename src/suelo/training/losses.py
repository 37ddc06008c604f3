"""The loss: binary cross-entropy plus soft Jaccard, for classes that overlap and differ much in frequency."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Binary cross-entropy per class (mode: multilabel), the mean over the pixels that count.

    Args:
        logits: (N, C, H, W).
        targets: 0..1, (N, C, H, W).
        weights: 0 where a pixel does not count for a class, (N, C, H, W) or (N, 1, H, W).

    Returns:
        (C,); 0 for a class for which no pixel counts.
    """
    loss = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    weights = weights.expand_as(loss)
    return (loss * weights).sum(dim=(0, 2, 3)) / weights.sum(dim=(0, 2, 3)).clamp_min(1.0)


def soft_jaccard(logits: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Jaccard index with probabilities in place of decisions (mode: multilabel), summed over the whole batch.

    J = Σ p t / Σ (p + t - p t), as in Rahman and Wang, "Optimizing Intersection-Over-Union in Deep Neural Networks
    for Image Segmentation", ISVC 2016. Summing over the batch before dividing is what the metric does over scenes.

    Args:
        logits: (N, C, H, W).
        targets: 0..1, (N, C, H, W).
        weights: 0 where a pixel does not count for a class, (N, C, H, W) or (N, 1, H, W).

    Returns:
        The index per class (C,), and per class whether it occurs in `targets` (C,): for one that does not, the
        index is 0 whatever the network says.
    """
    probabilities = torch.sigmoid(logits) * weights
    targets = targets * weights
    both = (probabilities * targets).sum(dim=(0, 2, 3))
    present = targets.sum(dim=(0, 2, 3))
    either = probabilities.sum(dim=(0, 2, 3)) + present - both
    return both / either.clamp_min(1e-6), present > 0


def segmentation_loss(
    logits: Tensor, targets: Tensor, weights: Tensor, class_weights: Tensor, kinds: Tensor | None = None
) -> Tensor:
    """Weighted mean over the classes of cross-entropy and of 1 - soft Jaccard, added.

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

    Returns:
        A scalar.
    """
    logits = logits.float()
    entropy = (class_weights * cross_entropy(logits, targets, weights)).sum() / class_weights.sum()
    if kinds is None:
        return entropy + _overlap(logits, targets, weights, class_weights)
    parts = [kinds == kind for kind in torch.unique(kinds)]
    overlaps = [
        part.float().mean() * _overlap(logits[part], targets[part], weights[part], class_weights) for part in parts
    ]
    return entropy + torch.stack(overlaps).sum()


def _overlap(logits: Tensor, targets: Tensor, weights: Tensor, class_weights: Tensor) -> Tensor:
    """Weighted mean of 1 - soft Jaccard over the classes that occur."""
    jaccard, present = soft_jaccard(logits, targets, weights)
    shares = class_weights * present
    overlap: Tensor = (shares * (1.0 - jaccard)).sum() / shares.sum().clamp_min(1e-6)
    return overlap
