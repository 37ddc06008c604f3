"""The labelled chip of another sensor."""

from __future__ import annotations

import numpy as np
import pytest

from suelo.errors import InputError
from suelo.imagery.geotiff import write_cog
from suelo.imagery.grid import Grid
from suelo.imagery.scene import BAND_NAMES
from suelo.model.session import load_model
from suelo.training.worldview2 import NAME, evaluate_worldview2, judge_worldview2


@pytest.fixture
def chips(tmp_path):
    rng = np.random.default_rng(0)
    write_cog(
        tmp_path / f"{NAME}.tif",
        rng.integers(1, 2000, (8, 48, 40)).astype(np.uint16),
        Grid(48, 40),
        nodata=0,
        descriptions=BAND_NAMES,
    )
    (tmp_path / "labels").mkdir()
    labels, ignore, evaluated = np.zeros((10, 48, 40), np.uint8), np.zeros((10, 48, 40), np.uint8), np.zeros(10, bool)
    labels[0, :10], labels[2, 20:], labels[4] = 1, 1, 1
    ignore[0, :, :5] = 1
    evaluated[[0, 2, 5]] = True
    np.savez(tmp_path / "labels" / f"{NAME}.npz", labels=labels, ignore=ignore, evaluated=evaluated)
    return tmp_path


def test_only_classes_that_were_looked_for_and_pixels_that_are_not_ignored_count(chips):
    found = judge_worldview2(load_model(), chips).counts()
    assert found.inside.sum(axis=1)[[0, 2, 4]].tolist() == [10 * 35, 28 * 40, 0]
    assert (found.inside + found.outside).sum(axis=1).tolist() == [48 * 35, 0, 48 * 40, 0, 0, 48 * 40, 0, 0, 0, 0]


def test_the_scores_are_those_at_the_thresholds_of_the_model(chips):
    model = load_model()
    scores = {score.key: score for score in evaluate_worldview2(model, chips).classes}
    assert list(scores) == ["buildings", "roads"]
    assert scores["roads"].threshold == model.contract.thresholds[2]
    level = int(np.ceil(round(model.contract.thresholds[2] * 250, 6)))
    assert scores["roads"].jaccard == pytest.approx(judge_worldview2(model, chips).counts().jaccard()[2, level])


def test_what_is_missing_or_does_not_fit_is_said_in_one_sentence(chips):
    model = load_model()
    labels = chips / "labels" / f"{NAME}.npz"
    np.savez(labels, labels=np.zeros((10, 4, 4)), ignore=np.zeros((10, 4, 4)), evaluated=np.ones(10, bool))
    with pytest.raises(InputError, match=r"is \(classes, rows, columns\) \(10, 4, 4\), the image needs \(10, 48, 40\)"):
        judge_worldview2(model, chips)
    labels.write_bytes(b"no archive")
    with pytest.raises(InputError, match="does not hold the arrays"):
        judge_worldview2(model, chips)
    labels.unlink()
    with pytest.raises(InputError, match="There is no"):
        judge_worldview2(model, chips)


FLOORS = {"buildings": 0.38, "roads": 0.52, "trees": 0.65}


@pytest.mark.shared_data
def test_the_shipped_model_finds_something_of_a_real_suburb(shared_data):
    """Floors below the card's figures: a network that answers by the place it learned from scores near 0 here."""
    scores = {score.key: score for score in evaluate_worldview2(load_model(), shared_data / "chips").classes}
    for key, floor in FLOORS.items():
        assert scores[key].jaccard > floor, key
