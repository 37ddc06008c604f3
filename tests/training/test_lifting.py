"""Bands inferred from others."""

from __future__ import annotations

import numpy as np
import pytest

from suelo.training.labelled import LabelledScene, band_statistics
from suelo.training.lifting import BandLift

KNOWN = (4, 2, 1)  # red, green, blue: the order of a photograph


def scene(seed, noise=0.0):
    """Eight bands that are a fixed linear map of three of them."""
    rng = np.random.default_rng(seed)
    bands = np.empty((8, 64, 64), np.float32)
    bands[list(KNOWN)] = rng.uniform(300, 900, (3, 64, 64))
    red, green, blue = bands[list(KNOWN)]
    bands[0] = 0.6 * blue + 0.5 * green + 40
    bands[3] = 0.5 * (green + red)
    bands[5], bands[6], bands[7] = 2 * red - 0.5 * blue + 900, 3 * green + 10, 0.2 * red + 1.5 * green
    bands += noise * rng.normal(size=bands.shape)
    valid = np.ones((64, 64), bool)
    valid[:10] = False
    bands[:, :10] = 30_000  # pixels without data must not teach anything
    return LabelledScene(bands, np.zeros((10, 64, 64), np.uint8), valid, band_statistics(bands, valid))


def test_a_linear_map_between_bands_is_recovered_on_a_scene_that_was_not_learned_from():
    lift = BandLift.learn([scene(0), scene(1)], KNOWN)
    unseen = scene(2)
    image, valid = unseen.normalised(), unseen.valid
    found = lift.apply(image[list(KNOWN)])
    assert found.shape == image.shape
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, valid], image[:, valid], atol=0.03)


def test_the_given_bands_are_unchanged_in_their_places():
    lift = BandLift.learn([scene(0, noise=50.0)], KNOWN)
    given = np.random.default_rng(3).uniform(-0.5, 1.5, (3, 5, 7)).astype(np.float32)
    np.testing.assert_array_equal(lift.apply(given)[list(KNOWN)], given)
    assert lift.known == KNOWN


def test_it_learns_the_same_every_time_and_never_from_labels():
    one = BandLift.learn([scene(0, noise=30.0)], KNOWN)
    base = scene(0, noise=30.0)
    other = BandLift.learn([LabelledScene(base.values, base.truth + 250, base.valid, base.statistics)], KNOWN)
    np.testing.assert_array_equal(one.weights, other.weights)


def test_a_constant_offset_is_part_of_the_map():
    lift = BandLift.learn([scene(0)], KNOWN)
    lifted = lift.apply(np.full((3, 1, 1), 0.5, np.float32))[:, 0, 0]
    assert lifted == pytest.approx(0.5, abs=0.05)  # mid-grey in, mid-grey out in every band
