"""Fits the network of the SWIR benchmark to a handful of small scenes, and predicts others."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from suelo.segmentation.selection import FULL_SCALE
from suelo.training.fit import has_fast_bfloat16
from suelo.training.labelled import UNKNOWN, LabelledScene
from suelo.training.losses import cross_entropy
from suelo.training.metrics import as_stored
from suelo.training.swir_features import Whitening, log_radiance
from suelo.training.swir_network import SWIR_WIDTHS, SwirNetwork

CLASS_WEIGHTS = (1.2, 0.3, 1.2, 1.2, 1.0, 1.0, 1.0, 1.0, 0.1, 0.1)
"""Say of each class in the loss: nothing as small as a vehicle fills half of a pixel of 7.5 m."""


@dataclass(frozen=True)
class SwirOptions:
    """How a network is fitted.

    Attributes:
        steps: Steps of the optimizer.
        batch: Whole scenes per step.
        networks: Networks per fold, from different first weights; their probabilities are averaged.
        learning_rate: Highest learning rate of AdamW; it rises over the first twentieth, then falls along a cosine.
        weight_decay: Of AdamW.
        average_decay: Share of the averaged weights that each step keeps.
        widths: Channels of the network per level.
        dropout: Share of feature maps that are dropped.
        entropy: Say of cross-entropy beside soft Jaccard.
        gain: Standard deviation of the logarithm of a gain common to all bands: light and season.
        band_gain: The same for each band by itself.
        noise: Largest standard deviation of noise of the logarithm.
        warped: Share of scenes that are turned and stretched by any amount, over the eight turns and mirrorings.
    """

    steps: int = 400
    batch: int = 3
    networks: int = 1
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    average_decay: float = 0.99
    widths: tuple[int, ...] = SWIR_WIDTHS
    dropout: float = 0.1
    entropy: float = 2.0
    gain: float = 0.15
    band_gain: float = 0.015
    noise: float = 0.01
    warped: float = 0.5


def fit_swir(
    scenes: Sequence[LabelledScene], options: SwirOptions, seed: int, progress: Callable[[int, int], None] | None = None
) -> SwirNetwork:
    """Fit one network.

    Args:
        scenes: At least one.
        options: The options.
        seed: Decides first weights, order of scenes and their changes.
        progress: Called with the steps that are done and all.

    Returns:
        The averaged weights, in evaluation mode.
    """
    logs = [log_radiance(scene.values, scene.valid) for scene in scenes]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # first weights and dropout
        network = SwirNetwork(Whitening.fit(logs), options.widths, options.dropout)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        average = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        side = max(max(log.shape[1:]) for log in logs)
        side += -side % network.stride
        samples = [_padded(log, scene, side) for log, scene in zip(logs, scenes, strict=True)]
        optimizer = torch.optim.AdamW(network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)
        rng = np.random.default_rng(seed)
        bfloat16 = has_fast_bfloat16(torch.device("cpu"))
        network.train()
        order: list[int] = []
        for step in range(options.steps):
            if progress is not None:
                progress(step, options.steps)
            while len(order) < options.batch:
                order += rng.permutation(len(samples)).tolist()
            chosen, order = order[: options.batch], order[options.batch :]
            images, means, targets, weights = _batch([samples[index] for index in chosen], rng, options)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
                logits = network(network.features(images, means))
            loss = swir_loss(logits, targets, weights, options.entropy)
            for group in optimizer.param_groups:
                group["lr"] = options.learning_rate * _schedule(step, options.steps)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            _follow(average, network, min(options.average_decay, (1 + step) / (10 + step)))
    return average


def predict_swir(networks: Sequence[SwirNetwork], scene: LabelledScene) -> NDArray[np.uint8]:
    """Probabilities of a scene, the mean over networks and the eight turns and mirrorings: uint8 (10, H, W).

    Stored as results store them: 0..250, 255 where there is no data.
    """
    height, width = scene.valid.shape
    stride = networks[0].stride
    logs = log_radiance(scene.values, scene.valid)
    padded = np.pad(logs, [(0, 0), (0, -height % stride), (0, -width % stride)], mode="reflect")
    image = torch.from_numpy(padded)[None]
    means = torch.from_numpy(logs.mean(axis=(1, 2)))[None]
    total = torch.zeros(())
    with torch.inference_mode():
        for network in networks:
            for way in range(8):
                logits = network(network.features(_turned(image, way), means))
                total = total + _turned_back(torch.sigmoid(logits), way)
    mean = (total / (8 * len(networks)))[0, :, :height, :width].numpy()
    return as_stored(mean, scene.valid)


def swir_loss(logits: Tensor, targets: Tensor, weights: Tensor, entropy: float) -> Tensor:
    """Cross-entropy and 1 - soft Jaccard, each a weighted mean over classes, for targets that are shares of a pixel.

    J = Σ min(p, t) / Σ max(p, t), which is 1 for p = t whatever t is; Σ p t / Σ (p + t - p t) would be highest for
    decisions of 0 or 1. The form is Ruzicka's similarity, as a loss see Wang et al., "Jaccard Metric Losses:
    Optimizing the Jaccard Index with Soft Labels", NeurIPS 2023.

    Args:
        logits: (N, 10, H, W).
        targets: Coverage 0..1, (N, 10, H, W).
        weights: 0 where a pixel counts for nothing, (N, 1, H, W).
        entropy: Say of cross-entropy beside soft Jaccard.
    """
    logits = logits.float()
    class_weights = torch.tensor(CLASS_WEIGHTS)
    probabilities, targets = torch.sigmoid(logits) * weights, targets * weights
    sums = (probabilities + targets).sum(dim=(0, 2, 3))
    differences = (probabilities - targets).abs().sum(dim=(0, 2, 3))
    jaccard = (sums - differences) / (sums + differences).clamp_min(1e-6)
    shares = class_weights * (targets.sum(dim=(0, 2, 3)) > 0)
    overlap = (shares * (1.0 - jaccard)).sum() / shares.sum().clamp_min(1e-6)
    means = cross_entropy(logits, targets, weights)
    return entropy * (class_weights * means).sum() / class_weights.sum() + overlap


def _schedule(step: int, steps: int) -> float:
    return min(1.0, 20 * (step + 1) / steps) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def _follow(average: SwirNetwork, network: SwirNetwork, decay: float) -> None:
    with torch.no_grad():
        for ours, theirs in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
            if ours.is_floating_point():
                ours.lerp_(theirs, 1.0 - decay)
            else:
                ours.copy_(theirs)


def _padded(logs: NDArray[np.float32], scene: LabelledScene, side: int) -> Tensor:
    """Logarithms (8), truth 0..1 (10) and weight (1) as one square array, mirrored beyond the edge, weight 0 there."""
    truth = np.asarray(scene.truth)
    known = (truth != UNKNOWN).all(axis=0) & scene.valid
    layers = np.concatenate([logs, np.minimum(truth, FULL_SCALE) / np.float32(FULL_SCALE), known[None]])
    height, width = known.shape
    grown = np.pad(layers, [(0, 0), (0, side - height), (0, side - width)], mode="symmetric")
    grown[-1, height:], grown[-1, :, width:] = 0.0, 0.0
    return torch.from_numpy(grown.astype(np.float32))


def _batch(
    samples: Sequence[Tensor], rng: np.random.Generator, options: SwirOptions
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Changed scenes: logarithms (N, 8, H, W), their means per scene (N, 8), targets and weights."""
    stacked = torch.stack([_moved(sample, rng, options.warped) for sample in samples])
    images, targets, weights = stacked[:, :8], stacked[:, 8:-1], (stacked[:, -1:] > 0.99).float()
    means = torch.stack([sample[:8][:, sample[-1] > 0].mean(dim=1) for sample in samples])
    gains = rng.normal(0.0, options.gain, (len(samples), 1)) + rng.normal(0.0, options.band_gain, (len(samples), 8))
    shift = torch.from_numpy(gains.astype(np.float32))
    noise = torch.from_numpy(rng.standard_normal(tuple(images.shape), dtype=np.float32))
    strength = torch.from_numpy(rng.uniform(0.0, options.noise, (len(samples), 1, 1, 1)).astype(np.float32))
    return images + shift[:, :, None, None] + strength * noise, means + shift, targets, weights


