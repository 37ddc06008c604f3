"""What is around a pixel of a SWIR image, as numbers."""

import numpy as np
import pytest
import torch

from suelo.training.swir_bank import ABSOLUTE, CONTEXT, FEATURES, describe, light_shift, turns
from suelo.training.swir_features import Whitening


def ground(seed, height=24, width=24):
    rng = np.random.default_rng(seed)
    brightness = rng.normal(8, 0.2, (height, width))
    return (brightness + rng.normal(0, 0.05, (8, height, width))).astype(np.float32)


@pytest.fixture(scope="module")
def whitening():
    return Whitening.fit([ground(0), ground(1)])


def test_one_row_per_pixel(whitening):
    features = describe(ground(2, 20, 30), whitening)
    assert features.shape == (600, FEATURES)
    assert features.dtype == torch.float32
    assert torch.isfinite(features).all()


def test_turned_scene_has_the_features_that_turns_say(whitening):
    image = ground(3)
    features = describe(image, whitening).reshape(24, 24, FEATURES)
    found = set()
    for way in range(8):
        turned = np.rot90(image, way % 4, (1, 2))
        turned = turned[:, :, ::-1] if way >= 4 else turned
        seen = describe(np.ascontiguousarray(turned), whitening).reshape(24, 24, FEATURES)
        # Where the pixel (12, 7) of the image has gone.
        marked = np.zeros((24, 24))
        marked[12, 7] = 1
        marked = np.rot90(marked, way % 4)
        marked = marked[:, ::-1] if way >= 4 else marked
        row, col = np.argwhere(marked)[0]
        matches = [
            number
            for number, order in enumerate(turns())
            if torch.allclose(features[12, 7, order], seen[row, col], atol=1e-3)
        ]
        assert len(matches) == 1
        found.update(matches)
    assert found == set(range(8))


def test_a_bright_line_stands_out_whatever_its_direction(whitening):
    lines = slice(CONTEXT - ABSOLUTE - 4 * 4, CONTEXT - ABSOLUTE)
    y, x = np.mgrid[:41, :41] - 20
    for angle in (0.0, 0.4, 0.8, 1.3):
        near = np.abs(x * np.sin(angle) - y * np.cos(angle)) < 1
        image = np.where(near, 8.5, 8.0) + np.random.default_rng(1).normal(0, 0.01, (8, 41, 41))
        features = describe(image.astype(np.float32), whitening).reshape(41, 41, FEATURES)
        response = features[:, :, lines].abs().amax(dim=2)
        assert response[20, 20] > 5 * response[~torch.from_numpy(near)].median()


def test_light_moves_the_absolute_features_as_said_and_no_others(whitening):
    image = ground(4)
    gains = np.array([[0.2, 0.21, 0.2, 0.18, 0.2, 0.2, 0.22, 0.2]], np.float32)
    dark, light = describe(image, whitening), describe(image + gains[0][:, None, None], whitening)
    moved = (light - dark).mean(dim=0)
    expected = torch.zeros(FEATURES)
    expected[CONTEXT - ABSOLUTE : CONTEXT] = light_shift(gains, whitening)[0]
    assert torch.allclose(moved, expected, atol=2e-3)
    assert moved.abs().max() > 0.1
