"""Image and truth brought to another number of pixels."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from suelo.training.labelled import UNKNOWN
from suelo.training.resampling import resample, resample_truth


def test_a_smaller_image_keeps_its_mean_and_hides_no_pixel():
    image = np.random.default_rng(0).uniform(0, 1, (3, 60, 90)).astype(np.float32)
    small = resample(image, 20, 30)
    assert small.shape == (3, 20, 30)
    assert small.dtype == np.float32
    np.testing.assert_allclose(small.mean(axis=(1, 2)), image.mean(axis=(1, 2)), atol=0.01)
    one = np.zeros((1, 60, 90), np.float32)
    one[0, 31, 46] = 9.0  # a single bright pixel: sampling without averaging would lose it
    assert resample(one, 20, 30).sum() == pytest.approx(1.0, rel=0.05)


def test_a_ramp_stays_a_ramp_at_the_centres_of_its_pixels():
    ramp = np.broadcast_to(np.arange(40, dtype=np.float32) + 0.5, (1, 10, 40))
    for width in (20, 80):
        found = resample(ramp, 10, width)[0, 5]
        inner = slice(2, -2)
        np.testing.assert_allclose(found[inner], ((np.arange(width) + 0.5) * 40 / width)[inner], atol=1e-3)


def test_coverage_is_averaged_and_stays_0_to_250():
    truth = np.zeros((10, 40, 40), np.uint8)
    truth[2, :, 10:20] = 250
    small = resample_truth(truth, 10, 10)
    assert small.dtype == np.uint8
    assert small[2].sum() == pytest.approx(250 * 10 * 2.5, rel=0.02)
    assert small[2].max() <= 250
    assert np.count_nonzero((small[2] > 0) & (small[2] < 250)) > 0
    assert not small[[0, 1, *range(3, 10)]].any()


@pytest.mark.parametrize("size", [10, 80])
def test_a_pixel_of_which_a_part_is_unknown_is_unknown_in_that_class_alone(size):
    truth = np.full((10, 40, 40), 250, np.uint8)
    truth[4, :, 17:] = UNKNOWN
    found = resample_truth(truth, size, size)
    columns = found[4] == UNKNOWN
    edge = 17 * size / 40
    assert not columns[:, : int(edge - size / 20) - 1].any()
    assert columns[:, int(np.ceil(edge)) :].all()
    assert set(np.unique(found[4])) == {250, UNKNOWN}  # 255 leaks into no average
    assert (found[[0, 1, 2, 3, 5, 6, 7, 8, 9]] == 250).all()
