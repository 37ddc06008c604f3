"""Fits the network of the SWIR benchmark to pixels of a handful of small scenes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from suelo.segmentation.selection import FULL_SCALE
from suelo.training.labelled import UNKNOWN, LabelledScene
from suelo.training.losses import cross_entropy
from suelo.training.swir_bank import ABSOLUTE, CONTEXT, describe, light_shift, turns
from suelo.training.swir_features import Whitening, log_radiance
from suelo.training.swir_network import SwirNetwork

CLASS_WEIGHTS = (1.0, 0.2, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.05, 0.05)
"""Say of each class in the loss: nothing as small as a vehicle fills half of a pixel of 7.5 m."""

RARITY = (1.0, 0.05, 1.0, 1.0, 1.0, 0.5, 0.3, 0.4, 0.0, 0.0)
"""How often, relative to one another, a pixel is drawn because of each class."""

_ENOUGH = 0.3
"""Coverage from which on a pixel is drawn because of a class."""

_LIGHT = slice(CONTEXT - ABSOLUTE, CONTEXT)


@dataclass(frozen=True)
class SwirOptions:
    """How a network is fitted.

    Attributes:
        steps: Steps of the optimizer.
        batch: Pixels per step.
        networks: Networks per fold, from different first weights; their probabilities are averaged.
        learning_rate: Highest learning rate of AdamW; it rises over the first twentieth, then falls along a cosine.
        weight_decay: Of AdamW.
        widths: Units of each hidden layer.
        dropout: Share of units that are dropped.
        entropy: Say of cross-entropy beside soft Jaccard.
        gain: Standard deviation of the logarithm of a gain common to all bands: light and season.
        band_gain: The same for each band by itself.
        noise: Standard deviation of noise on the standardised features.
        rare: Share of the pixels that are drawn because of their classes; the others are drawn evenly.
    """

    steps: int = 800
    batch: int = 2048
    networks: int = 3
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    widths: tuple[int, ...] = (128, 64)
    dropout: float = 0.4
    entropy: float = 2.0
    gain: float = 0.15
    band_gain: float = 0.015
    noise: float = 0.3
    rare: float = 0.2


@dataclass(frozen=True)
class SwirPixels:
    """Training pixels.

    Attributes:
        whitening: Measured on their scenes.
        features: (N, `FEATURES`).
        truth: Coverage 0..1, (N, 10).
        chances: How often each is drawn, relative to the others, (N,).
    """

    whitening: Whitening
    features: Tensor
    truth: Tensor
    chances: Tensor


def gather_pixels(scenes: Sequence[LabelledScene], rare: float) -> SwirPixels:
    """All pixels of scenes of which the truth is known.

    Args:
        scenes: At least one.
        rare: Share of draws that are due to classes, see `RARITY`. A class is drawn from all scenes that have it,
            from one with a hundred times as many pixels only ten times as often.
    """
    logs = [log_radiance(scene.values, scene.valid) for scene in scenes]
    whitening = Whitening.fit(logs)
    features, truth, counts = [], [], []
    for scene, image in zip(scenes, logs, strict=True):
        levels = np.asarray(scene.truth).reshape(len(scene.truth), -1).T
        known = torch.from_numpy((levels != UNKNOWN).all(axis=1) & scene.valid.ravel())
        features.append(describe(image, whitening)[known])
        truth.append(torch.from_numpy(levels.astype(np.float32) / FULL_SCALE)[known])
        counts.append(len(truth[-1]))
    every = torch.cat(truth)
    return SwirPixels(whitening, torch.cat(features), every, _chances(every, torch.tensor(counts), rare))


def fit_swir(
    pixels: SwirPixels, options: SwirOptions, seed: int, progress: Callable[[int, int], None] | None = None
) -> SwirNetwork:
    """Fit one network.

    Args:
        pixels: What it learns from.
        options: The options.
        seed: Decides first weights and every batch.
        progress: Called with the steps that are done and all.

    Returns:
        The network in evaluation mode.
    """
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # first weights, draws and dropout
        network = SwirNetwork(pixels.whitening, pixels.features, options.widths, options.dropout)
        optimizer = torch.optim.AdamW(network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)
        for step in range(options.steps):
            if progress is not None:
                progress(step, options.steps)
            drawn = torch.multinomial(pixels.chances, options.batch, replacement=True)
            features = network.standardised(_changed(pixels, drawn, step, rng, options))
            features = features + options.noise * torch.randn(features.shape)
            loss = swir_loss(network(features), pixels.truth[drawn], options.entropy)
            for group in optimizer.param_groups:
                group["lr"] = options.learning_rate * _schedule(step, options.steps)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return network.eval()


def swir_loss(logits: Tensor, targets: Tensor, entropy: float) -> Tensor:
    """Cross-entropy and 1 - soft Jaccard, each a weighted mean over classes, for targets that are shares of a pixel.

    J = Σ min(p, t) / Σ max(p, t), which is 1 for p = t whatever t is; Σ p t / Σ (p + t - p t) would be highest for
    decisions of 0 or 1. The form is Ruzicka's similarity; as a loss see Wang, Ning and Blaschko, "Jaccard Metric
    Losses: Optimizing the Jaccard Index with Soft Labels", NeurIPS 2023.

    Args:
        logits: (N, 10).
        targets: Coverage 0..1, (N, 10).
        entropy: Say of cross-entropy beside soft Jaccard.
    """
    class_weights = torch.tensor(CLASS_WEIGHTS)
    probabilities = torch.sigmoid(logits)
    sums, differences = (probabilities + targets).sum(dim=0), (probabilities - targets).abs().sum(dim=0)
    jaccard = (sums - differences) / (sums + differences).clamp_min(1e-6)
    images = logits[:, :, None, None]
    entropies = cross_entropy(images, targets[:, :, None, None], torch.ones_like(images))
    return (class_weights * (entropy * entropies + 1.0 - jaccard)).sum() / class_weights.sum()


def _changed(pixels: SwirPixels, drawn: Tensor, step: int, rng: np.random.Generator, options: SwirOptions) -> Tensor:
    """Features of the drawn pixels as if their scenes had been turned and lit otherwise."""
    features = pixels.features[drawn][:, turns()[step % len(turns())]]
    gains = rng.normal(0.0, options.gain, (len(drawn), 1)) + rng.normal(0.0, options.band_gain, (len(drawn), 8))
    features[:, _LIGHT] += light_shift(gains.astype(np.float32), pixels.whitening)
    return features


def _chances(truth: Tensor, counts: Tensor, rare: float) -> Tensor:
    scene = torch.repeat_interleave(torch.arange(len(counts)), counts)
    total = torch.zeros(len(truth))
    for column, say in zip(truth.T, RARITY, strict=True):
        holds = (column >= _ENOUGH).float()
        if holds.any():
            per_scene = torch.zeros(len(counts)).index_add(0, scene, holds).clamp_min(1.0)
            share = holds / per_scene.sqrt()[scene]
            total += say * share / share.sum()
    even = torch.full_like(total, 1.0 / len(total))
    return even if total.sum() == 0 else rare * total / total.sum() + (1.0 - rare) * even


def _schedule(step: int, steps: int) -> float:
    return min(1.0, 20 * (step + 1) / steps) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))
