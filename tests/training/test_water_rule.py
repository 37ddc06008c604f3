"""The rule for water, on made-up bands and ground."""

from __future__ import annotations

import numpy as np
import pytest
from shapely import LineString, Point, box

from suelo.errors import InputError
from suelo.training.dstl import DstlFolder
from suelo.training.folds import folds
from suelo.training.labelled import LabelledScene, band_statistics
from suelo.training.water_rule import (
    STANDING_WATER,
    WATERWAY,
    WaterRule,
    ccci,
    choose_rule,
    find_bodies,
    measure_water_rule,
    ndwi,
    survey,
    water_table,
)


def bands(green=0, red=0, red_edge=0, nir=0):
    values = np.full((8, 1, 1), 500, np.uint16)
    values[[2, 4, 5, 6], 0, 0] = green, red, red_edge, nir
    return values


def test_indices_by_hand():
    water = bands(green=420, red=190, red_edge=160, nir=110)
    assert ndwi(water)[0, 0] == pytest.approx(310 / 530)
    assert ccci(water)[0, 0] == pytest.approx((-50 / 270) / (-80 / 300))
    leaves = bands(green=360, red=240, red_edge=480, nir=960)
    assert ndwi(leaves)[0, 0] == pytest.approx(-600 / 1320)
    assert ccci(leaves)[0, 0] == pytest.approx((480 / 1440) / (720 / 1200))


def test_a_division_by_zero_is_no_water():
    with np.errstate(all="raise"):
        assert ndwi(bands())[0, 0] == -np.inf
        assert ndwi(bands(nir=300))[0, 0] == -1
        assert ccci(bands())[0, 0] == -np.inf
        assert ccci(bands(red=300, nir=300, red_edge=200))[0, 0] == -np.inf  # the divisor is 0
        assert ccci(bands(red=300))[0, 0] == -np.inf  # red edge and NIR are 0
        assert ccci(bands(red_edge=300))[0, 0] == -np.inf  # red and NIR are 0


def test_bodies_have_an_area_and_an_elongation():
    mask = np.zeros((30, 40), bool)
    mask[1:9, 1:9] = True  # a square of 8
    mask[12, 2:38] = True  # a strip of 36 by 1
    mask[15:21, 5:8] = True  # 6 by 3
    mask[21, 8] = True  # touches it at a corner only
    labels, bodies = find_bodies(mask)
    assert labels.max() == 4
    np.testing.assert_allclose(bodies.area_m2, np.array([64, 36, 18, 1]) * 1.24**2)
    np.testing.assert_allclose(bodies.elongation, [1, 36, 2, 1])
    nothing, none = find_bodies(np.zeros((3, 3), bool))
    assert (nothing.max(), len(none.area_m2)) == (0, 0)


def scene_with(green, river=None, pond=None):
    """A scene of one index: where green is high there is water."""
    values = np.full((8, *green.shape), 400, np.uint16)
    values[2] = green
    truth = np.zeros((10, *green.shape), np.uint8)
    for row, mask in ((WATERWAY, river), (STANDING_WATER, pond)):
        if mask is not None:
            truth[row][mask] = 250
    valid = np.ones(green.shape, bool)
    return LabelledScene(values, truth, valid, band_statistics(values, valid))


def water_scene(seed, noise=0):
    """A river, a pond, and specks that are as green as they are."""
    rng = np.random.default_rng(seed)
    river, pond = np.zeros((60, 80), bool), np.zeros((60, 80), bool)
    river[:, 10:14] = True
    pond[20:40, 40:60] = True
    green = np.where(river | pond, 900, 400) + rng.integers(-30, 30, (60, 80))
    green[50:53, rng.integers(60, 78)] = 900
    green[rng.integers(0, 9, noise), rng.integers(20, 80, noise)] = 900
    return scene_with(green.astype(np.uint16), river, pond)


def test_the_rule_that_is_chosen_tells_rivers_from_ponds_and_specks():
    rule = choose_rule([survey(water_scene(seed, noise=9)) for seed in range(3)])
    unseen = water_scene(7, noise=9)
    found = rule.predict(unseen.values, unseen.valid)
    assert rule.index == "ndwi"
    assert 0.03 <= rule.threshold <= 0.36  # soil has at most 0.04, water at least 0.37
    np.testing.assert_array_equal(found[WATERWAY] == 250, unseen.truth[WATERWAY] == 250)
    np.testing.assert_array_equal(found[STANDING_WATER] == 250, unseen.truth[STANDING_WATER] == 250)
    assert found.sum() == found[[WATERWAY, STANDING_WATER]].sum()


