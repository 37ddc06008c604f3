"""Draws training chips from labelled scenes: rare classes often, each batch a function of seed and step alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.scene import Pixels
from suelo.imagery.statistics import BandStatistics, normalise
from suelo.landcover import CLASS_COUNT
from suelo.training.augmentation import Augmentation, augment

if TYPE_CHECKING:
    from torch import Tensor

LOW_PERCENTILE, HIGH_PERCENTILE = 1.0, 99.0

RARITY = (1.0, 1.6, 1.0, 1.2, 1.0, 0.8, 1.2, 1.3, 1.6, 1.6)
"""How often, relative to one another, a chip is placed on a pixel of each class."""

_PLACES = 400
_UNIFORM_SHARE = 0.3
_OWN_STRETCH_SHARE = 0.5
_RESAMPLED_SHARE = 0.25
_GSD_RATIOS = (0.75, 1.3)


@dataclass(frozen=True)
class LabelledScene:
    """A scene with its truth.

    Attributes:
        values: Numbers of the file, (8, H, W).
        truth: uint8 0 or 1, (10, H, W).
        valid: bool, (H, W): False where the scene has no data.
        statistics: Percentiles of the whole scene.
    """

    values: NDArray[np.generic]
    truth: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    statistics: BandStatistics

    def normalised(self) -> NDArray[np.float32]:
        """The whole scene as input of the network, (8, H, W)."""
        return normalise(Pixels(np.asarray(self.values, np.float32), np.asarray(self.valid)), self.statistics)


@dataclass(frozen=True)
class Batch:
    """What a training step takes.

    Attributes:
        images: Normalised pixels, float32 (N, 8, H, W).
        targets: 0 or 1, float32 (N, 10, H, W).
        weights: 0 where there is no data, float32 (N, 1, H, W).
    """

    images: Tensor
    targets: Tensor
    weights: Tensor


def band_statistics(values: NDArray[np.generic], valid: NDArray[np.bool_]) -> BandStatistics:
    """Percentiles per band of an array (8, H, W) over its valid pixels; 0 and 1 if there is none."""
    sample = np.asarray(values)[:, np.asarray(valid)].astype(np.float32)
    if sample.size == 0:
        low, high = np.zeros(len(values)), np.ones(len(values))
    else:
        low, high = np.percentile(sample, (LOW_PERCENTILE, HIGH_PERCENTILE), axis=1)
    return BandStatistics(
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        low_percentile=LOW_PERCENTILE,
        high_percentile=HIGH_PERCENTILE,
        valid_fraction=float(np.mean(valid)),
    )


class ChipSampler:
    """Draws batches of chips; `batch(step)` gives the same whenever and in whatever order it is called."""

    def __init__(
        self, scenes: Sequence[LabelledScene], *, chip: int, batch: int, seed: int, augmentation: Augmentation
    ) -> None:
        """Look once through all scenes for where each class occurs.

        Args:
            scenes: At least one, each at least 2 × `chip` high and wide.
            chip: Height and width of a chip.
            batch: Chips per batch.
            seed: Decides, together with the step, every random choice.
            augmentation: Changes to chips.
        """
        self._scenes = scenes
        self._chip = chip
        self._batch = batch
        self._seed = seed
        self._augmentation = augmentation
        rng = np.random.default_rng((seed, 0))
        self._places = [_places(scene.truth, rng) for scene in scenes]
        self._holders = [[s for s, places in enumerate(self._places) if len(places[c])] for c in range(CLASS_COUNT)]
        frequency = np.array(RARITY) * [bool(holders) for holders in self._holders]
        self._frequency = frequency / max(frequency.sum(), 1e-9)

    def batch(self, step: int) -> Batch:
        """The batch of a step."""
        import torch

        chips = [self._draw(np.random.default_rng((self._seed, 1, step, i))) for i in range(self._batch)]
        images, truth, valid = (np.stack(arrays) for arrays in zip(*chips, strict=True))
        return Batch(
            torch.from_numpy(images),
            torch.from_numpy(truth).float(),
            torch.from_numpy(valid[:, None]).float(),
        )

    def _draw(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        scene, row, col = self._place(rng)
        ratio = float(np.exp(rng.uniform(*np.log(_GSD_RATIOS)))) if rng.random() < _RESAMPLED_SHARE else 1.0
        side = round(self._chip * ratio)
        height, width = scene.valid.shape
        top = int(np.clip(row - rng.integers(side), 0, height - side))
        left = int(np.clip(col - rng.integers(side), 0, width - side))
        window = (slice(top, top + side), slice(left, left + side))
        values, valid = scene.values[:, *window], np.asarray(scene.valid[window])
        # Users send chips as well as scenes, so some chips are stretched by what they, or their surroundings, hold.
        own = rng.random() < _OWN_STRETCH_SHARE
        around = _around(window, int(rng.integers(self._chip)), scene.valid.shape)
        statistics = band_statistics(scene.values[:, *around], scene.valid[around]) if own else scene.statistics
        image = normalise(Pixels(values.astype(np.float32), valid), statistics)
        truth = np.asarray(scene.truth[:, *window]) > 0
        if side != self._chip:
            image, truth, valid = self._resample(image, truth, valid)
        return augment(image, truth, valid, rng, self._augmentation)

    def _place(self, rng: np.random.Generator) -> tuple[LabelledScene, int, int]:
        if rng.random() >= _UNIFORM_SHARE and self._frequency.any():
            wanted = int(rng.choice(CLASS_COUNT, p=self._frequency))
            index = int(rng.choice(self._holders[wanted]))
            places = self._places[index][wanted]
            row, col = places[int(rng.integers(len(places)))]
            return self._scenes[index], int(row), int(col)
        scene = self._scenes[int(rng.integers(len(self._scenes)))]
        height, width = scene.valid.shape
        return scene, int(rng.integers(height)), int(rng.integers(width))

    def _resample(
        self, image: NDArray[np.float32], truth: NDArray[np.bool_], valid: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        import torch
        from torch.nn import functional

        stack = np.concatenate([image, truth, valid[None]]).astype(np.float32)
        resampled = functional.interpolate(
            torch.from_numpy(stack)[None], size=(self._chip, self._chip), mode="bilinear", antialias=True
        )[0].numpy()
        bands = len(image)
        return resampled[:bands], resampled[bands:-1] >= 0.5, resampled[-1] > 0.99


def _around(window: tuple[slice, slice], margin: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """A window grown by a margin on each side, within the scene; a stretch needs no more than every other pixel."""
    rows, cols = (
        slice(max(0, part.start - margin), min(length, part.stop + margin), 2)
        for part, length in zip(window, shape, strict=True)
    )
    return rows, cols


def _places(truth: NDArray[np.uint8], rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Up to `_PLACES` pixels (row, column) of each class."""
    found = []
    for layer in truth:
        flat = np.flatnonzero(layer)
        if flat.size > _PLACES:
            flat = rng.choice(flat, _PLACES, replace=False)
        found.append(np.stack(np.unravel_index(flat, layer.shape), axis=1))
    return found
