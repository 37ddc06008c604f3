"""Halving a raster for its overviews."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suelo.imagery.overviews import halve


def averaged(rows, nodata):
    """The same, pixel by pixel."""
    bands, height, width = rows.shape
    result = np.empty((bands, -(-height // 2), -(-width // 2)), rows.dtype)
    for band, row, column in np.ndindex(result.shape):
        part = rows[band, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].astype(float).ravel()
        valid = part[part != nodata] if nodata is not None else part
        mean = valid.mean() if valid.size else nodata
        result[band, row, column] = mean if rows.dtype.kind == "f" else np.floor(mean + 0.5)
    return result


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.integers(1, 70), st.integers(1, 9), st.sampled_from(["uint8", "uint16", "int32", "float32"]), st.integers(0, 99)
)
def test_averages_are_those_of_valid_pixels(height, width, dtype, seed):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 256, (2, height, width)).astype(dtype)
    for nodata in (None, 255, 0):
        if nodata is not None:
            rows[rng.random(rows.shape) < 0.3] = nodata
        found = halve(rows, nodata=nodata, average=True)
        assert found.dtype == rows.dtype
        np.testing.assert_array_equal(found, averaged(rows, nodata))


def test_large_values_do_not_overflow():
    for dtype in ("uint8", "uint16"):
        rows = np.full((1, 4, 4), np.iinfo(dtype).max, dtype)
        assert (halve(rows, nodata=None, average=True) == np.iinfo(dtype).max).all()
        assert (halve(rows, nodata=0, average=True) == np.iinfo(dtype).max).all()


def test_nan_is_left_out():
    rows = np.array([[[1, 3, np.nan, np.nan], [np.nan, 2, np.nan, np.nan]]], np.float32)
    found = halve(rows, nodata=float("nan"), average=True)
    assert found[0, 0, 0] == 2
    assert np.isnan(found[0, 0, 1])


@pytest.mark.parametrize("shape", [(4, 6), (5, 7), (1, 1)])
def test_nearest_takes_the_upper_left_pixel(shape):
    rows = np.arange(2 * shape[0] * shape[1], dtype=np.uint8).reshape(2, *shape)
    np.testing.assert_array_equal(halve(rows, nodata=None, average=False), rows[:, ::2, ::2])