def test_large_and_small_bodies_can_be_split_by_area_alone():
    river, pond = np.zeros((90, 120), bool), np.zeros((90, 120), bool)
    river[5:75, 5:75] = True  # a lake-like reach of 7500 m², as compact as
    pond[10:30, 90:110] = True  # a pond of 600 m²
    scene = scene_with(np.where(river | pond, 900, 400).astype(np.uint16), river, pond)
    rule = choose_rule([survey(scene)])
    assert (rule.predict(scene.values, scene.valid)[WATERWAY] == 250).sum() == river.sum()
    assert rule.river_area_m2 in {2000.0, 5000.0}


def test_the_smallest_area_and_missing_data_hold():
    scene = water_scene(1)
    valid = scene.valid.copy()
    valid[:, 50:] = False
    found = WaterRule("ndwi", 0.2, 350.0, 0.0, 5.0).predict(scene.values, valid)
    assert (found[:, :, 50:] == 255).all()
    assert (found[WATERWAY, :, :50] == scene.truth[WATERWAY, :, :50]).all()  # 240 pixels are 369 m²
    assert not (found[STANDING_WATER, :, :50] == 250).any()  # 200 pixels are 308 m²


def test_unreliable_ground_has_no_say_in_the_choice():
    def scene(known):
        made = water_scene(2)
        truth = made.truth.copy()
        truth[STANDING_WATER, 45:, 20:] = 250  # labels where there is nothing to see
        if not known:
            truth[:, 45:, 20:] = 255
        values = np.array(made.values)
        values[2, 46:56, 25:35] = 900
        return LabelledScene(values, truth, made.valid, made.statistics)

    assert survey(scene(False)).truth.tolist() == [240, 400]
    assert survey(scene(True)).truth.tolist() == [240, 400 + 15 * 60]
    assert survey(scene(False)).pixels["ndwi", 0.2][0].sum() == 640
    assert survey(scene(True)).pixels["ndwi", 0.2][0].sum() == 740


@pytest.fixture
def wet_folder(write_dstl_folder, tmp_path):
    """Three places with a river and a pond each."""
    ids = ("6010_1_2", "6040_1_0", "6070_2_3")
    shapes = {
        image_id: {
            5: Point(20 + 3 * shift, 20).buffer(9),
            7: LineString([(60 + shift, 0), (66 - shift, 96)]).buffer(4),
            8: box(10 + shift, 50, 34 + shift, 74),
        }
        for shift, image_id in enumerate(ids)
    }
    return DstlFolder(write_dstl_folder(tmp_path / "wet", ids, shapes=shapes))


def test_it_is_measured_on_images_that_it_was_not_chosen_on(wet_folder):
    parts = folds(wet_folder.scenes(), 3)
    steps = []
    found = measure_water_rule(wet_folder, parts, progress=lambda *step: steps.append(step))
    assert steps == [(0, 3), (1, 3), (2, 3)]
    assert [score.key for score in found.classes] == ["waterway", "standing_water"]
    for score in found.classes:
        assert score.jaccard > 0.9
        assert score.polygon_jaccard > 0.85
        assert score.scenes == 3
    assert found.mean_jaccard == pytest.approx(np.mean([score.jaccard for score in found.classes]))
    assert found.scenes == 3
    one = measure_water_rule(wet_folder, parts, ["6040_1_0"])
    assert (one.scenes, one.classes[0].scenes) == (1, 1)


def test_the_truth_of_the_image_itself_is_not_looked_at(write_dstl_folder, tmp_path):
    """Where the other images have no pond, nobody can know that a smaller body is one."""
    ids = ("6010_1_2", "6040_1_0", "6070_2_3")
    shapes = {image_id: {7: box(10, 10, 70, 90)} for image_id in ids[:2]} | {ids[2]: {8: box(10, 10, 35, 35)}}
    folder = DstlFolder(write_dstl_folder(tmp_path / "odd", ids, shapes=shapes))
    pond = measure_water_rule(folder, [ids[:2], ids[2:]], [ids[2]]).classes[1]
    assert (pond.scenes, pond.recall) == (1, 0.0)


def test_one_fold_is_refused(wet_folder):
    with pytest.raises(InputError, match="2 folds"):
        measure_water_rule(wet_folder, [wet_folder.scenes()])


def test_the_table_has_network_and_rule_side_by_side(wet_folder):
    rule = measure_water_rule(wet_folder, folds(wet_folder.scenes(), 3))
    lines = water_table(rule, rule).splitlines()
    assert len(lines) == 4
    river = rule.classes[0]
    assert lines[2] == (
        f"| waterway | {river.jaccard:.3f} | {river.jaccard:.3f} "
        f"| {river.polygon_jaccard:.3f} | {river.polygon_jaccard:.3f} |"
    )
