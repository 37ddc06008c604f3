"""What is around a pixel of a SWIR image, as numbers: its neighbours, means and spreads at five scales, and lines.

A few hundred thousand labelled pixels teach a small network which of these matter; they do not teach a deep one to
find them by itself.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from suelo.training.swir_features import Whitening

BANDS = 8
_STRONG = 4
"""Components that vary most within a scene; they are looked at over wide surroundings."""
_SCALES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Standard deviations in pixels of the Gaussian weights of means and spreads: 7.5 to 120 m."""
_WIDE_PATCH, _NARROW_PATCH = 5, 3
_SURROUNDINGS = 8.0
_DIRECTIONS = 8
_LINES = ((7, 0.7, 3.0, 1.0), (10, 1.2, 4.5, 1.2))
"""Half length, width (standard deviation), distance of both sides and their width, in pixels: tracks and roads."""

_MEANS = len(_SCALES) * 2 + sum(scale >= 2 for scale in _SCALES)
ABSOLUTE = BANDS + 6
"""Features at the end of the context that follow the light of the scene: components of the pixel and around it."""
CONTEXT = _STRONG * (_MEANS + 2 * len(_LINES)) + ABSOLUTE
"""Features that do not change when a scene is turned."""
FEATURES = CONTEXT + _STRONG * _WIDE_PATCH**2 + (BANDS - _STRONG) * _NARROW_PATCH**2


def describe(logs: NDArray[np.float32], whitening: Whitening) -> Tensor:
    """Features of every pixel, float32 (H · W, `FEATURES`), rows of the image one after another.

    Args:
        logs: Logarithms of an image, (8, H, W), at least 11 pixels high and wide.
        whitening: Measured on the training images.
    """
    image = torch.from_numpy(logs)
    own = torch.einsum("cb,bhw->chw", torch.from_numpy(whitening.relative), image - image.mean((1, 2), keepdim=True))
    every = torch.einsum(
        "cb,bhw->chw", torch.from_numpy(whitening.absolute), image - torch.from_numpy(whitening.mean)[:, None, None]
    )
    strong = own[:_STRONG]
    found = []
    for scale in _SCALES:
        mean = _smooth(strong, scale)
        found += [mean, (_smooth(strong**2, scale) - mean**2).clamp_min(0.0).sqrt()]
        if scale >= 2:
            found.append(strong - mean)
    for kernels in _line_kernels():
        margin = kernels.shape[-1] // 2
        along = functional.conv2d(_mirrored(strong[:, None], margin), kernels)
        found += [along.amax(dim=1), along.amin(dim=1)]  # the brightest and the darkest line through the pixel
    found += [every, _smooth(every[: ABSOLUTE - BANDS], _SURROUNDINGS)]
    found += [_patches(strong, _WIDE_PATCH), _patches(own[_STRONG:], _NARROW_PATCH)]
    return torch.cat(found).flatten(1).T.contiguous()


def light_shift(gains: NDArray[np.float32], whitening: Whitening) -> Tensor:
    """By how much gains of the bands move the last `ABSOLUTE` features of the context, (N, `ABSOLUTE`).

    Args:
        gains: Logarithms of gains, (N, 8).
        whitening: That of `describe`.
    """
    moved = torch.from_numpy(gains @ whitening.absolute.T)
    return torch.cat((moved, moved[:, : ABSOLUTE - BANDS]), dim=1)


@cache
def turns() -> tuple[Tensor, ...]:
    """For each of the eight turns and mirrorings: the order of features that a pixel of the turned scene has."""
    found = []
    for way in range(8):
        order = list(range(CONTEXT))
        for count, side in ((_STRONG, _WIDE_PATCH), (BANDS - _STRONG, _NARROW_PATCH)):
            patch = np.rot90(np.arange(side**2).reshape(side, side), way % 4)
            turned = (patch[:, ::-1] if way >= 4 else patch).ravel()
            for _ in range(count):
                order += (len(order) + turned).tolist()
        found.append(torch.tensor(order))
    return tuple(found)


def _smooth(layers: Tensor, deviation: float) -> Tensor:
    """Gaussian means of (C, H, W), mirrored beyond the edge."""
    reach = min(math.ceil(3 * deviation), min(layers.shape[1:]) - 1)
    weights = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * deviation**2))
    weights = weights / weights.sum()
    rows = functional.conv2d(
        functional.pad(layers[:, None], (reach, reach, 0, 0), mode="reflect"), weights[None, None, None]
    )
    columns = functional.pad(rows, (0, 0, reach, reach), mode="reflect")
    return functional.conv2d(columns, weights[None, None, :, None])[:, 0]


def _mirrored(layers: Tensor, margin: int) -> Tensor:
    return functional.pad(layers, (margin, margin, margin, margin), mode="reflect")


def _patches(layers: Tensor, side: int) -> Tensor:
    """The `side` × `side` neighbours of every pixel: (C · side², H, W)."""
    around = functional.unfold(_mirrored(layers[None], side // 2), side)
    return around.view(-1, *layers.shape[1:])


@cache
def _line_kernels() -> tuple[Tensor, ...]:
    """Per kind of line, in each direction: the mean along it less that along both sides, (8, 1, L, L)."""
    found = []
    for reach, width, distance, side_width in _LINES:
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        kernels = []
        for direction in range(_DIRECTIONS):
            angle = math.pi * direction / _DIRECTIONS
            along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
            fall = np.clip(1.0 - np.abs(along) / (reach + 0.5), 0.0, 1.0)
            line = fall * np.exp(-((across / width) ** 2) / 2)
            sides = fall * sum(np.exp(-(((across + sign * distance) / side_width) ** 2) / 2) for sign in (-1, 1))
            kernels.append(line / line.sum() - sides / sides.sum())
        found.append(torch.from_numpy(np.stack(kernels)[:, None].astype(np.float32)))
    return tuple(found)
