"""Figures on labelled images, by hand and against what users get."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from shapely import box, union_all

from suelo.errors import InputError
from suelo.model.contract import ModelContract
from suelo.model.session import load_model
from suelo.segmentation.segment import segment
from suelo.training.dstl import DstlFolder
from suelo.training.evaluate_dstl import evaluate_dstl, judge, known_images, predict_dstl, trained_on

HALF = (0.5,) * 10


@pytest.fixture(scope="module")
def model():
    return load_model()


def by_key(evaluation):
    return {found.key: found for found in evaluation.classes}


@pytest.fixture
def by_hand(write_dstl_folder, tmp_path):
    """Two images of 20 × 40 pixels, of which the last 10 columns are not reliable."""
    shapes = {
        "6010_1_2": {1: box(2.0, 2.0, 8.0, 6.0), 5: box(30.5, 0, 40, 20)},
        "6040_1_0": {1: union_all([box(10.75, 10, 16.75, 14), box(28, 2, 36, 6)]), 3: box(0, 0, 20, 2)},
    }
    return DstlFolder(write_dstl_folder(tmp_path / "hand", tuple(shapes), height=20, width=40, shapes=shapes))


def predictions():
    one, other = (np.zeros((10, 20, 40), np.uint8) for _ in range(2))
    one[0, 2:6, 4:10] = 200
    one[4, :, 31:] = 250  # trees, where nobody can tell
    other[0, 10:14, 10:16] = 130
    other[0, 2:6, 26:40] = 130
    other[2, 0:2, 0:10] = 240
    other[2, 1, 5] = 255  # no data: takes pixel and label out
    return {"6010_1_2": one, "6040_1_0": other}


def test_figures_by_hand(by_hand):
    evaluation = judge(predictions(), by_hand, HALF, "two made-up images")
    found = by_key(evaluation)
    # First image: 24 and 24 pixels, 16 in both. Second: labels 24 and 8 left of column 30; found 24 and 16.
    # The labels begin at 10.75: on pixels at 11, 6 columns wide, so that 20 pixels are in both, and 21 of area.
    assert found["buildings"].jaccard == pytest.approx((16 + 20 + 8) / (32 + 28 + 16))
    assert found["buildings"].polygon_jaccard == pytest.approx((16 + 21 + 8) / (32 + 27 + 16))
    assert found["buildings"].precision == pytest.approx(44 / 64)
    assert found["buildings"].recall == pytest.approx(44 / 56)
    assert found["buildings"].truth_share == pytest.approx(56 / (2 * 20 * 30 - 1))
    assert found["buildings"].scenes == 2
    assert found["roads"].jaccard == pytest.approx(19 / 39)
    assert found["roads"].polygon_jaccard == pytest.approx(19 / 39)
    assert found["roads"].scenes == 1
    for key in ("trees", "tracks", "waterway"):
        assert (found[key].jaccard, found[key].polygon_jaccard, found[key].scenes) == (None, None, 0)
    assert evaluation.mean_jaccard == pytest.approx((44 / 76 + 19 / 39) / 2)
    assert evaluation.mean_polygon_jaccard == pytest.approx((45 / 75 + 19 / 39) / 2)
    assert (evaluation.scenes, evaluation.measured_on, evaluation.caution) == (2, "two made-up images", None)


def test_each_image_can_have_thresholds_of_its_own(by_hand):
    strict = (0.6, *HALF[1:])
    evaluation = judge(predictions(), by_hand, {"6010_1_2": HALF, "6040_1_0": strict}, "two made-up images")
    buildings = by_key(evaluation)["buildings"]
    assert buildings.jaccard == pytest.approx(16 / (32 + 24 + 8))  # nothing is found in the second image
    assert buildings.polygon_jaccard == pytest.approx(16 / (32 + 24 + 8))
    assert [found.threshold for found in evaluation.classes] == [None, *HALF[1:]]
    same = judge(predictions(), by_hand, HALF, "two made-up images")
    assert buildings.average_precision == by_key(same)["buildings"].average_precision


def test_short_wave_images_have_labels_at_their_own_place_and_no_mask(by_hand):
    found = np.zeros((10, 10, 20), np.uint8)
    found[0, 1:3, 2:5] = 250
    at_home = judge({"6010_1_2": found}, by_hand, HALF, "one", kind="A")
    # About half as many pixels: an image of W pixels takes W · W / (W + 1) of the labels' width.
    across, down = (20 * 20 / 21) / (40 * 40 / 41), (10 * 10 / 11) / (20 * 20 / 21)
    label = box(2 * across + 1, 2 * down - 0.5, 8 * across + 1, 6 * down - 0.5)  # registration: (1, -0.5)
    both = label.intersection(box(2, 1, 5, 3)).area
    assert at_home.classes[0].polygon_jaccard == pytest.approx(both / (label.area + 6 - both))
    assert at_home.classes[4].scenes == 1
    with pytest.raises(InputError, match="mask"):
        judge({"6010_1_2": found}, by_hand, HALF, "one")


def test_a_model_is_measured_as_users_run_it(write_dstl_folder, tmp_path, model):
    folder = DstlFolder(write_dstl_folder(tmp_path / "dstl", zipped=True))
    path = folder.image_path("6010_1_2")
    result = segment(path, model=model)
    predicted = predict_dstl(model, path)
    np.testing.assert_array_equal(predicted, result.probabilities())
    steps = []
    evaluation = evaluate_dstl(model, folder, ["6010_1_2"], progress=lambda *step: steps.append(step))
    assert steps == [(0, 2), (1, 2)]
    assert [found.threshold for found in evaluation.classes] == list(model.contract.thresholds)
    area = dict.fromkeys(range(1, 11), 0.0)
    clipped = box(0, 0, 102, 96)  # the last 10 of 112 columns are not reliable
    labels = folder.polygons("6010_1_2", 96, 112)
    for batch in result.polygons():
        area[batch.land_cover.id] += union_all(batch.geometry).intersection(clipped).area
    for number, found in enumerate(evaluation.classes, 1):
        truth = labels[number - 1].intersection(clipped).area
        assert found.scenes == 1
        assert (found.polygon_jaccard == 0) or area[number]
        # |A ∩ B| = J / (1 + J) · (|A| + |B|) cannot exceed either of them.
        both = found.polygon_jaccard / (1 + found.polygon_jaccard) * (area[number] + truth)
        assert both <= min(area[number], truth) + 1e-6
    assert evaluation.mean_jaccard == pytest.approx(np.mean([found.jaccard for found in evaluation.classes]))
    assert "1 image (6010_1_2) of dstl" in evaluation.measured_on


def test_flips_are_asked_for_and_told(write_dstl_folder, tmp_path, model):
    folder = DstlFolder(write_dstl_folder(tmp_path / "dstl", ["6010_1_2"]))
    straight, flipped = (evaluate_dstl(model, folder, flips=flips) for flips in (False, True))
    assert "eight orientations" in flipped.measured_on
    assert "orientations" not in straight.measured_on
    one, other = (e.mean_average_precision for e in (straight, flipped))
    assert one != pytest.approx(other, abs=1e-6)


def test_an_image_without_data_in_a_corner(write_dstl_folder, tmp_path, model):
    folder = DstlFolder(write_dstl_folder(tmp_path / "dstl", ["6010_1_2"], extras=False))
    with rasterio.open(folder.image_path("6010_1_2"), "r+") as file:
        pixels = file.read()
        pixels[:, :40, :50] = 0  # in the middle of the first field
        file.write(pixels)
    predicted = predict_dstl(model, folder.image_path("6010_1_2"))
    assert (predicted[:, :40, :50] == 255).all()
    predicted[:, :40, 50:], predicted[:, 40:] = 0, 0
    crops = by_key(judge({"6010_1_2": predicted}, folder, HALF, "one"))["crops"]
    assert crops.recall == 0
    assert crops.truth_share < 0.2  # 31 % with the corner


def test_images_are_checked_before_the_work(write_dstl_folder, tmp_path, model):
    folder = DstlFolder(write_dstl_folder(tmp_path / "dstl"))
    assert known_images(folder, None) == ("6010_1_2", "6110_1_2", "6140_1_2")
    assert known_images(folder, ["6140_1_2", "6010_1_2", "6140_1_2"]) == ("6140_1_2", "6010_1_2")
    with pytest.raises(InputError, match=r"labels of '7777_1_1'; it has 6010_1_2, 6110_1_2, 6140_1_2\."):
        evaluate_dstl(model, folder, ["6010_1_2", "7777_1_1"])
    folder.image_path("6110_1_2").unlink()
    with pytest.raises(InputError, match="M image and a grid size of '6110_1_2'"):
        known_images(folder, ["6110_1_2"])
    for name in ("6010_1_2", "6140_1_2"):
        folder.image_path(name).unlink()
    with pytest.raises(InputError, match="no M image with labels"):
        known_images(folder, None)


def test_images_that_were_trained_on_are_no_test():
    contract = ModelContract(name="m", version="1", training={"images": ["6110_1_2", "6010_1_2"]})
    assert trained_on(contract, ["6010_1_2", "6110_1_2"]) == "These images were trained on: not a test."
    partly = trained_on(contract, ["6040_1_0", "6140_1_2"])
    assert partly.startswith("1 image (6140_1_2) ")  # the same ground as 6110_1_2
    assert partly.endswith("not a test.")
    assert trained_on(contract, ["6040_1_0"]) is None
    assert trained_on(ModelContract(name="m", version="1", training={"data": "simulated scenes"}), ["6040_1_0"]) is None
    assert "does not say" in trained_on(ModelContract(name="m", version="1"), ["6040_1_0"])
