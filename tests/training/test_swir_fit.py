"""The network of the SWIR benchmark: its loss, what it is shown, and that it learns."""

import numpy as np
import pytest
import torch

from suelo.training.labelled import UNKNOWN, LabelledScene, band_statistics
from suelo.training.swir_boosting import SwirBoosting
from suelo.training.swir_fit import SwirOptions, fit_swir, gather_pixels, swir_loss
from suelo.training.swir_predict import predict_swir

NO_TREES = SwirBoosting({})
SMALL = SwirOptions(steps=120, batch=256, widths=(16,), learning_rate=1e-2)


def scene(seed, height=26, width=30):
    """Fields (class 6) that differ from the rest by a tenth in two bands, under very different light."""
    rng = np.random.default_rng(seed)
    members = np.kron(rng.random((5, 5)) < 0.4, np.ones((6, 6), np.bool_))[:height, :width]
    spectrum = np.array([4000, 5000, 4600, 4200, 3400, 3000, 2900, 2800.0])[:, None, None] * rng.uniform(0.6, 1.6)
    values = spectrum * rng.normal(1.0, 0.02, (8, height, width)) * rng.normal(1.0, 0.1, (height, width))
    values[2:4, members] *= 1.1
    truth = np.zeros((10, height, width), np.uint8)
    truth[5, members] = 250
    valid = np.ones((height, width), np.bool_)
    return LabelledScene(values.astype(np.uint16), truth, valid, band_statistics(values, valid), str(seed))


@pytest.fixture(scope="module")
def pixels():
    return gather_pixels([scene(seed) for seed in range(6)], SMALL.rare)


@pytest.fixture(scope="module")
def fitted(pixels):
    return fit_swir(pixels, SMALL, seed=3)


def test_learns_what_carries_over_to_another_scene(fitted):
    held_out = scene(99)
    found = predict_swir([fitted], NO_TREES, held_out, smoothing={})  # its fields are 45 m wide
    assert found.shape == (10, 26, 30)
    assert found.dtype == np.uint8
    predicted, truth = found[5] >= 125, held_out.members()[5]
    assert (predicted & truth).sum() / (predicted | truth).sum() > 0.7
    assert found[0].max() < 60  # no building was ever seen


def test_same_seed_same_network_whatever_ran_before(fitted, pixels):
    torch.rand(7)
    before = torch.random.get_rng_state()
    again = fit_swir(pixels, SMALL, seed=3)
    assert torch.equal(before, torch.random.get_rng_state())
    for one, other in zip(fitted.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    other = fit_swir(pixels, SMALL, seed=4)
    assert not torch.equal(other.layers[0].weight, fitted.layers[0].weight)


def test_prediction_turns_with_the_scene(fitted):
    square = scene(7, 24, 24)
    turned = LabelledScene(
        np.rot90(square.values, 1, (1, 2)), np.rot90(square.truth, 1, (1, 2)), square.valid, square.statistics
    )
    straight, back = (
        predict_swir([fitted], NO_TREES, square),
        np.rot90(predict_swir([fitted], NO_TREES, turned), -1, (1, 2)),
    )
    assert np.abs(straight.astype(int) - back).max() <= 1


def test_pixels_without_data_are_marked(fitted):
    holed = scene(5)
    valid = holed.valid.copy()
    valid[:4] = False
    values = np.where(valid, holed.values, 0)
    found = predict_swir([fitted], NO_TREES, LabelledScene(values, holed.truth, valid, holed.statistics))
    assert (found[:, :4] == 255).all()
    assert (found[:, 4:] <= 250).all()


def test_loss_of_the_truth_itself_has_no_overlap_term():
    targets = torch.rand(50, 10, generator=torch.Generator().manual_seed(1)).clamp(0.05, 0.95)
    right = torch.logit(targets)
    assert swir_loss(right, targets, 0.0) == pytest.approx(0.0, abs=1e-5)
    harder = torch.logit(targets.round().clamp(1e-4, 1 - 1e-4))
    assert swir_loss(harder, targets, 0.0) > 0.1
    assert swir_loss(harder, targets, 1.0) > swir_loss(right, targets, 1.0) > 0.1  # cross-entropy sees it, too


def test_rare_classes_are_drawn_often_and_from_every_scene_that_has_them():
    common, rare = scene(1), scene(2)
    rare.truth[0, 3, 4] = 250  # one building
    common.truth[0, :10, :10] = 250
    common.truth[:, 20] = UNKNOWN
    pixels = gather_pixels([common, rare], rare=0.5)
    assert len(pixels.features) == len(pixels.truth) == len(pixels.chances) == 2 * 26 * 30 - 30
    assert pixels.chances.sum() == pytest.approx(1.0)
    buildings = pixels.truth[:, 0] == 1
    assert buildings.sum() == 101
    # Buildings have 1 of 1.5 parts of one half of the draws, fields the rest; the other half is even.
    assert pixels.chances[buildings].sum() > 0.5 / 1.5
    lone = pixels.chances[26 * 30 - 30 :][buildings[26 * 30 - 30 :]]
    assert lone.sum() > 0.08 * pixels.chances[buildings].sum()
    even = gather_pixels([common], rare=0.0).chances
    assert torch.allclose(even, torch.full_like(even, 1 / len(even)))