def _moved(sample: Tensor, rng: np.random.Generator, warped: float) -> Tensor:
    """A scene turned or mirrored, and often turned, stretched and moved by any amount besides."""
    turned = _turned(sample[None], int(rng.integers(8)))
    if rng.random() >= warped:
        return turned[0]
    angle, scale = rng.normal(0.0, 0.3), math.exp(rng.normal(0.0, 0.15))
    across, down = rng.uniform(-0.25, 0.25, 2)
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    matrix = torch.tensor([[[cosine, -sine, across], [sine, cosine, down]]], dtype=torch.float32)
    grid = functional.affine_grid(matrix, [1, 1, *turned.shape[2:]], align_corners=False)
    # What comes from beyond the edge is mirrored ground without weight.
    inside = functional.grid_sample(turned[:, -1:], grid, padding_mode="zeros", align_corners=False)
    moved = functional.grid_sample(turned, grid, padding_mode="reflection", align_corners=False)
    return torch.cat((moved[:, :-1], inside), dim=1)[0]


def _turned(images: Tensor, way: int) -> Tensor:
    turned = torch.rot90(images, way % 4, (2, 3))
    return turned.flip(3) if way >= 4 else turned


def _turned_back(images: Tensor, way: int) -> Tensor:
    return torch.rot90(images.flip(3) if way >= 4 else images, -(way % 4), (2, 3))
