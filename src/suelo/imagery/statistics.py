"""Normalisation of a scene: percentiles of each band over its valid pixels, measured once per scene."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suelo.errors import ImageError, InputError
from suelo.imagery.grid import Window
from suelo.imagery.layout import BANDS
from suelo.imagery.scene import Pixels, Scene

SAMPLE_PIXELS = 2_000_000
"""Pixels that are looked at in a scene that has more."""

_CACHED_VALUES = 1 << 16

_COUNTABLE = ("uint8", "uint16")
"""Types of so few values that how often each occurs is counted."""

CLIP = (-0.5, 1.5)
"""Range of normalised values: half a stretch beyond either percentile is kept."""


@dataclass(frozen=True)
class BandStatistics:
    """What normalises a scene.

    Attributes:
        low: Low percentile of each band, in the file's own numbers.
        high: High percentile of each band.
        low_percentile: Which percentile `low` is, 0 to 100.
        high_percentile: Which percentile `high` is.
        valid_fraction: Share of the sampled pixels that have data.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    low_percentile: float
    high_percentile: float
    valid_fraction: float

    def to_json(self) -> dict[str, Any]:
        """A dictionary that `from_json` reads back exactly."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> BandStatistics:
        """Read what `to_json` wrote.

        Raises:
            InputError: A value is missing or is not what it must be.
        """
        try:
            low, high = (tuple(float(v) for v in document[key]) for key in ("low", "high"))
            percentiles = float(document["low_percentile"]), float(document["high_percentile"])
            fraction = float(document["valid_fraction"])
        except (KeyError, TypeError, ValueError):
            raise InputError(
                "The statistics are not those of a scene; needed are low and high with 8 numbers each, "
                "low_percentile, high_percentile and valid_fraction."
            ) from None
        if len(low) != BANDS or len(high) != BANDS:
            raise InputError(f"The statistics have {len(low)} low and {len(high)} high values; 8 of each are needed.")
        if not all(math.isfinite(a) and math.isfinite(b) and a <= b for a, b in zip(low, high, strict=True)):
            raise InputError("The statistics have a low value above its high value, or one that is not a number.")
        if not 0 <= percentiles[0] < percentiles[1] <= 100 or not 0 <= fraction <= 1:
            raise InputError("The statistics have a percentile outside 0 to 100 or a valid fraction outside 0 to 1.")
        return cls(low, high, *percentiles, fraction)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the statistics to a JSON file."""
        path = Path(path)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            part.write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> BandStatistics:
        """Read a JSON file that `save` wrote, or the `result.json` of another scene.

        Raises:
            InputError: It is not there or is not such a file.
        """
        path = Path(path)
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"The statistics file {path} cannot be read: {error.strerror}.") from None
        except ValueError:
            raise InputError(f"The statistics file {path} is not JSON; it needs to be one that Suelo wrote.") from None
        if not isinstance(document, dict):
            raise InputError(f"The statistics file {path} is not one that Suelo wrote.")
        return cls.from_json(document.get("statistics", document))


def measure_statistics(scene: Scene, low_percentile: float = 1.0, high_percentile: float = 99.0) -> BandStatistics:
    """Measure the percentiles of each band over the valid pixels of a scene.

    A scene of more than `SAMPLE_PIXELS` pixels is sampled on a regular lattice of single pixels, which depends on
    its size only: the same pixels give the same statistics however the file is tiled. Overviews are not used: they are
    smoothed, and need not agree with the pixels.

    Raises:
        ImageError: No pixel has data.
    """
    sample, count = _sample(scene)
    if sample.shape[1] == 0:
        raise ImageError("This image has no pixel with data; Suelo needs at least one.")
    low, high = _percentiles(sample, (low_percentile, high_percentile), whole_numbers=scene.dtype in _COUNTABLE)
    return BandStatistics(
        tuple(float(v) for v in low),
        tuple(float(v) for v in high),
        low_percentile,
        high_percentile,
        sample.shape[1] / count,
    )


