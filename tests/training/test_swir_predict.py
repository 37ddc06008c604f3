"""Probabilities of the SWIR benchmark: network and trees together, smoothed where a class is wide."""

import copy

import numpy as np
import pytest
import torch

from suelo.training.labelled import LabelledScene, band_statistics
from suelo.training.swir_boosting import BoostingOptions, SwirBoosting, fit_boosting
from suelo.training.swir_fit import SwirOptions, fit_swir, gather_pixels
from suelo.training.swir_predict import predict_swir

CROPS, BUILDINGS = 5, 0


class Told:
    """Trees that say what they are told of each pixel, in the order of the image."""

    def __init__(self, members):
        self.members = members

    def decision_function(self, context):
        assert len(context) == self.members.size
        return np.where(self.members.ravel(), 40.0, -40.0)


@pytest.fixture(scope="module")
def scene():
    rng = np.random.default_rng(5)
    truth = np.zeros((10, 30, 30), np.uint8)
    truth[BUILDINGS, :, :12] = 250
    values = rng.normal(3000, 60, (8, 30, 30))
    values[3, :, :12] *= 1.2
    valid = np.ones((30, 30), np.bool_)
    return LabelledScene(values.astype(np.uint16), truth, valid, band_statistics(values, valid), "a")


@pytest.fixture(scope="module")
def pixels(scene):
    return gather_pixels([scene], 0.2)


@pytest.fixture(scope="module")
def network(pixels):
    return fit_swir(pixels, SwirOptions(steps=20, batch=64, widths=(8,)), seed=1)


@pytest.fixture
def silent(network):
    """A network that finds nothing anywhere: what is found is half of what the trees say."""
    found = copy.deepcopy(network)
    with torch.no_grad():
        found.layers[-1].weight.zero_()
        found.layers[-1].bias.fill_(-40.0)
    return found


def test_prediction_is_the_mean_of_network_and_trees(scene, pixels, network):
    trees = fit_boosting(pixels, BoostingOptions(trees=30, smallest_leaf=5, pixels=600, considered=1.0), seed=1)
    alone, both = (predict_swir([network], one, scene).astype(int) for one in (SwirBoosting({}), trees))
    assert np.array_equal(alone[1:5], both[1:5])
    # The trees know the place by heart: they pull its pixels up and the others down, each by half of the way.
    assert np.abs(both[BUILDINGS, :, :12] - (alone[BUILDINGS, :, :12] + 250) / 2).mean() < 10
    assert np.abs(both[BUILDINGS, :, 12:] - alone[BUILDINGS, :, 12:] / 2).mean() < 10


def test_a_hole_in_a_field_is_filled_and_a_lone_house_stays(scene, silent):
    field = np.ones((30, 30), np.bool_)
    field[15, 15] = False
    found = predict_swir([silent], SwirBoosting({CROPS: (Told(field), 0.0), BUILDINGS: (Told(~field), 0.0)}), scene)
    assert found[CROPS, 15, 15] > 120
    assert found[BUILDINGS, 15, 15] == 125
    assert found[BUILDINGS].astype(int).sum() == 125


def test_pixels_without_data_have_no_say_in_their_neighbours(scene, silent):
    valid = np.ones((30, 30), np.bool_)
    valid[:, :10] = False
    holed = LabelledScene(np.where(valid, scene.values, 0), scene.truth, valid, scene.statistics, "a")
    found = predict_swir([silent], SwirBoosting({CROPS: (Told(valid), 0.0)}), holed)
    assert (found[:, :, :10] == 255).all()
    assert (found[CROPS, :, 10:] == 125).all()
