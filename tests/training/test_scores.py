"""Figures that follow from counts, and how they are told."""

from __future__ import annotations

import numpy as np
import pytest

from suelo.training.metrics import JaccardCounts, LevelCounts, as_stored
from suelo.training.polygon_metric import AreaCounts
from suelo.training.scores import score_counts

HALF = np.full(10, 125)


def counted(row, inside, outside):
    """Counts of one class: pixels per level in and outside the truth."""
    counts = LevelCounts()
    for target, pixels in ((counts.inside, inside), (counts.outside, outside)):
        for level, number in pixels.items():
            target[row, level] = number
    return counts


def test_areas_of_polygons_add_columns_and_a_mean_of_their_own():
    counts = counted(2, {150: 30, 50: 10}, {200: 20, 0: 940})
    areas = AreaCounts()
    areas.intersection[[2, 3]], areas.union[[2, 3]], areas.scenes[[2, 3]] = (40, 0), (50, 10), (3, 1)
    evaluation = score_counts(counts.at(HALF), counts, (0.5,) * 9 + (None,), "made up", 4, areas=areas)
    assert evaluation.mean_jaccard == pytest.approx(0.5)
    assert evaluation.mean_polygon_jaccard == pytest.approx(0.4)
    lines = evaluation.table().splitlines()
    assert lines[0].count("polygon Jaccard") == 1
    assert {line.count("|") for line in lines} == {10}
    precision = f"{evaluation.classes[2].average_precision:.3f}"
    assert f"| roads | 0.500 | 0.500 | 0.800 | 0.600 | 0.750 | {precision} | 3 | 4.000 % |" in lines
    assert lines[-2].startswith("| small_vehicles | per fold | not measurable | not measurable |")
    assert lines[-1] == f"| **mean** |  | **0.500** | **0.400** |  |  | **{precision}** | 4 |  |"
    plain = score_counts(counts.at(HALF), counts, (0.5,) * 10, "made up", 4)
    assert "polygon" not in plain.table()
    assert plain.mean_polygon_jaccard is None


def test_a_caution_stands_below_the_heading_and_in_the_json():
    counts = LevelCounts()
    evaluation = score_counts(counts.at(HALF), counts, (0.5,) * 10, "Two images", 2, caution="Not a test.")
    assert evaluation.heading == "Two images\nNot a test."
    assert evaluation.to_json()["caution"] == "Not a test."
    assert score_counts(counts.at(HALF), counts, (0.5,) * 10, "Two images", 2).heading == "Two images"


def test_the_classic_mistake_turns_one_in_ten_into_a_half():
    """Axes of channels-first tensors on channels-last ones give the mean over image rows of all classes in one pot.

    The model finds crops and trees as well as a plain one does on the DSTL images, and nothing else at all.
    """
    rng = np.random.default_rng(1)
    shares = (0.033, 0.007, 0.008, 0.030, 0.102, 0.276, 0.005, 0.0017, 0.0004, 0.0015)
    truth = np.stack([rng.random((400, 200)) < share for share in shares])
    predicted = np.zeros_like(truth)
    for row, recall, false in ((4, 0.56, 0.045), (5, 0.79, 0.09)):
        predicted[row] = np.where(truth[row], rng.random((400, 200)) < recall, rng.random((400, 200)) < false)

    # (images, height, width, classes) with sums over images, "height" and "width" of (images, classes, height, width).
    last_truth, last_predicted = (np.moveaxis(layers, 0, -1)[None].astype(float) for layers in (truth, predicted))
    both = (last_truth * last_predicted).sum(axis=(0, 2, 3))
    either = (last_truth + last_predicted).sum(axis=(0, 2, 3)) - both
    assert len(both) == 400  # one "class" per row of the image
    mistaken = np.mean((both + 1e-12) / (either + 1e-12))
    assert mistaken == pytest.approx(0.49, abs=0.015)

    counts = LevelCounts()
    counts.add(as_stored(predicted.astype(np.float32), np.ones((400, 200), bool)), truth)
    ours = score_counts(counts.at(HALF), counts, (0.5,) * 10, "rows", 1)
    trees, crops = ours.classes[4].jaccard, ours.classes[5].jaccard
    assert (trees, crops) == pytest.approx((0.40, 0.64), abs=0.02)
    assert [found.jaccard for found in ours.classes if found.key not in ("trees", "crops")] == [0.0] * 8
    assert ours.mean_jaccard == pytest.approx((trees + crops) / 10)
    with pytest.raises(ValueError, match=r"are \(10, H, W\)"):
        JaccardCounts().add(last_predicted[0] > 0, last_truth[0] > 0, np.ones((400, 200), bool))
