"""Draws training chips from labelled scenes: rare classes often, each batch a function of seed and step alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.scene import Pixels
from suelo.imagery.statistics import normalise
from suelo.landcover import CLASS_COUNT
from suelo.segmentation.selection import FULL_SCALE
from suelo.training.augmentation import Augmentation, augment, pasted, restyled, style
from suelo.training.labelled import UNKNOWN, LabelledScene, band_statistics, members
from suelo.training.resampling import resample, resample_truth

if TYPE_CHECKING:
    from torch import Tensor

RARITY = (1.0, 1.6, 1.0, 1.2, 1.0, 0.8, 1.2, 1.3, 1.6, 1.6)
"""How often, relative to one another, a chip is placed on a pixel of each class."""

_PLACES = 400
_UNIFORM_SHARE = 0.3
_OWN_STRETCH_SHARE = 0.5
_RESAMPLED_SHARE = 0.25
_GSD_RATIOS = (0.75, 1.3)
_SPARSE = 4


@dataclass(frozen=True)
class Source:
    """Scenes of one origin, and how often chips come from them.

    Attributes:
        scenes: At least one.
        share: Share of the chips, relative to the other sources.
        name: What they are.
        silent: Rows of classes that are not learned from them, whatever their truth says.
    """

    scenes: Sequence[LabelledScene]
    share: float
    name: str = ""
    silent: tuple[int, ...] = ()


@dataclass(frozen=True)
class Batch:
    """What a training step takes.

    Attributes:
        images: Normalised pixels, float32 (N, 8, H, W).
        targets: Share of the pixel that the class covers, 0..1, float32 (N, 10, H, W).
        weights: 0 where there is no data or nobody knows the class, float32 (N, 10, H, W).
        kinds: Position of the source that each chip comes from, (N,).
    """

    images: Tensor
    targets: Tensor
    weights: Tensor
    kinds: Tensor


class ChipSampler:
    """Draws batches of chips; `batch(step)` gives the same whenever and in whatever order it is called."""

    def __init__(
        self, sources: Sequence[Source], *, chip: int, batch: int, seed: int, augmentation: Augmentation
    ) -> None:
        """Look once through all scenes for where each class occurs.

        Args:
            sources: At least one.
            chip: Height and width of a chip.
            batch: Chips per batch.
            seed: Decides, together with the step, every random choice.
            augmentation: Changes to chips.
        """
        rng = np.random.default_rng((seed, 0))
        self._pools = [_Pool(source, rng) for source in sources]
        shares = np.array([source.share for source in sources], np.float64)
        self._shares = shares / shares.sum()
        self._chip = chip
        self._batch = batch
        self._seed = seed
        self._augmentation = augmentation

    def batch(self, step: int) -> Batch:
        """The batch of a step."""
        import torch

        chips = [self._draw(np.random.default_rng((self._seed, 1, step, i))) for i in range(self._batch)]
        kinds = np.array([chip[3] for chip in chips])
        layers = pasted(
            [chip[:3] for chip in chips],
            np.random.default_rng((self._seed, 2, step)),
            self._augmentation.paste_probability,
        )
        images, truth, valid = (np.stack(arrays) for arrays in zip(*layers, strict=True))
        known = (truth != UNKNOWN) & valid[:, None]
        return Batch(
            torch.from_numpy(images),
            torch.from_numpy(np.where(known, truth, 0)).float() / FULL_SCALE,
            torch.from_numpy(known).float(),
            torch.from_numpy(kinds),
        )

    def _draw(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.bool_], int]:
        kind = int(rng.choice(len(self._pools), p=self._shares))
        pool = self._pools[kind]
        scene, row, col = pool.place(rng)
        ratio = float(np.exp(rng.uniform(*np.log(_GSD_RATIOS)))) if rng.random() < _RESAMPLED_SHARE else 1.0
        height, width = scene.valid.shape
        side = min(round(self._chip * ratio), height, width)
        top = int(np.clip(row - rng.integers(side), 0, height - side))
        left = int(np.clip(col - rng.integers(side), 0, width - side))
        window = (slice(top, top + side), slice(left, left + side))
        values, valid = scene.values[:, *window], np.asarray(scene.valid[window])
        # Users send chips as well as scenes, so some chips are stretched by what they, or their surroundings, hold.
        own = rng.random() < _OWN_STRETCH_SHARE
        around = _around(window, int(rng.integers(self._chip)), scene.valid.shape)
        statistics = band_statistics(scene.values[:, *around], scene.valid[around]) if own else scene.statistics
        image = normalise(Pixels(values.astype(np.float32), valid), statistics)
        if rng.random() < self._augmentation.restyle_probability:
            other = self._pools[int(rng.integers(len(self._pools)))]
            image = restyled(image, valid, other.style(rng), float(rng.random()))
        truth = np.array(scene.truth[:, *window])
        truth[pool.silent] = UNKNOWN
        if side != self._chip:
            stack = np.concatenate([image, valid[None]]).astype(np.float32)
            stack = resample(stack, self._chip, self._chip)
            image, valid = stack[:-1], stack[-1] > 0.99
            truth = resample_truth(truth, self._chip, self._chip)
        return *augment(image, truth, valid, rng, self._augmentation), kind


class _Pool:
    """The scenes of a source, and where each class occurs in them."""

    def __init__(self, source: Source, rng: np.random.Generator) -> None:
        scenes = self._scenes = source.scenes
        self.silent = list(source.silent)
        self._places = [_places(scene, rng) for scene in scenes]
        self._holders = [[s for s, places in enumerate(self._places) if len(places[c])] for c in range(CLASS_COUNT)]
        frequency = np.array(RARITY) * [bool(h) and c not in self.silent for c, h in enumerate(self._holders)]
        self._frequency = frequency / max(frequency.sum(), 1e-9)
        areas = np.array([scene.valid.size for scene in scenes], np.float64)
        self._areas = areas / areas.sum()
        self._styles = [style(_sampled(scene), np.asarray(scene.valid[::_SPARSE, ::_SPARSE])) for scene in scenes]

    def style(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """How bright each band of one of the scenes is."""
        return self._styles[int(rng.integers(len(self._styles)))]

    def place(self, rng: np.random.Generator) -> tuple[LabelledScene, int, int]:
        """A scene, and the row and column of a pixel in it: mostly one of a class, rare classes often."""
        if rng.random() >= _UNIFORM_SHARE and self._frequency.any():
            wanted = int(rng.choice(CLASS_COUNT, p=self._frequency))
            index = int(rng.choice(self._holders[wanted]))
            places = self._places[index][wanted]
            row, col = places[int(rng.integers(len(places)))]
            return self._scenes[index], int(row), int(col)
        scene = self._scenes[int(rng.choice(len(self._scenes), p=self._areas))]
        height, width = scene.valid.shape
        return scene, int(rng.integers(height)), int(rng.integers(width))


def _around(window: tuple[slice, slice], margin: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """A window grown by a margin on each side, within the scene; a stretch needs no more than every other pixel."""
    rows, cols = (
        slice(max(0, part.start - margin), min(length, part.stop + margin), 2)
        for part, length in zip(window, shape, strict=True)
    )
    return rows, cols


def _sampled(scene: LabelledScene) -> NDArray[np.float32]:
    """Every few normalised pixels of a scene."""
    part = (slice(None, None, _SPARSE), slice(None, None, _SPARSE))
    values = np.asarray(scene.values[:, *part], np.float32)
    return normalise(Pixels(values, np.asarray(scene.valid[part])), scene.statistics)


def _places(scene: LabelledScene, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Up to `_PLACES` pixels (row, column) of each class."""
    found = []
    for layer in np.asarray(scene.truth):
        flat = np.flatnonzero(members(layer))
        if flat.size > _PLACES:
            flat = rng.choice(flat, _PLACES, replace=False)
        found.append(np.stack(np.unravel_index(flat, layer.shape), axis=1))
    return found
