"""What the SWIR network sees of an image: logarithms of bands, decorrelated, as they are and against the scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_FLOOR = 50.0
"""Darkest number that is told apart: below, sensor noise would fill the logarithm."""

_NOISE_VARIANCE = 1e-4
"""Of the logarithm, one percent of the signal: components of less are not blown up to the strength of the others."""


def log_radiance(values: NDArray[np.generic], valid: NDArray[np.bool_]) -> Floats:
    """Natural logarithm of the numbers of an image; a pixel without data gets the mean of its band.

    Differences of logarithms are band ratios, which light and slope do not change; a gain becomes an offset.

    Args:
        values: (8, H, W).
        valid: (H, W).
    """
    logs = np.log(np.maximum(np.asarray(values, np.float32), _FLOOR))
    if valid.any() and not valid.all():
        logs = np.where(valid, logs, logs[:, valid].mean(axis=1)[:, None, None])
    return np.asarray(logs, np.float32)


@dataclass(frozen=True)
class Whitening:
    """Turns spectra into components, strongest first, that do not depend on one another and have variance 1 or less.

    Neighbouring SWIR bands differ by a few percent, and it is these percents that tell crops from grass: a network
    fed with bands would have to learn the differences first.

    Attributes:
        mean: Mean logarithm per band, (8,).
        absolute: From logarithms less `mean` to components, (8, 8).
        relative: From logarithms less the mean of their own scene to components, (8, 8).
    """

    mean: Floats
    absolute: Floats
    relative: Floats

    @classmethod
    def fit(cls, images: Sequence[Floats]) -> Whitening:
        """Measure means and covariances on logarithms of training images, each (8, H, W)."""
        spectra = [image.reshape(len(image), -1).astype(np.float64) for image in images]
        own = np.concatenate([one - one.mean(axis=1, keepdims=True) for one in spectra], axis=1)
        every = np.concatenate(spectra, axis=1)
        return cls(every.mean(axis=1).astype(np.float32), _whitener(every), _whitener(own))


def _whitener(spectra: NDArray[np.float64]) -> Floats:
    """Rows are principal axes over the square root of their variance, the strongest first."""
    variances, axes = np.linalg.eigh(np.cov(spectra))
    whitener: NDArray[np.float64] = axes.T / np.sqrt(np.maximum(variances, 0.0) + _NOISE_VARIANCE)[:, None]
    whitener = whitener[::-1]
    return np.ascontiguousarray(whitener, np.float32)
