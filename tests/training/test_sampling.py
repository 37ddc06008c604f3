"""Chips drawn from labelled scenes."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from suelo.imagery.scene import Pixels  # noqa: E402
from suelo.imagery.statistics import normalise  # noqa: E402
from suelo.training import sampling  # noqa: E402
from suelo.training.augmentation import Augmentation  # noqa: E402
from suelo.training.labelled import UNKNOWN, LabelledScene, band_statistics  # noqa: E402
from suelo.training.sampling import ChipSampler, Source  # noqa: E402

PLAIN = Augmentation(False, *(0 for _ in fields(Augmentation)[1:]))


def labelled(values, truth, valid=None):
    valid = np.ones(values.shape[1:], bool) if valid is None else valid
    return LabelledScene(values, truth, valid, band_statistics(values, valid))


def scene(seed=0, side=128):
    """Crops everywhere above 1000 in band 0; one small vehicle, a thousandth of the scene."""
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 2000, (8, side, side)).astype(np.uint16)
    truth = np.zeros((10, side, side), np.uint8)
    truth[5] = 250 * (values[0] > 1000)
    row, col = rng.integers(8, side - 8, 2)
    truth[9, row : row + 4, col : col + 4] = 250
    return labelled(values, truth)


def flat(number, side=96):
    """A scene of one class alone: its number says where a chip came from."""
    truth = np.zeros((10, side, side), np.uint8)
    truth[number] = 250
    return labelled(np.random.default_rng(number).integers(1, 9, (8, side, side)).astype(np.uint16), truth)


def sampler(scenes=None, seed=1, **changes):
    sources = [Source(scenes or [scene(0), scene(1)], 1.0)]
    return of_sources(sources, seed=seed, **changes)


def of_sources(sources, **changes):
    return ChipSampler(sources, **({"chip": 48, "batch": 4, "seed": 1, "augmentation": PLAIN} | changes))


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
    assert batch.weights.shape == (4, 10, 48, 48)
    assert {batch.images.dtype, batch.targets.dtype, batch.weights.dtype} == {torch.float32}


def test_a_rare_class_is_found_far_more_often_than_by_chance():
    batches = [sampler().batch(step) for step in range(30)]
    with_vehicle = np.mean([float(chip[9].max()) for batch in batches for chip in batch.targets])
    assert with_vehicle > 0.4  # a chip placed by chance has it in (48 + 4)² / 128² = 16 % at best


def test_a_class_of_which_nothing_is_known_is_not_looked_for():
    """255 is no coverage: a chip must not be placed on it as on a pixel of the class."""
    base = scene(0)
    truth = base.truth.copy()
    truth[[0, 1, 2, 3, 4, 6, 7, 8]] = UNKNOWN
    batches = [sampler([labelled(base.values, truth)]).batch(step) for step in range(30)]
    with_vehicle = np.mean([float(chip[9].max()) for batch in batches for chip in batch.targets])
    assert with_vehicle > 0.4


def test_sources_give_chips_in_their_shares():
    drawer = of_sources([Source([flat(0)], 3.0), Source([flat(4), flat(4)], 1.0)])
    from_first = np.mean([float(chip[0].mean()) for step in range(60) for chip in drawer.batch(step).targets])
    assert 0.68 < from_first < 0.82  # 3 of 4, whatever the number of scenes


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


def test_coverage_becomes_a_target_between_0_and_1():
    truth = np.zeros((10, 64, 64), np.uint8)
    truth[4], truth[6] = 50, 250
    batch = sampler([labelled(scene(0, 64).values, truth)]).batch(0)
    assert batch.targets[:, 4].numpy() == pytest.approx(0.2)
    assert batch.targets[:, 6].numpy() == pytest.approx(1.0)
    assert not batch.targets[:, 0].any()


def test_other_ground_sampling_distances_keep_image_and_truth_together(monkeypatch):
    monkeypatch.setattr(sampling, "_RESAMPLED_SHARE", 1.0)
    monkeypatch.setattr(sampling, "_OWN_STRETCH_SHARE", 0.0)
    blocks = np.kron(np.random.default_rng(0).integers(0, 2, (16, 16)), np.ones((8, 8), int))
    values = np.repeat((blocks * 1000 + 500)[None], 8, axis=0).astype(np.uint16)
    truth = np.zeros((10, 128, 128), np.uint8)
    truth[5] = 250 * blocks
    batch = sampler([labelled(values, truth)]).batch(0)
    agree = (batch.targets[:, 5] > 0.5) == (batch.images[:, 0] > 0.5)
    assert agree.float().mean() > 0.99
    assert ((batch.targets[:, 5] > 0) & (batch.targets[:, 5] < 1)).any()  # edges are shares of a pixel


def test_pixels_without_data_have_no_weight():
    base = scene(0)
    valid = base.valid.copy()
    valid[:, :64] = False
    holed = labelled(base.values, base.truth * valid, valid)
    batch = sampler([holed]).batch(0)
    assert 0 < batch.weights.mean() < 1
    assert not (batch.images * (batch.weights[:, :1] == 0)).any()
    assert torch.equal(batch.weights[:, 0], batch.weights[:, 9])


def test_an_unknown_class_has_no_weight_where_the_others_have():
    base = scene(0)
    truth = base.truth.copy()
    truth[3] = UNKNOWN
    truth[7, :, 64:] = UNKNOWN
    drawer = sampler([labelled(base.values, truth)])
    batches = [drawer.batch(step) for step in range(10)]
    weights, targets = (torch.cat([getattr(b, name) for b in batches]) for name in ("weights", "targets"))
    assert not weights[:, 3].any()
    assert 0 < weights[:, 7].mean() < 1
    assert not targets[:, [3, 7]].any()
    for row in (0, 1, 2, 4, 5, 6, 8, 9):
        assert weights[:, row].all()
    unknown_columns = weights[:, 7] == 0  # the right-hand side of a chip
    assert (unknown_columns.float().diff(dim=2) >= 0).all()
