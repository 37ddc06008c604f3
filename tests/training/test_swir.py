"""The SWIR benchmark from end to end, on a small made-up folder in Kaggle's layout."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from suelo.errors import InputError
from suelo.training import swir
from suelo.training.dstl import place_of
from suelo.training.labelled import LabelledScene, band_statistics
from suelo.training.swir import SwirBenchmark, judge, run_swir, score_swir
from suelo.training.swir_boosting import BoostingOptions
from suelo.training.swir_fit import SwirOptions

IDS = ("6010_1_2", "6040_1_0", "6110_1_2", "6140_1_2")
OPTIONS = SwirOptions(steps=3, batch=64, networks=1, widths=(6,))
TREES = BoostingOptions(trees=2, pixels=500)


@pytest.fixture(scope="module")
def data(tmp_path_factory, write_dstl_folder):
    return write_dstl_folder(tmp_path_factory.mktemp("kaggle") / "dstl", IDS)


def benchmark(data, work, **changes):
    return replace(SwirBenchmark(data, work, seed=1, folds=3, threads=1, options=OPTIONS, boosting=TREES), **changes)


def counting(monkeypatch, fail_at=None):
    """Names of the scenes of each fitting; the fitting of that number breaks, as a kill would."""
    calls = []

    def gather(scenes, rare):
        calls.append([scene.name for scene in scenes])
        if fail_at == len(calls):
            raise KeyboardInterrupt
        return original(scenes, rare)

    original = swir.gather_pixels
    monkeypatch.setattr(swir, "gather_pixels", gather)
    return calls


def test_no_network_sees_the_ground_that_it_is_judged_on(data, tmp_path, monkeypatch):
    calls = counting(monkeypatch)
    scores = run_swir(benchmark(data, tmp_path))
    assert scores.scenes == 4
    judged = Counter()
    for names in calls:
        held_out = set(IDS) - set(names)
        assert held_out
        assert not {place_of(name) for name in held_out} & {place_of(name) for name in names}
        judged.update(held_out)
    assert judged == dict.fromkeys(IDS, 1)


def test_killed_run_goes_on_and_a_finished_one_is_only_read(data, tmp_path, monkeypatch):
    whole = run_swir(benchmark(data, tmp_path / "whole"))
    with monkeypatch.context() as patch:
        counting(patch, fail_at=2)
        with pytest.raises(KeyboardInterrupt):
            run_swir(benchmark(data, tmp_path / "killed"))
    calls = counting(monkeypatch)
    assert run_swir(benchmark(data, tmp_path / "killed")) == whole
    assert len(calls) == 2
    assert run_swir(benchmark(data, tmp_path / "killed")) == whole
    assert len(calls) == 2
    assert sorted(path.name for path in (tmp_path / "killed").iterdir()) == [f"fold-{k}.npz" for k in range(3)]


def test_work_folder_of_another_benchmark_is_refused(data, tmp_path):
    run_swir(benchmark(data, tmp_path))
    for changes in ({"seed": 2}, {"options": replace(OPTIONS, steps=4)}, {"boosting": replace(TREES, trees=3)}):
        with pytest.raises(InputError, match="other data or options"):
            run_swir(benchmark(data, tmp_path, **changes))


def test_networks_of_a_fold_differ_and_are_averaged(data, tmp_path):
    one = run_swir(benchmark(data, tmp_path / "one"))
    two = run_swir(benchmark(data, tmp_path / "two", options=replace(OPTIONS, networks=2)))
    assert one != two


def test_progress_says_which_fold(data, tmp_path):
    told = []
    run_swir(benchmark(data, tmp_path), lambda *progress: told.append(progress))
    stages = [stage for stage, _, _ in told]
    assert stages[0] == "reading"
    assert "fold 3 of 3, network 1 of 1" in stages
    assert "fold 3 of 3, trees" in stages
    assert all(0 <= done < total for _, done, total in told)


def scenes_of(truths):
    """Scenes of 1 × N pixels with one class, buildings."""
    found = []
    for name, pixels in truths.items():
        truth = np.zeros((10, 1, len(pixels)), np.uint8)
        truth[0, 0] = pixels
        valid = np.ones(truth.shape[1:], np.bool_)
        values = np.ones((8, *valid.shape))
        found.append(LabelledScene(values, truth, valid, band_statistics(values, valid), name))
    return found


def scored(truths, levels):
    """Scores where each scene is a fold by itself."""
    return score_swir([judge([scene], {scene.name: levels_of(levels[scene.name])}) for scene in scenes_of(truths)])


def levels_of(pixels):
    levels = np.zeros((10, 1, len(pixels)), np.uint8)
    levels[0, 0] = pixels
    return levels


def test_thresholds_of_a_fold_come_from_the_other_folds():
    """Each scene alone is perfect at its own threshold; at that of the other, one finds all and one finds nothing."""
    scores = scored({"a": [250, 250, 0, 0], "b": [250, 250, 0, 0]}, {"a": [60, 60, 40, 40], "b": [200, 200, 150, 150]})
    buildings = scores.classes[0]
    low, high = buildings.thresholds
    assert 0.16 < low <= 0.24 < 0.6 < high <= 0.8
    # a: nothing found of 2; b: all 4 found, 2 right. Over both: 2 / (2 + 4).
    assert buildings.jaccard == pytest.approx(2 / 6)
    assert buildings.truth == 4
    assert buildings.scenes == 2


def test_coverage_of_half_is_the_class_and_less_is_not():
    scores = scored({"a": [125, 124, 0], "b": [250, 0, 0]}, {"a": [200, 0, 0], "b": [200, 0, 0]})
    assert scores.classes[0].jaccard == 1.0
    assert scores.classes[0].average_precision == 1.0
    assert scores.classes[0].truth == 2


def test_class_that_is_nowhere_is_not_measurable_and_says_so_in_the_table():
    scores = scored({"a": [250, 0], "b": [250, 0]}, {"a": [200, 0], "b": [200, 0]})
    assert scores.classes[5].jaccard is None
    assert scores.classes[5].average_precision is None
    rows = {line.split("|")[1].strip(): line for line in scores.table().splitlines()}
    assert rows["crops"].startswith("| crops | not measurable | 0.64 | not measurable | 0.82 |")
    assert rows["structures"].startswith("| structures | not measurable | – | not measurable | – |")
    assert "| 1.000 | 0.22 | 1.000 | 0.35 |" in rows["buildings"]
    assert "**1.000**" in rows["**mean of these 7**"]


def test_unknown_pixels_do_not_count():
    scores = scored({"a": [250, 255, 0], "b": [250, 255, 0]}, {"a": [200, 250, 0], "b": [200, 250, 0]})
    assert scores.classes[0].jaccard == 1.0
    assert scores.classes[0].truth == 2
