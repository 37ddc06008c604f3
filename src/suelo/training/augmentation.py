"""Changes to training chips that should not change the answer: orientation, contrast, blur, noise, lost pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suelo.training.resampling import resample

Floats = NDArray[np.float32]
Chip = tuple[Floats, NDArray[np.uint8], NDArray[np.bool_]]

_PASTED_PART = (0.25, 0.75)
_STYLE_RANGE = (0.03, 0.9)
_EXPONENT_RANGE = (0.33, 3.0)


@dataclass(frozen=True)
class Augmentation:
    """How strongly chips are changed; a probability of 0 switches a change off.

    Units are those of normalised pixels, where 0 and 1 are the low and the high percentile of a band.

    Attributes:
        flips: Turn and mirror, eight ways.
        restyle_probability: Share of chips that take on, in part, how bright each band of another scene is on the
            whole, see `restyled`.
        paste_probability: Share of chips that draw a chip of the batch, perhaps themselves, to have a rectangle of it
            pasted in, with its truth: what a pixel is shall be seen from what is near, not from which data set the
            chip comes from.
        percentile_jitter: Standard deviation of shifts of both percentiles, common to all bands.
        band_jitter: The same, for each band by itself.
        gamma: Standard deviation of the logarithm of an exponent on the contrast curve.
        noise: Largest standard deviation of Gaussian noise.
        mottle: Largest standard deviation of smooth patches of light, from a few pixels to the whole chip in size:
            thin cloud, haze, wet and dry ground.
        blur_probability: Share of chips that are blurred.
        saturate_probability: Share of chips that are cut at 0 and 1, as images stretched by other software are.
        nodata_probability: Share of chips that lose a part beyond a straight edge.
        grey_probability: Share of chips that lose what their near-infrared bands, or their outer ones, say by
            themselves: those bands are replaced by the mean of the visible ones, or by their nearest neighbours.
        crush_probability: Share of chips with a harsh contrast: a steep curve that crushes shadows and highlights.
        coarse_probability: Share of chips that look as if a sensor with larger pixels had seen them.
    """

    flips: bool = True
    restyle_probability: float = 0.4
    paste_probability: float = 0.4
    percentile_jitter: float = 0.06
    band_jitter: float = 0.06
    gamma: float = 0.2
    noise: float = 0.04
    mottle: float = 0.08
    blur_probability: float = 0.35
    saturate_probability: float = 0.2
    nodata_probability: float = 0.08
    grey_probability: float = 0.05
    crush_probability: float = 0.05
    coarse_probability: float = 0.2

    @classmethod
    def none(cls) -> Augmentation:
        """No change at all."""
        changes: dict[str, Any] = dict.fromkeys((field.name for field in fields(cls)), 0.0)
        return cls(**changes | {"flips": False})


def style(image: Floats, valid: NDArray[np.bool_]) -> Floats:
    """How bright each band is on the whole: the median of normalised pixels where they are valid, float32 (8,)."""
    if not valid.any():
        return np.full(len(image), 0.5, np.float32)
    return np.clip(np.median(image[:, valid], axis=1), *_STYLE_RANGE).astype(np.float32)


def restyled(image: Floats, valid: NDArray[np.bool_], wanted: Floats, degree: float) -> Floats:
    """Bend the contrast curve of each band so that its median moves towards that of another scene.

    The stretch pins the low and the high percentile of every scene to 0 and 1. What lies between differs from place
    to place: a few bright roofs leave a city dark, a savanna fills the range. A power of the pixels keeps both ends.

    Args:
        image: Normalised pixels, float32 (8, H, W).
        valid: (H, W).
        wanted: `style` of the other scene.
        degree: 0 leaves the image as it is, 1 gives it that style.
    """
    exponent = np.clip(np.log(wanted) / np.log(style(image, valid)), *_EXPONENT_RANGE) ** degree
    return _bent(image, exponent.astype(np.float32))


def pasted(chips: Sequence[Chip], rng: np.random.Generator, probability: float) -> list[Chip]:
    """Paste into some chips a rectangle of another one, from the same place in it.

    After Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV
    2019.

    Args:
        chips: Image, truth and valid of each, all of one size.
        rng: Source of all random numbers.
        probability: Share of chips that draw a donor; one that draws itself stays as it is.
    """
    height, width = chips[0][2].shape
    found = []
    for chip in chips:
        donor = chips[int(rng.integers(len(chips)))]
        window = (_span(height, rng), _span(width, rng))
        wanted = rng.random() < probability and donor is not chip
        found.append(_with_rectangle(chip, donor, window) if wanted else chip)
    return found


def _with_rectangle(chip: Chip, donor: Chip, window: tuple[slice, slice]) -> Chip:
    image, truth, valid = chip[0].copy(), chip[1].copy(), chip[2].copy()
    image[:, *window], truth[:, *window], valid[window] = donor[0][:, *window], donor[1][:, *window], donor[2][window]
    return image, truth, valid


def _span(length: int, rng: np.random.Generator) -> slice:
    size = int(rng.uniform(*_PASTED_PART) * length)
    start = int(rng.integers(length - size + 1))
    return slice(start, start + size)


def augment(
    image: Floats,
    truth: NDArray[np.uint8],
    valid: NDArray[np.bool_],
    rng: np.random.Generator,
    options: Augmentation,
) -> tuple[Floats, NDArray[np.uint8], NDArray[np.bool_]]:
    """Change one chip.

    Args:
        image: Normalised pixels, float32 (8, H, W), H = W.
        truth: (10, H, W).
        valid: (H, W).
        rng: Source of all random numbers.
        options: How strongly.

    Returns:
        New image, truth and valid; the image is 0 where it is not valid.
    """
    if options.flips:
        image, truth, valid = _turn(image, truth, valid, int(rng.integers(8)))
    if rng.random() < options.coarse_probability:
        image = _coarsen(image, rng)
    if rng.random() < options.grey_probability:
        image = _without_bands(image, rng)
    image = _contrast(image, rng, options)
    if rng.random() < options.crush_probability:
        image = _crush(image, rng)
    if options.mottle:
        image = image + _mottle(image.shape, rng, options.mottle)
    if rng.random() < options.blur_probability:
        for _ in range(int(rng.integers(1, 3))):
            image = _blur(image, rng.uniform(0.05, 0.28))
    if options.noise:
        deviation = rng.uniform(0.0, options.noise)
        image = image + deviation * rng.standard_normal(image.shape, dtype=np.float32)
    if rng.random() < options.saturate_probability:
        image = np.clip(image, 0.0, 1.0)
    if rng.random() < options.nodata_probability:
        valid = valid & _half_plane(valid.shape, rng)
    image = np.clip(image, -0.5, 1.5) * valid
    return np.ascontiguousarray(image, dtype=np.float32), np.ascontiguousarray(truth), np.ascontiguousarray(valid)


def _turn(
    image: Floats, truth: NDArray[np.uint8], valid: NDArray[np.bool_], way: int
) -> tuple[Floats, NDArray[np.uint8], NDArray[np.bool_]]:
    quarter, mirror = way % 4, way >= 4
    image, truth = np.rot90(image, quarter, axes=(1, 2)), np.rot90(truth, quarter, axes=(1, 2))
    valid = np.rot90(valid, quarter)
    if mirror:
        return image[:, :, ::-1], truth[:, :, ::-1], valid[:, ::-1]
    return image, truth, valid


def _contrast(image: Floats, rng: np.random.Generator, options: Augmentation) -> Floats:
    bands: int = image.shape[0]
    low = rng.normal(rng.normal(0.0, options.percentile_jitter), options.band_jitter, bands)
    high = rng.normal(1.0 + rng.normal(0.0, options.percentile_jitter), options.band_jitter, bands)
    span = np.maximum(high - low, 0.3)
    image = (image - low.astype(np.float32)[:, None, None]) / span.astype(np.float32)[:, None, None]
    if options.gamma:
        exponent = np.exp(rng.normal(rng.normal(0.0, options.gamma), options.gamma / 3, bands))
        image = _bent(image, exponent.astype(np.float32))
    return image.astype(np.float32, copy=False)


def _bent(image: Floats, exponent: Floats) -> Floats:
    """A power per band; odd around 0, so that values below the low percentile keep their order."""
    bent: Floats = np.sign(image) * np.abs(image) ** exponent[:, None, None]
    return bent


def _coarsen(image: Floats, rng: np.random.Generator) -> Floats:
    height, width = image.shape[1:]
    ratio = rng.uniform(1.15, 2.2)
    return resample(resample(image, round(height / ratio), round(width / ratio)), height, width)


def _without_bands(image: Floats, rng: np.random.Generator) -> Floats:
    image = image.copy()
    if rng.random() < 0.5:
        image[5:] = image[1:5].mean(axis=0)
    else:
        image[0], image[3], image[7] = image[1], (image[2] + image[4]) / 2, image[6]
    return image


def _crush(image: Floats, rng: np.random.Generator) -> Floats:
    centre, slope = rng.uniform(0.3, 0.7), rng.uniform(1.3, 2.2)
    return ((image - centre) * slope + rng.uniform(0.4, 0.6)).astype(np.float32)


def _mottle(shape: tuple[int, ...], rng: np.random.Generator, strength: float) -> Floats:
    """Smooth noise of a random grain, alike in all bands or strongest in the first, where scattering is."""
    bands, height, width = shape
    knots = int(rng.choice((2, 4, 8, 16, 40)))
    rows, cols = np.linspace(0, knots - 1, height), np.linspace(0, knots - 1, width)
    lattice = rng.normal(0.0, rng.uniform(0.0, strength), (knots, knots))
    field = _between(_between(lattice, rows).T, cols).T
    fall = np.linspace(1.0, rng.uniform(0.2, 1.2), bands)
    patches: Floats = (fall[:, None, None] * field).astype(np.float32)
    return patches


def _between(lattice: NDArray[np.float64], positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of a lattice at fractional positions, eased so that no crease shows at the knots."""
    first = np.minimum(positions.astype(int), len(lattice) - 2)
    part = (positions - first)[:, None]
    eased = part * part * (3.0 - 2.0 * part)
    between: NDArray[np.float64] = lattice[first] * (1.0 - eased) + lattice[first + 1] * eased
    return between


def _blur(image: Floats, side: float) -> Floats:
    """Binomial-like 3 × 3 blur with weight `side` on each neighbour and 1 - 2 `side` at the centre, per axis."""
    for axis in (1, 2):
        padded = np.pad(image, [(0, 0), (axis == 1, axis == 1), (axis == 2, axis == 2)], mode="edge")
        length = image.shape[axis]
        before, after = padded.take(range(length), axis), padded.take(range(2, length + 2), axis)
        image = (1.0 - 2.0 * side) * image + side * (before + after)
    return image.astype(np.float32)


def _half_plane(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.bool_]:
    height, width = shape
    angle = rng.uniform(0.0, 2 * np.pi)
    rows, cols = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    inside: NDArray[np.bool_] = rows * np.sin(angle) + cols * np.cos(angle) < rng.uniform(-0.3, 0.9)
    return inside
