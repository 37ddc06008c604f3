"""Tests of the place-dependent random numbers."""

from __future__ import annotations

import numpy as np

from suelo.simulation.noise import WhiteNoise, hash_unit, smooth_line, smooth_noise


def test_hash_is_uniform_and_depends_on_every_argument() -> None:
    i, j = np.arange(300)[:, None] - 150, np.arange(300)[None, :] - 150
    values = hash_unit(3, 4, i, j)
    assert values.min() >= 0
    assert values.max() < 1
    assert np.histogram(values, 10, (0, 1))[0].min() > 8500
    for other in (hash_unit(5, 4, i, j), hash_unit(3, 5, i, j), hash_unit(3, 4, j, i), hash_unit(3, 4, i + 1, j)):
        assert abs(np.corrcoef(values.ravel(), other.ravel())[0, 1]) < 0.02


def test_smooth_noise_of_a_window_is_the_window_of_the_noise() -> None:
    y, x = np.arange(-40, 200), np.arange(1000, 1150)
    whole = smooth_noise(1, 2, y, x, 13.7)
    part = smooth_noise(1, 2, y[31:90], x[17:18], 13.7)
    np.testing.assert_array_equal(part, whole[31:90, 17:18])


def test_smooth_noise_is_smooth_and_of_about_unit_variance() -> None:
    field = smooth_noise(8, 1, np.arange(600), np.arange(600), 6.0)
    assert 0.7 < field.std() < 1.3
    assert abs(field.mean()) < 0.1
    assert np.abs(np.diff(field, axis=0)).max() < 1.0
    line = smooth_line(8, 1, np.arange(6000) / 6.0)
    assert 0.7 < line.std() < 1.3
    assert np.abs(np.diff(line)).max() < 1.0


def test_white_noise_of_a_window_is_the_window_of_the_noise() -> None:
    white = WhiteNoise(5)
    whole = white.read(3, -20, 480, 700, 1200)
    np.testing.assert_array_equal(white.read(3, 100, 900, 77, 301), whole[120:197, 420:721])
    assert abs(np.corrcoef(whole[:500, :500].ravel(), white.read(4, -20, 480, 500, 500).ravel())[0, 1]) < 0.02
