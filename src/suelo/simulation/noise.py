"""Random numbers that depend on a place and a seed alone: lattice hashes, smooth noise, white noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_TILE = 509
"""Side of the white-noise tile that is repeated; a prime, so that the repeats do not line up with anything."""


def hash_unit(seed: int, salt: NDArray[Any] | int, i: NDArray[Any] | int, j: NDArray[Any] | int) -> NDArray[np.float64]:
    """Uniform numbers in 0..1 that depend on seed, salt and lattice position only (SplitMix64 finaliser).

    Args:
        seed: Seed of the scene.
        salt: Tells one use from another.
        i: Lattice rows, any integers; broadcast against `j`.
        j: Lattice columns.

    Returns:
        float64 of the broadcast shape, with at least one dimension.
    """
    # At least one dimension: only arrays wrap around without a warning.
    first, second, salts = np.atleast_1d(i), np.atleast_1d(j), np.atleast_1d(salt).astype(np.uint64)
    x = first.astype(np.int64).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = x ^ (second.astype(np.int64).astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F))
    x = x + (np.uint64((seed * 0x165667B19E3779F9) % 2**64) + salts * np.uint64(0x27D4EB2F165667C5))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(11)).astype(np.float64) * 2.0**-53


def generator(seed: int, *key: int) -> np.random.Generator:
    """A random generator for one object of the world, named by integers (negative ones allowed)."""
    return np.random.default_rng([seed, *(k + (1 << 24) for k in key)])


def _taps(t: NDArray[np.float64]) -> tuple[NDArray[np.int64], list[NDArray[np.float32]]]:
    first = np.floor(t).astype(np.int64)
    f = t - first
    weights = [(1 - f) ** 3 / 6, (3 * f**3 - 6 * f**2 + 4) / 6, (-3 * f**3 + 3 * f**2 + 3 * f + 1) / 6, f**3 / 6]
    return first, [w.astype(np.float32) for w in weights]


def smooth_noise(seed: int, salt: int, y: NDArray[Any], x: NDArray[Any], scale: float) -> NDArray[np.float32]:
    """Smooth noise of about unit variance on a grid: a cubic B-spline over hashed lattice values.

    Every value depends on its own position only, not on the extent of the grid, to the last bit.

    Args:
        seed: Seed of the scene.
        salt: Tells one field from another.
        y: Row positions, ascending, (h,).
        x: Column positions, ascending, (w,).
        scale: Size of the features, in the unit of the positions.

    Returns:
        float32 (h, w).
    """
    row, row_weights = _taps(np.asarray(y, np.float64) / scale)
    col, col_weights = _taps(np.asarray(x, np.float64) / scale)
    i = np.arange(row.min(), row.max() + 4)
    j = np.arange(col.min(), col.max() + 4)
    lattice = (hash_unit(seed, salt, i[:, None], j[None, :]).astype(np.float32) - np.float32(0.5)) * np.float32(7.2)
    row, col = row - i[0], col - j[0]
    across = sum(weight[None, :] * lattice[:, col + k] for k, weight in enumerate(col_weights))
    assert isinstance(across, np.ndarray)
    result: NDArray[np.float32] = row_weights[0][:, None] * across[row]
    for k in (1, 2, 3):
        result += row_weights[k][:, None] * across[row + k]
    return result


def smooth_line(seed: int, salt: int, t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth noise of about unit variance along a line, features of about one unit of `t`; float64 (n,)."""
    first, weights = _taps(t)
    values = hash_unit(seed, salt, first[:, None] + np.arange(4), 0) - 0.5
    line: NDArray[np.float64] = np.einsum("nk,kn->n", values, np.array(weights, float)) * 5.1
    return line


class WhiteNoise:
    """Normal noise without neighbours' memory, cheap to read anywhere: a tile, repeated at hashed offsets."""

    def __init__(self, seed: int) -> None:
        """Draw the tile for a seed."""
        self._tile = generator(seed, 77).standard_normal((_TILE, _TILE), dtype=np.float32)

    def read(self, channel: int, row: int, col: int, height: int, width: int) -> NDArray[np.float32]:
        """Noise of a window, float32 (height, width); each channel reads the tile from another place."""
        top, left = (row + 151 * channel) % _TILE, (col + 337 * channel) % _TILE
        result = np.empty((height, width), np.float32)
        for r in range(-top, height, _TILE):
            for c in range(-left, width, _TILE):
                place = result[max(r, 0) : r + _TILE, max(c, 0) : c + _TILE]
                tile = self._tile[max(-r, 0) :, max(-c, 0) :]
                place[:] = tile[: place.shape[0], : place.shape[1]]
        return result
