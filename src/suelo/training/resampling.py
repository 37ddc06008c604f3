"""Brings an image and its truth to another number of pixels, together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suelo.segmentation.selection import FULL_SCALE
from suelo.training.labelled import UNKNOWN


def resample(image: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Bilinear, averaging where it shrinks: float32 (B, height, width)."""
    import torch
    from torch.nn import functional

    resampled: NDArray[np.float32] = functional.interpolate(
        torch.from_numpy(np.ascontiguousarray(image, np.float32))[None],
        size=(height, width),
        mode="bilinear",
        antialias=True,
    )[0].numpy()
    return resampled


def resample_truth(truth: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Coverage (10, height, width) of a truth array; a pixel of which a part is unknown is unknown."""
    known = truth != UNKNOWN
    share = resample(known.astype(np.float32), height, width)
    covered = resample(np.where(known, truth, 0).astype(np.float32), height, width)
    return np.where(share > 0.99, np.clip(np.rint(covered), 0, FULL_SCALE), UNKNOWN).astype(np.uint8)
