"""Changes to chips keep image, truth and valid together."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from suelo.training.augmentation import Augmentation, augment, pasted, restyled, style

NONE = Augmentation.none()
EVERYTHING = Augmentation(grey_probability=0.5, crush_probability=0.5)


def chip(side=32):
    rng = np.random.default_rng(0)
    image = rng.uniform(0, 1, (8, side, side)).astype(np.float32)
    truth = np.stack([250 * (image[k % 8] > 0.5) for k in range(10)]).astype(np.uint8)
    truth[0, 1, :3] = 255
    return image, truth, np.ones((side, side), bool)


def test_with_everything_off_nothing_changes():
    image, truth, valid = chip()
    found = augment(image, truth, valid, np.random.default_rng(1), NONE)
    np.testing.assert_array_equal(found[0], image)
    np.testing.assert_array_equal(found[1], truth)
    np.testing.assert_array_equal(found[2], valid)


def test_flips_move_image_truth_and_valid_alike_in_all_eight_ways():
    image, truth, valid = chip()
    valid = image[3] > 0.2
    options = Augmentation(**{**vars(NONE), "flips": True})
    seen = set()
    for seed in range(60):
        new_image, new_truth, new_valid = augment(image * valid, truth, valid, np.random.default_rng(seed), options)
        for k in range(1, 10):
            there = new_valid & (new_truth[k] > 0)
            np.testing.assert_array_equal(there, (new_image[k % 8] > 0.5) & new_valid)
        assert not new_image[:, ~new_valid].any()
        seen.add(new_image.tobytes())
    assert len(seen) == 8


@pytest.mark.parametrize("seed", range(12))
def test_full_strength_keeps_range_type_and_zero_without_data(seed):
    image, truth, valid = chip()
    valid[:4] = False
    new_image, new_truth, new_valid = augment(image, truth, valid, np.random.default_rng(seed), EVERYTHING)
    assert (new_image.dtype, new_truth.dtype, new_valid.dtype) == (np.float32, np.uint8, bool)
    assert np.isfinite(new_image).all()
    assert new_image.min() >= -0.5
    assert new_image.max() <= 1.5
    assert not new_image[:, ~new_valid].any()
    assert new_valid.sum() <= valid.sum()
    np.testing.assert_array_equal(np.bincount(new_truth.ravel()), np.bincount(truth.ravel()))


def test_contrast_keeps_the_order_of_pixels_within_a_band():
    image, truth, valid = chip()
    options = Augmentation(**{**vars(NONE), "percentile_jitter": 0.05, "band_jitter": 0.05, "gamma": 0.2})
    new_image, _, _ = augment(image, truth, valid, np.random.default_rng(5), options)
    assert abs(new_image - image).max() > 0.02
    for old, new in zip(image, new_image, strict=True):
        assert (np.diff(new.ravel()[np.argsort(old.ravel())]) >= 0).all()


def test_lost_pixels_take_a_part_of_the_chip_and_leave_a_part():
    image, truth, valid = chip()
    options = Augmentation(**{**vars(NONE), "nodata_probability": 1.0})
    shares = [augment(image, truth, valid, np.random.default_rng(s), options)[2].mean() for s in range(30)]
    assert min(shares) < 0.7
    assert max(shares) > 0.7
    assert all(0.1 < share <= 1 for share in shares)


def test_mottle_is_smooth_and_of_the_strength_asked_for():
    image, truth, valid = chip(160)
    options = Augmentation(**{**vars(NONE), "mottle": 0.1})
    flat = np.full_like(image, 0.5)
    found = [augment(flat, truth, valid, np.random.default_rng(s), options)[0] - 0.5 for s in range(40)]
    deviations = [patches.std() for patches in found]
    assert 0.01 < np.mean(deviations) < 0.1
    for patches in found:
        assert np.diff(patches, axis=1).std() < 0.8 * patches.std()  # white noise: 1.41


def test_lost_bands_are_replaced_from_the_others_which_stay():
    image, truth, valid = chip()
    options = Augmentation(**{**vars(NONE), "grey_probability": 1.0})
    ways = set()
    for seed in range(20):
        found, new_truth, _ = augment(image, truth, valid, np.random.default_rng(seed), options)
        np.testing.assert_array_equal(new_truth, truth)
        changed = tuple(k for k in range(8) if not np.array_equal(found[k], image[k]))
        ways.add(changed)
        if changed == (5, 6, 7):  # no near infrared: it is the mean of the visible bands
            for band in changed:
                np.testing.assert_allclose(found[band], image[1:5].mean(axis=0), atol=1e-6)
        else:  # the outer bands: their nearest neighbours
            np.testing.assert_array_equal(found[0], image[1])
            np.testing.assert_allclose(found[3], (image[2] + image[4]) / 2, atol=1e-6)
            np.testing.assert_array_equal(found[7], image[6])
    assert ways == {(5, 6, 7), (0, 3, 7)}


def test_a_harsh_contrast_is_steeper_alike_in_all_bands_and_keeps_the_order():
    image, truth, valid = chip()
    image = image * 0.2 + 0.4  # far from the limits
    options = Augmentation(**{**vars(NONE), "crush_probability": 1.0})
    for seed in range(10):
        found, _, _ = augment(image, truth, valid, np.random.default_rng(seed), options)
        slopes = np.ptp(found, axis=(1, 2)) / np.ptp(image, axis=(1, 2))
        assert slopes.min() > 1.25
        assert slopes.max() < 2.25
        np.testing.assert_allclose(slopes, slopes[0], rtol=1e-3)
        assert (np.diff(found.ravel()[np.argsort(image.ravel())]) >= 0).all()


def test_a_coarse_chip_has_lost_fine_detail_and_kept_the_coarse_in_its_place():
    image, truth, valid = chip(64)
    image = np.kron(np.random.default_rng(1).uniform(0.2, 0.8, (8, 4, 4)), np.ones((16, 16))).astype(np.float32)
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 0.2 - 0.1
    options = Augmentation(**{**vars(NONE), "coarse_probability": 1.0})
    for seed in range(8):
        found, new_truth, _ = augment(image + checks, truth, valid, np.random.default_rng(seed), options)
        np.testing.assert_array_equal(new_truth, truth)
        inner = found.reshape(8, 4, 16, 4, 16)[:, :, 4:12, :, 4:12]
        assert inner.std(axis=(2, 4)).max() < 0.06  # of a deviation of 0.1
        assert abs(inner.mean(axis=(2, 4)) - image[:, 8::16, 8::16]).max() < 0.02


def test_a_scene_takes_on_how_bright_another_one_is_and_keeps_both_ends_of_the_stretch():
    image, _, valid = chip()
    image[:, 0, 0], image[:, 0, 1] = 0.0, 1.0
    wanted = np.linspace(0.2, 0.6, 8).astype(np.float32)
    np.testing.assert_allclose(style(restyled(image, valid, wanted, 1.0), valid), wanted, atol=0.01)
    half = style(restyled(image, valid, wanted, 0.5), valid)
    assert (np.abs(half - wanted) < np.abs(style(image, valid) - wanted))[:5].all()
    np.testing.assert_allclose(restyled(image, valid, wanted, 0.0), image, atol=1e-6)
    ends = restyled(image, valid, wanted, 1.0)[:, 0, :2]
    np.testing.assert_array_equal(ends, np.tile([0.0, 1.0], (8, 1)))


def test_what_is_not_valid_has_no_say_in_how_bright_a_scene_is():
    image, _, valid = chip()
    valid[:16], image[:, :16] = False, 0.0
    np.testing.assert_allclose(style(image, valid), np.median(image[:, 16:].reshape(8, -1), axis=1))
    assert np.isfinite(restyled(image, np.zeros_like(valid), style(image, valid), 1.0)).all()


def test_a_pasted_rectangle_brings_its_truth_along():
    rng = np.random.default_rng(3)
    chips = []
    for number in range(4):
        image, truth, valid = chip()
        chips.append((image + number, np.full_like(truth, number), np.full_like(valid, fill_value=number != 2)))
    found = pasted(chips, rng, 1.0)
    mixed = 0
    for number, (image, truth, valid) in enumerate(found):
        origin = truth[0].astype(int)
        mixed += len(np.unique(origin)) == 2
        assert (origin == number).mean() > 0.4
        np.testing.assert_allclose(image - chips[0][0], np.broadcast_to(origin, image.shape), atol=1e-5)
        np.testing.assert_array_equal(valid, origin != 2)
    assert mixed >= 2
    for number, (_, truth, _) in enumerate(chips):
        assert (truth == number).all(), "the chips themselves are left as they are"


def test_without_a_probability_nothing_is_pasted():
    chips = [chip(), chip()]
    found = pasted(chips, np.random.default_rng(0), 0.0)
    assert all(new is old for new, old in zip(found, chips, strict=True))


def test_none_changes_nothing_whatever_changes_there_are():
    assert not any(astuple(Augmentation.none()))
