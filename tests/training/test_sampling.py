"""Chips drawn from labelled scenes."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from suelo.imagery.scene import Pixels  # noqa: E402
from suelo.imagery.statistics import normalise  # noqa: E402
from suelo.training import sampling  # noqa: E402
from suelo.training.augmentation import Augmentation  # noqa: E402
from suelo.training.sampling import ChipSampler, LabelledScene, band_statistics  # noqa: E402

PLAIN = Augmentation(False, 0, 0, 0, 0, 0, 0, 0, 0)


def scene(seed=0, side=128):
    """Crops everywhere above 1000 in band 0; one small vehicle, a thousandth of the scene."""
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 2000, (8, side, side)).astype(np.uint16)
    truth = np.zeros((10, side, side), np.uint8)
    truth[5] = values[0] > 1000
    row, col = rng.integers(8, side - 8, 2)
    truth[9, row : row + 4, col : col + 4] = 1
    valid = np.ones((side, side), bool)
    return LabelledScene(values, truth, valid, band_statistics(values, valid))


def sampler(scenes=None, seed=1, **changes):
    scenes = scenes or [scene(0), scene(1)]
    return ChipSampler(scenes, **({"chip": 48, "batch": 4, "seed": seed, "augmentation": PLAIN} | changes))


def test_a_batch_depends_on_seed_and_step_alone():
    one, other = sampler(augmentation=Augmentation()), sampler(augmentation=Augmentation())
    later = one.batch(7)
    one.batch(3)
    for found in (other.batch(7), one.batch(7)):
        assert torch.equal(found.images, later.images)
        assert torch.equal(found.targets, later.targets)
        assert torch.equal(found.weights, later.weights)
    assert not torch.equal(one.batch(8).images, later.images)
    assert not torch.equal(sampler(seed=2, augmentation=Augmentation()).batch(7).images, later.images)


def test_shapes_and_types():
    batch = sampler().batch(0)
    assert batch.images.shape == (4, 8, 48, 48)
    assert batch.targets.shape == (4, 10, 48, 48)
    assert batch.weights.shape == (4, 1, 48, 48)
    assert {batch.images.dtype, batch.targets.dtype, batch.weights.dtype} == {torch.float32}


def test_a_rare_class_is_found_far_more_often_than_by_chance():
    batches = [sampler().batch(step) for step in range(30)]
    with_vehicle = np.mean([float(chip[9].max()) for batch in batches for chip in batch.targets])
    assert with_vehicle > 0.4  # a chip placed by chance has it in (48 + 4)² / 128² = 16 % at best


def test_truth_stays_on_its_pixels(monkeypatch):
    monkeypatch.setattr(sampling, "_RESAMPLED_SHARE", 0.0)
    monkeypatch.setattr(sampling, "_OWN_STRETCH_SHARE", 0.0)
    scenes = [scene(0)]
    limit = normalise(Pixels(np.full((8, 1, 1), 1000.0, np.float32), np.ones((1, 1), bool)), scenes[0].statistics)[
        0, 0, 0
    ]
    for step in range(5):
        batch = sampler(scenes).batch(step)
        assert torch.equal(batch.targets[:, 5] > 0, batch.images[:, 0] > float(limit))


def test_other_ground_sampling_distances_keep_image_and_truth_together(monkeypatch):
    monkeypatch.setattr(sampling, "_RESAMPLED_SHARE", 1.0)
    monkeypatch.setattr(sampling, "_OWN_STRETCH_SHARE", 0.0)
    blocks = np.kron(np.random.default_rng(0).integers(0, 2, (16, 16)), np.ones((8, 8), int))
    values = np.repeat((blocks * 1000 + 500)[None], 8, axis=0).astype(np.uint16)
    truth = np.zeros((10, 128, 128), np.uint8)
    truth[5] = blocks
    valid = np.ones((128, 128), bool)
    batch = sampler([LabelledScene(values, truth, valid, band_statistics(values, valid))]).batch(0)
    agree = (batch.targets[:, 5] > 0) == (batch.images[:, 0] > 0.5)
    assert agree.float().mean() > 0.99


def test_pixels_without_data_have_no_weight():
    base = scene(0)
    valid = base.valid.copy()
    valid[:, :64] = False
    holed = LabelledScene(base.values, base.truth * valid, valid, band_statistics(base.values, valid))
    batch = sampler([holed]).batch(0)
    assert 0 < batch.weights.mean() < 1
    assert not (batch.images * (batch.weights == 0)).any()


def test_statistics_are_the_percentiles_of_valid_pixels():
    values = np.tile(np.arange(10_000, dtype=np.float32).reshape(100, 100), (8, 1, 1))
    valid = values[0] < 5000
    found = band_statistics(values, valid)
    assert found.low[0] == pytest.approx(0.01 * 4999)
    assert found.high[7] == pytest.approx(0.99 * 4999)
    assert found.valid_fraction == 0.5
