"""The network of the SWIR benchmark: its loss, its changes of scenes, and that it learns."""

import numpy as np
import pytest
import torch

from suelo.training.labelled import UNKNOWN, LabelledScene, band_statistics
from suelo.training.swir_features import Whitening
from suelo.training.swir_fit import SwirOptions, _batch, _padded, fit_swir, predict_swir, swir_loss
from suelo.training.swir_network import SwirNetwork

SMALL = SwirOptions(steps=60, batch=2, widths=(8, 12, 16), learning_rate=1e-2, average_decay=0.9)


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
def fitted():
    return fit_swir([scene(seed) for seed in range(6)], SMALL, seed=3)


def test_learns_what_carries_over_to_another_scene(fitted):
    held_out = scene(99)
    found = predict_swir([fitted], held_out)
    assert found.shape == (10, 26, 30)
    assert found.dtype == np.uint8
    predicted, truth = found[5] >= 125, held_out.members()[5]
    assert (predicted & truth).sum() / (predicted | truth).sum() > 0.7
    assert found[0].max() < 60  # no building was ever seen


def test_same_seed_same_network_whatever_ran_before(fitted):
    torch.rand(7)
    before = torch.random.get_rng_state()
    again = fit_swir([scene(seed) for seed in range(6)], SMALL, seed=3)
    assert torch.equal(before, torch.random.get_rng_state())
    for one, other in zip(fitted.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    other = fit_swir([scene(seed) for seed in range(6)], SMALL, seed=4)
    assert not torch.equal(other.head.weight, fitted.head.weight)


def test_prediction_turns_with_the_scene(fitted):
    square = scene(7, 24, 24)
    turned = LabelledScene(
        np.rot90(square.values, 1, (1, 2)), np.rot90(square.truth, 1, (1, 2)), square.valid, square.statistics
    )
    straight, back = predict_swir([fitted], square), np.rot90(predict_swir([fitted], turned), -1, (1, 2))
    assert np.abs(straight.astype(int) - back).max() <= 1


def test_pixels_without_data_are_marked(fitted):
    holed = scene(5)
    valid = holed.valid.copy()
    valid[:4] = False
    values = np.where(valid, holed.values, 0)
    found = predict_swir([fitted], LabelledScene(values, holed.truth, valid, holed.statistics))
    assert (found[:, :4] == 255).all()
    assert (found[:, 4:] <= 250).all()


def test_loss_of_the_truth_itself_has_no_overlap_term():
    targets = torch.rand(2, 10, 8, 8, generator=torch.Generator().manual_seed(1)).clamp(0.05, 0.95)
    weights = torch.ones(2, 1, 8, 8)
    right = torch.logit(targets)
    assert swir_loss(right, targets, weights, 0.0) == pytest.approx(0.0, abs=1e-5)
    harder = torch.logit(targets.round().clamp(1e-4, 1 - 1e-4))
    assert swir_loss(harder, targets, weights, 0.0) > 0.1


def test_pixels_of_weight_zero_do_not_change_the_loss():
    generator = torch.Generator().manual_seed(2)
    logits, targets = torch.randn(1, 10, 6, 6, generator=generator), torch.rand(1, 10, 6, 6, generator=generator)
    weights = torch.ones(1, 1, 6, 6)
    weights[..., 0] = 0
    changed, other = logits.clone(), targets.clone()
    changed[..., 0], other[..., 0] = 9.0, 1.0
    assert swir_loss(changed, other, weights, 1.0) == pytest.approx(float(swir_loss(logits, targets, weights, 1.0)))


def test_changes_move_labels_with_the_ground_and_light_does_not_change_the_relative_spectrum():
    truth = np.zeros((10, 16, 16), np.uint8)
    truth[5, 2:9, 3:6] = 250
    truth[:, 15] = UNKNOWN
    logs = np.tile(np.where(truth[5] == 250, 2.0, 1.0).astype(np.float32), (8, 1, 1))
    valid = np.ones((16, 16), np.bool_)
    sample = _padded(logs, LabelledScene(logs, truth, valid, band_statistics(logs, valid)), 24)
    assert sample.shape == (19, 24, 24)
    assert sample[-1, :15, :16].all()
    assert not sample[-1, 15:].any()
    assert not sample[-1, :, 16:].any()
    options = SwirOptions(gain=0.5, band_gain=0.1, noise=0.0, warped=0.5)
    rng = np.random.default_rng(5)
    for _ in range(12):
        images, means, targets, weights = _batch([sample, sample], rng, options)
        assert set(weights.unique().tolist()) <= {0.0, 1.0}
        for image, mean, target, weight in zip(images, means, targets, weights, strict=True):
            kept = (image - mean[:, None, None])[:, weight[0] > 0]
            covered = target[5][weight[0] > 0]
            # Fields are 1 above the rest, before and after: what is bright is what is labelled.
            assert torch.allclose(kept, covered + (kept - covered).mean(dim=1, keepdim=True), atol=0.02)
    assert means.std() > 0


def test_features_hold_the_spectrum_twice_and_only_one_follows_the_light():
    logs = torch.randn(3, 8, 8, 8, generator=torch.Generator().manual_seed(3)) * 0.1 + 8
    network = SwirNetwork(Whitening.fit([one.numpy() for one in logs]), (8, 12))
    means = logs.mean(dim=(2, 3))
    plain, lit = network.features(logs, means), network.features(logs + 0.3, means + 0.3)
    assert plain.shape == (3, 16, 8, 8)
    assert torch.allclose(plain[:, 8:], lit[:, 8:], atol=1e-3)
    assert (plain[:, :8] - lit[:, :8]).abs().max() > 0.5
    assert network.eval()(plain).shape == (3, 10, 8, 8)
