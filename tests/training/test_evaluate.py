"""Figures of a model file, measured through the engine."""

from __future__ import annotations

import numpy as np
import pytest

from suelo.landcover import CLASS_KEYS
from suelo.model.session import load_model
from suelo.segmentation.selection import Selection
from suelo.training.metrics import JaccardCounts, LevelCounts

pytest.importorskip("torch")

from suelo.imagery.scene import open_scene
from suelo.imagery.statistics import measure_statistics
from suelo.segmentation.engine import predict
from suelo.training.evaluate import evaluate_simulated, score
from suelo.training.options import TEST_SEEDS
from suelo.training.scenes import write_simulated


def by_key(evaluation):
    return {found.key: found for found in evaluation.classes}


def test_scores_follow_from_the_counts():
    counts = LevelCounts()
    counts.inside[2, [50, 150]] = [10, 30]  # 40 pixels of road, 30 of them at 0.6
    counts.outside[2, [0, 200]] = [940, 20]  # 20 false ones
    counts.outside[[0, 1, *range(3, 10)], 0] = 1000
    evaluation = score(counts, Selection((0.5,) * 10), "one scene", 1, 32)
    road = by_key(evaluation)["roads"]
    assert road.jaccard == pytest.approx(30 / 60)
    assert road.precision == pytest.approx(30 / 50)
    assert road.recall == pytest.approx(30 / 40)
    assert road.truth_share == pytest.approx(0.04)
    assert by_key(evaluation)["buildings"].jaccard is None
    assert evaluation.mean_jaccard == pytest.approx(0.5)
    table = evaluation.table()
    found = 0.75 * 30 / 50 + 0.25 * 40 / 60
    assert f"| roads | 0.500 | 0.500 | 0.600 | 0.750 | {found:.3f} | 4.000 % |" in table
    assert "| buildings | 0.500 | not measurable |" in table
    assert evaluation.metrics().jaccard["roads"] == 0.5
    lower = score(counts, Selection((0.2,) * 10), "one scene", 1, 32)
    assert by_key(lower)["roads"].jaccard == pytest.approx(40 / 60)


def test_it_agrees_with_predicting_and_counting_by_hand(tmp_path):
    model = load_model()
    seeds = TEST_SEEDS[500:502]
    evaluation = evaluate_simulated(model, seeds, 160)
    selection = Selection(model.contract.thresholds)
    counts = JaccardCounts()
    for seed in seeds:
        path = tmp_path / f"{seed}.tif"
        truth = write_simulated(path, seed, 160)
        with open_scene(path) as scene:
            stored = predict(scene, model, measure_statistics(scene))
        levels = np.array([selection.level(c) for c in selection.classes])[:, None, None]
        counts.add((stored >= levels) & (stored != 255), truth, np.ones((160, 160), bool))
    assert [found.jaccard for found in evaluation.classes] == pytest.approx(list(counts.per_class()))
    assert [found.key for found in evaluation.classes] == list(CLASS_KEYS)
    assert evaluation.mean_jaccard == pytest.approx(counts.mean())


def test_the_shipped_model_finds_the_classes_of_scenes_that_it_never_saw():
    """Floors below the card's figures: the model and its thresholds are made for real images, not for these."""
    evaluation = evaluate_simulated(load_model(), TEST_SEEDS[600:606], 384)
    assert evaluation.mean_jaccard > 0.5
    found = by_key(evaluation)
    for key, floor in {"buildings": 0.35, "roads": 0.5, "trees": 0.25, "crops": 0.25, "waterway": 0.25}.items():
        assert found[key].jaccard > floor, key


def test_thresholds_can_be_given():
    model = load_model()
    usual = evaluate_simulated(model, TEST_SEEDS[600:601], 160)
    strict = evaluate_simulated(model, TEST_SEEDS[600:601], 160, thresholds=(1.0,) * 10)
    assert [found.threshold for found in usual.classes] == list(model.contract.thresholds)
    assert [found.threshold for found in strict.classes] == [1.0] * 10
    pairs = [(one.recall, other.recall) for one, other in zip(strict.classes, usual.classes, strict=True)]
    there = [pair for pair in pairs if pair[1]]
    assert len(there) >= 3
    assert all(one < other for one, other in there)
