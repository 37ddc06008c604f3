"""Test-time flips, on a network that tells directions apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suelo.model.contract import ModelContract
from suelo.model.flips import FlippedModel
from suelo.model.session import Model, load_model


class Neighbour(Model):
    """Says of a pixel what its neighbour above, or in another class the one to the left, has in the first band."""

    def __init__(self):
        self.contract = ModelContract(name="neighbour", version="1")
        self.sha256 = "0"

    def predict(self, images):
        first = images[:, :1]
        up, left = np.zeros_like(first), np.zeros_like(first)
        up[:, :, 1:], left[:, :, :, 1:] = first[:, :, :-1], first[:, :, :, :-1]
        return np.concatenate([up, left] * 5, axis=1)


def test_the_mean_over_the_orientations_has_no_direction():
    images = np.zeros((2, 8, 16, 32), np.float32)
    images[0, 0, 5, 7] = 1.0
    found = FlippedModel(Neighbour()).predict(images)
    assert found.shape == (2, 10, 16, 32)
    expected = np.zeros((16, 32))
    expected[[4, 6, 5, 5], [7, 7, 6, 8]] = 0.25  # each neighbour is the one above in two of eight orientations
    for band in range(10):
        np.testing.assert_allclose(found[0, band], expected)
    assert not found[1].any()


def test_the_answer_turns_with_the_image():
    model = FlippedModel(load_model(precision="f32"))
    images = np.random.default_rng(0).uniform(0, 1, (1, 8, 32, 48)).astype(np.float32)
    straight, turned = model.predict(images), model.predict(np.rot90(images, axes=(2, 3)))
    np.testing.assert_allclose(turned, np.rot90(straight, axes=(2, 3)), atol=1e-4)
    assert np.abs(straight - load_model().predict(images)).max() > 0.01


@pytest.mark.parametrize(
    ("word", "measured"), [("flips", "the model without flips"), ("int8", "the fp32 model that it was made of")]
)
def test_figures_of_another_form_of_the_model_say_so(word, measured):
    plain, other = load_model().contract, load_model(Path(word)).contract
    assert other.metrics.measured_on == f"{plain.metrics.measured_on}; measured with {measured}"
    assert other.metrics.jaccard == plain.metrics.jaccard
    assert len(plain.metrics_elsewhere) == len(other.metrics_elsewhere) > 0
    assert all(metrics.measured_on.endswith(f"measured with {measured}") for metrics in other.metrics_elsewhere)


def test_a_word_takes_the_shipped_model_in_eight_orientations_under_a_name_of_its_own():
    plain, flipped = load_model(), load_model(Path("flips"))
    same = flipped.contract.model_copy(update={"metrics": None, "metrics_elsewhere": (), "name": plain.contract.name})
    assert same == plain.contract.model_copy(update={"metrics": None, "metrics_elsewhere": ()})
    assert flipped.contract.name == f"{plain.contract.name}-flips"
    assert flipped.sha256 not in {plain.sha256, load_model(Path("int8")).sha256}
    images = np.random.default_rng(1).uniform(0, 1, (1, 8, 32, 32)).astype(np.float32)
    np.testing.assert_array_equal(flipped.predict(images), FlippedModel(plain).predict(images))
