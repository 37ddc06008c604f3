"""Decorrelated spectra."""

import numpy as np
import pytest

from suelo.training.swir_features import Whitening, log_radiance


def spectra(seed=0, height=40, width=50):
    """Eight bands that are nearly the same brightness, with one feature of a few percent in band 5."""
    rng = np.random.default_rng(seed)
    brightness = rng.normal(8.0, 0.3, (height, width))
    feature = np.zeros((8, height, width))
    feature[4] = 0.04 * rng.standard_normal((height, width))
    return (brightness + feature + 0.002 * rng.standard_normal((8, height, width))).astype(np.float32)


def test_components_are_independent_and_a_small_feature_is_as_strong_as_brightness():
    image = spectra()
    whitening = Whitening.fit([image])
    components = whitening.absolute @ (image.reshape(8, -1) - whitening.mean[:, None])
    covariance = np.cov(components)
    assert np.allclose(covariance - np.diag(np.diag(covariance)), 0, atol=0.02)
    variances = np.sort(np.diag(covariance))
    assert variances[-2] > 0.8  # brightness and the feature
    assert variances[-3] < 0.1  # noise below one percent stays small


def test_relative_components_do_not_see_the_level_of_a_scene():
    dark, light = spectra(1), spectra(1) + 0.7
    whitening = Whitening.fit([dark, light])
    own = [whitening.relative @ (one.reshape(8, -1) - one.mean(axis=(1, 2))[:, None]) for one in (dark, light)]
    assert np.allclose(own[0], own[1], atol=1e-2)
    # Their spread is that within scenes, not that between them.
    assert np.var(own[0], axis=1).max() == pytest.approx(1.0, abs=0.1)


def test_pixels_without_data_are_filled_with_the_mean():
    values = np.full((8, 4, 5), 1000, np.uint16)
    values[:, 0, 0] = 0
    valid = values[0] > 0
    logs = log_radiance(values, valid)
    assert logs.dtype == np.float32
    assert np.allclose(logs, np.log(1000.0))


def test_an_image_without_any_data_is_finite():
    assert np.isfinite(log_radiance(np.zeros((8, 3, 3), np.uint16), np.zeros((3, 3), np.bool_))).all()