def _sample(scene: Scene) -> tuple[NDArray[np.float32], int]:
    """Values of valid pixels (8, pixels) on the lattice, and the number of its pixels."""
    height, width = scene.grid.shape
    step = max(1, math.ceil(math.sqrt(height * width / SAMPLE_PIXELS)))
    if step == 1:
        pixels = scene.read()
        values = pixels.values.reshape(BANDS, -1) if pixels.valid.all() else pixels.values[:, pixels.valid]
        return values, pixels.valid.size
    columns = slice(step // 2, None, step)
    parts = []
    count = 0
    for row in range(step // 2, height, step):
        pixels = scene.read(Window(row, 0, 1, width))
        valid = pixels.valid[0, columns]
        parts.append(pixels.values[:, 0, columns][:, valid])
        count += valid.size
    return np.concatenate(parts, axis=1), count


def _percentiles(
    sample: NDArray[np.float32], percentiles: Sequence[float], *, whole_numbers: bool
) -> list[NDArray[np.float64]]:
    """Percentiles of each row, linear between neighbours like `numpy.percentile`, of which this takes a tenth.

    Args:
        sample: Values (8, pixels).
        percentiles: Which.
        whole_numbers: True if all values are whole numbers of 16 bits: those are counted rather than put in order.
    """
    last = sample.shape[1] - 1
    positions = [percentile / 100 * last for percentile in percentiles]
    neighbours = [min(int(position) + step, last) for position in positions for step in (0, 1)]
    ordered = np.empty((len(sample), len(neighbours)))
    if whole_numbers:
        for band, found in zip(sample, ordered, strict=True):
            found[:] = np.searchsorted(np.cumsum(np.bincount(band.astype(np.uint16))), neighbours, side="right")
    else:
        ordered[:] = np.partition(sample, neighbours, axis=1)[:, neighbours]
    return [
        ordered[:, 2 * i] + (ordered[:, 2 * i + 1] - ordered[:, 2 * i]) * (position - int(position))
        for i, position in enumerate(positions)
    ]


def normalise(pixels: Pixels, statistics: BandStatistics) -> NDArray[np.float32]:
    """Stretch pixels so that the low percentile of each band is 0 and the high one is 1.

    A band whose percentiles are equal says nothing and becomes 0.

    Args:
        pixels: Values (8, height, width) and validity (height, width).
        statistics: Those of the whole scene.

    Returns:
        float32 (8, height, width) within `CLIP`; 0 where not valid.
    """
    normalised = np.empty(pixels.values.shape, np.float32)
    stretch(pixels.values, pixels.valid, statistics, normalised)
    return normalised


def stretch(
    values: NDArray[Any], valid: NDArray[np.bool_], statistics: BandStatistics, out: NDArray[np.float32]
) -> None:
    """As `normalise`, for values of any type of number that need no copy, into an array that is there already.

    Args:
        values: (8, height, width); anything where not valid.
        valid: bool (height, width).
        statistics: Those of the whole scene.
        out: Takes the result, float32 (8, height, width).
    """
    low = np.asarray(statistics.low, np.float64)
    span = np.asarray(statistics.high, np.float64) - low
    scale = np.divide(1.0, span, out=np.zeros_like(span), where=span > 0).astype(np.float32)
    low = low.astype(np.float32)
    limits = [np.float32(limit) for limit in CLIP]
    # A few rows at a time stay in the processor's cache from one step to the next.
    rows = max(1, _CACHED_VALUES // max(1, valid.shape[1]))
    for start in range(0, len(valid), rows):
        part = slice(start, start + rows)
        invalid = ~valid[part]
        some = bool(invalid.any())
        for band, samples in enumerate(values[:, part]):
            result = out[band, part]
            result[:] = samples
            result -= low[band]
            result *= scale[band]
            np.clip(result, *limits, out=result)
            if some:
                result[invalid] = 0
