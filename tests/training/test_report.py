"""A report: its page, its figures, and pictures that show what they should."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import rasterio

from suelo.errors import InputError
from suelo.landcover import CLASSES
from suelo.training.crossvalidation import HeldOut, Judged
from suelo.training.labelled import UNKNOWN, LabelledScene, band_statistics
from suelo.training.metrics import LevelCounts
from suelo.training.report import ReportedScene, held_out_scenes, logs_in, write_report
from suelo.training.report_overlays import painted, striped, true_colour

LOG = "step,learning_rate,loss,jaccard\n10,0.001,1.5,\n20,0.0005,0.9,0.25\n30,0.0001,0.7,0.31\n"


def scene(name="6010_1_2", classes=(0, 4, 5), side=48):
    """Stripes of classes from left to right and an unknown corner."""
    rng = np.random.default_rng(len(classes))
    values = rng.integers(100, 900, (8, side, side)).astype(np.uint16)
    truth = np.zeros((10, side, side), np.uint8)
    for number, row in enumerate(classes):
        truth[row, :, 12 * number : 12 * number + 10] = 250
    truth[:, :6, :6] = UNKNOWN
    valid = np.ones((side, side), bool)
    return LabelledScene(values, truth, valid, band_statistics(values, valid), name)


def reported(found, wrong=0):
    """A prediction that is right but for its last rows."""
    probabilities = np.where(found.members(), 200, 10).astype(np.uint8)
    if wrong:
        probabilities[:, -wrong:] = 10
    return ReportedScene(found, probabilities, np.full(10, 125))


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    for fold in ("fold-0", "fold-1"):
        (work / fold).mkdir()
        (work / fold / "log.csv").write_text(LOG)
    scenes = [reported(scene(), wrong=12), reported(scene("6040_1_0", (4,))), reported(scene("tile1_001", (0, 2)))]
    page = write_report(work / "report", "Folds <by> place", scenes, logs_in(work), examples=2)
    return page, page.read_text()


def test_the_page_shows_every_picture_and_nothing_is_left_half_written(report):
    page, text = report
    shown = re.findall(r'<img src="([^"]+)"', text)
    assert shown == [
        "learning.png",
        "precision-recall.png",
        "confusion.png",
        "scene-6010_1_2.png",
        "scene-tile1_001.png",  # the two with the most classes, in the order given
    ]
    assert sorted(path.name for path in page.parent.iterdir()) == sorted([*shown, "index.html"])
    for name in shown:
        with rasterio.open(page.parent / name) as picture:
            assert picture.driver == "PNG"
            assert min(picture.shape) > 300
            assert picture.read(1).std() > 5
    assert "<h1>Folds &lt;by&gt; place</h1>" in text


def test_the_table_has_the_figures_of_all_scenes(report):
    _, text = report
    rows = dict(re.findall(r"</span>([^<]+)</td>(.*?)</tr>", text))
    cells = re.findall(r"<td>([^<]*)</td>", rows["Buildings"])
    # Ten columns of 48 rows less the unknown corner, in two scenes; twelve rows of one are missed.
    recall = (2 * (480 - 36) - 120) / (2 * (480 - 36))
    assert cells == ["0.50", f"{recall:.3f}", "1.000", f"{recall:.3f}", cells[4], "2"]
    assert float(cells[4]) > 0.8
    assert "not measurable" in rows["Waterways"]
    assert "Jaccard here: Buildings 0.73, Trees 0.75, Crops 0.75." in text


def test_levels_that_differ_between_folds_are_a_range(tmp_path):
    one, other = reported(scene()), reported(scene("6040_1_0"))
    other = ReportedScene(other.scene, other.probabilities, np.full(10, 75))
    text = write_report(tmp_path / "r", "t", [one, other]).read_text()
    assert "<td>0.30 to 0.50</td>" in text
    assert "learning.png" not in text  # no log, no curve


def test_without_a_scene_there_is_no_report(tmp_path):
    with pytest.raises(InputError, match="at least one held-out scene"):
        write_report(tmp_path / "r", "t", [])
    assert not (tmp_path / "r").exists()


def test_logs_are_found_in_a_training_and_in_the_folds_of_a_cross_validation(tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    assert logs_in(tmp_path) == {"training": tmp_path / "log.csv"}
    for fold in ("fold-1", "fold-0"):
        (tmp_path / fold).mkdir()
        (tmp_path / fold / "log.csv").write_text(LOG)
    assert list(logs_in(tmp_path)) == ["training", "fold-0", "fold-1"]


def test_scenes_of_a_cross_validation_come_with_the_levels_that_were_chosen_without_them():
    scenes = [scene("6010_1_2"), scene("6040_1_0"), scene("6070_2_3")]
    folds = []
    for number, found in enumerate(scenes[:2]):
        high = 120 + 80 * number
        probabilities = np.where(found.members(), high, high - 60).astype(np.uint8)
        counts = LevelCounts()
        counts.add(probabilities, found.members(), found.known())
        folds.append({found.name: Judged(probabilities, counts)})
    one, other = held_out_scenes(HeldOut(tuple(folds)), scenes)
    assert (one.scene.name, other.scene.name) == ("6010_1_2", "6040_1_0")
    np.testing.assert_array_equal(one.probabilities, folds[0]["6010_1_2"].probabilities)
    assert 140 < one.levels[0] <= 200  # those that suit the other scene
    assert 60 < other.levels[0] <= 120


def test_classes_are_painted_in_their_colours_by_priority_over_a_pale_image():
    image = np.zeros((4, 4, 3), np.uint8)
    layers = np.zeros((10, 4, 4), bool)
    layers[5, :2], layers[4, :1] = True, True
    picture = painted(image, layers).astype(int)
    for row, land_cover in ((0, CLASSES[4]), (1, CLASSES[5])):  # trees over crops
        assert abs(picture[row, 0] - np.array(land_cover.colour)).max() < 30
    assert picture[3].min() > 200


def test_stripes_cover_what_is_not_known_and_nothing_else():
    picture = np.zeros((30, 30, 3), np.uint8)
    where = np.zeros((30, 30), bool)
    where[:, 15:] = True
    found = striped(picture, where)
    assert not found[:, :15].any()
    assert found[:, 15:].min() > 200
    assert len(np.unique(found[:, 15:].reshape(-1, 3), axis=0)) == 2


def test_true_colour_is_red_green_blue_and_white_without_data():
    found = scene()
    values = found.values.copy()
    values[4, 20:30, 20:30], values[[1, 2], 20:30, 20:30] = 2000, 0
    valid = found.valid.copy()
    valid[:, 40:] = False
    image = true_colour(LabelledScene(values, found.truth, valid, band_statistics(values, valid)))
    assert image[25, 25].tolist() == [255, 0, 0]
    assert (image[:, 40:] == 255).all()
