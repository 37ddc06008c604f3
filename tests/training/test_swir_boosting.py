"""The trees of the SWIR benchmark: what they learn from, how sure they are, and how they join a network."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from suelo.training.swir_bank import CONTEXT, FEATURES
from suelo.training.swir_boosting import BoostingOptions, fit_boosting
from suelo.training.swir_features import Whitening
from suelo.training.swir_fit import SwirPixels

OPTIONS = BoostingOptions(trees=30, smallest_leaf=5, pixels=600, considered=1.0)


def drawn_pixels(count, seed=0, share=0.05, told=0):
    """Pixels of which a twentieth has crops (class 6), told apart by one feature, but not without error."""
    rng = np.random.default_rng(seed)
    crops = rng.random(count) < share
    features = rng.normal(size=(count, FEATURES)).astype(np.float32)
    features[:, told] += 1.5 * crops
    truth = np.zeros((count, 10), np.float32)
    truth[:, 5] = crops
    whitening = Whitening(np.zeros(8, np.float32), np.eye(8, dtype=np.float32), np.eye(8, dtype=np.float32))
    return SwirPixels(whitening, torch.from_numpy(features), torch.from_numpy(truth), torch.ones(count))


def shares(boosting, pixels):
    """What the trees alone say: the mean with 0 is half of it."""
    return 2 * boosting.mixed(pixels.features, torch.zeros(len(pixels.features), 10)).numpy()


@pytest.fixture(scope="module")
def boosting():
    return fit_boosting(drawn_pixels(20_000), OPTIONS, seed=1)


def test_members_are_found_and_chance_is_that_of_all_pixels_not_of_the_drawn(boosting):
    others = drawn_pixels(10_000, seed=9)
    found, crops = shares(boosting, others)[:, 5], others.truth[:, 5].numpy() == 1
    assert found[crops].mean() > 3 * found[~crops].mean()
    # 35 of 100 drawn pixels are crops, 5 of 100 of all.
    assert found.mean() == pytest.approx(0.05, abs=0.02)


def test_features_that_change_when_a_scene_turns_are_not_used():
    pixels = drawn_pixels(5_000, told=CONTEXT)
    boosting = fit_boosting(pixels, OPTIONS, seed=1)
    features = pixels.features.clone()
    features[:, CONTEXT:] = 7.0
    assert np.array_equal(shares(boosting, pixels), shares(boosting, replace(pixels, features=features)))


def test_same_seed_same_trees(boosting):
    pixels = drawn_pixels(500, seed=3)
    again = fit_boosting(drawn_pixels(20_000), OPTIONS, seed=1)
    other = fit_boosting(drawn_pixels(20_000), OPTIONS, seed=2)
    assert np.array_equal(shares(boosting, pixels), shares(again, pixels))
    assert not np.array_equal(shares(boosting, pixels), shares(other, pixels))


def test_mean_with_the_network_and_the_network_alone_where_there_are_no_trees(boosting):
    assert list(boosting.trees) == [5]
    pixels = drawn_pixels(300, seed=4)
    network = torch.full((300, 10), 0.6)
    mixed = boosting.mixed(pixels.features, network)
    assert torch.equal(mixed[:, :5], network[:, :5])
    assert np.allclose(mixed[:, 5].numpy(), 0.3 + shares(boosting, pixels)[:, 5] / 2)
    assert (network == 0.6).all()


@pytest.mark.parametrize("members", [49, 4_951])
def test_class_with_too_few_pixels_of_one_kind_has_no_trees(members):
    pixels = drawn_pixels(5_000)
    pixels.truth[:, 5] = torch.arange(5_000) < members
    assert not fit_boosting(pixels, OPTIONS, seed=1).trees


def test_half_coverage_is_a_member():
    pixels = drawn_pixels(5_000, share=0.3)
    pixels.truth[:, 5] *= 0.5
    assert list(fit_boosting(pixels, OPTIONS, seed=1).trees) == [5]
    pixels.truth[:, 5] *= 0.9
    assert not fit_boosting(pixels, OPTIONS, seed=1).trees
