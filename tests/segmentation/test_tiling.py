"""Tiles cover a scene, overlap enough, and fade into each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suelo.segmentation.tiling import STRIP_BYTES, Spans, Tiling, reflected


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 3000), st.integers(1, 40), st.integers(0, 8))
def test_every_pixel_is_used_and_none_within_the_halo_of_a_cut(length, tile16, halo8):
    halo = 8 * halo8
    largest = 2 * halo + 16 * tile16 if halo % 16 == 0 else 2 * halo + 16 * tile16 + 16
    largest = largest // 16 * 16
    spans = Spans.fit(length, largest, halo)
    assert spans.tile <= largest
    assert spans.padded % 16 == 0
    assert 0 <= spans.padded - length < 16
    assert all(start % 16 == 0 for start in spans.starts)
    assert spans.starts[0] == 0
    assert spans.starts[-1] + spans.tile == spans.padded
    position = 0
    weights = np.zeros(spans.padded)
    for index, start in enumerate(spans.starts):
        first, last = spans.used(index)
        assert first <= position
        position = last
        assert index == 0 or first >= start + halo
        assert index == len(spans.starts) - 1 or last <= start + spans.tile - halo
        weight = np.ones(last - first)
        if index:
            weight[: spans.blend] = spans.ramp
        if index < len(spans.starts) - 1:
            weight[len(weight) - spans.blend :] *= spans.ramp[::-1]
        weights[first:last] += weight
    assert position == spans.padded
    np.testing.assert_allclose(weights, 1, atol=1e-6)


def test_tiles_waste_little():
    spans = Spans.fit(4096, 512, 64)
    assert spans.tile * len(spans.starts) < 4096 + (len(spans.starts) - 1) * 160 + 16 * len(spans.starts)


def test_a_small_scene_is_one_piece_and_a_wide_one_has_low_strips():
    down, across = Tiling(512, 64).spans(600, 600)
    assert (down.starts, across.starts) == ((0,), (0,))
    down, across = Tiling(512, 64, strip_bytes=128 << 20).spans(20_000, 8_000)
    assert across.tile > 400
    wide_down, wide_across = Tiling(1024, 64).spans(20_000, 30_000)
    assert wide_down.tile * wide_across.padded * 16 <= STRIP_BYTES
    assert wide_down.tile >= 272
    assert 272 <= down.tile <= (128 << 20) / (8_000 * 16)


@settings(deadline=None, derandomize=True)
@given(st.integers(700, 40_000), st.integers(700, 40_000), st.sampled_from([48, 64, 96]))
def test_tiles_of_a_scene_have_bounded_memory_and_waste_little(height, width, halo):
    tiling = Tiling(1200, halo)
    down, across = tiling.spans(height, width)
    assert down.tile * across.tile <= 1200**2
    assert down.tile * across.padded * 16 <= max(STRIP_BYTES, (4 * halo + 16) * across.padded * 16)
    square = Spans.fit(width, 1200, halo).work * Spans.fit(height, 1200, halo).work
    if width <= STRIP_BYTES / 16 / 1200:
        assert down.work * across.work <= 1.03 * square


@pytest.mark.parametrize("length", [1, 2, 5, 16])
def test_mirrored_edges_are_those_of_numpy(length):
    line = np.arange(length) * 10
    expected = np.pad(line, (0, 15), mode="reflect" if length > 1 else "edge")
    assert list(line[reflected(np.arange(length, length + 15), length)]) == list(expected[length:])
