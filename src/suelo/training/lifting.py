"""Infers the WorldView-3 bands that a camera lacks from those that it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suelo.training.labelled import LabelledScene

_SAMPLES = 20_000


@dataclass(frozen=True)
class BandLift:
    """A linear map between bands that are stretched to their percentiles.

    Attributes:
        known: Positions among the eight bands of those that are given.
        weights: (8, len(known) + 1): contribution of each given band, and a constant.
    """

    known: tuple[int, ...]
    weights: NDArray[np.floating]

    @classmethod
    def learn(cls, scenes: Sequence[LabelledScene], known: Sequence[int]) -> BandLift:
        """Least squares over pixels of eight-band scenes; labels are no input.

        Args:
            scenes: Eight-band scenes.
            known: Positions of the bands that will be given.
        """
        rng = np.random.default_rng(0)
        pixels = []
        for scene in scenes:
            image = scene.normalised()[:, np.asarray(scene.valid)]
            pixels.append(image[:, rng.integers(image.shape[1], size=_SAMPLES)])
        bands = np.concatenate(pixels, axis=1).astype(np.float64)
        given = np.vstack([bands[list(known)], np.ones(bands.shape[1])])
        weights = np.linalg.lstsq(given.T, bands.T, rcond=None)[0].T
        weights[list(known)] = np.eye(len(known), len(known) + 1)
        return cls(tuple(known), weights)

    def apply(self, given: NDArray[np.float32]) -> NDArray[np.float32]:
        """Eight bands (8, H, W) from stretched ones (len(known), H, W); the given ones stay as they are."""
        height, width = given.shape[1:]
        flat = np.vstack([given.reshape(len(given), -1), np.ones((1, height * width), np.float32)])
        lifted: NDArray[np.float32] = (self.weights.astype(np.float32) @ flat).reshape(-1, height, width)
        return lifted
