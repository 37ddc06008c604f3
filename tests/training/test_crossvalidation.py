"""Every image is judged by a network that never saw its ground, at thresholds that others chose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import matplotlib.image
import torch

from suelo.errors import InputError
from suelo.landcover import CLASS_KEYS
from suelo.model.flips import FlippedModel
from suelo.model.session import load_model
from suelo.training.agreement import FOUND, MISSED, WRONG
from suelo.training.checkpoint import first_weights
from suelo.training.crossvalidation import HeldOut, Judged, cross_validate, predict_labelled
from suelo.training.dstl import DstlFolder
from suelo.training.dstl_scenes import load_dstl
from suelo.training.evaluate_dstl import trained_on
from suelo.training.metrics import LevelCounts
from suelo.training.options import TrainingOptions
from suelo.training.train import train

IMAGES = ("6010_1_2", "6040_2_2", "6110_1_2", "6140_1_2")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, write_dstl_folder):
    root = tmp_path_factory.mktemp("images")
    data = write_dstl_folder(root / "dstl", IMAGES)
    options = TrainingOptions(
        out=root / "out" / "model.onnx",
        work=root / "work",
        data=data,
        folds=2,
        scenes=0,
        chip=48,
        batch=2,
        steps=12,
        validate_every=6,
        checkpoint_every=6,
        widths=(8, 12, 16),
        at_once=2,
    )
    return train(options), options


def test_no_network_judges_ground_that_it_saw(trained):
    _, options = trained
    held_out = cross_validate(options)
    seen_by_nobody = []
    for number, fold in enumerate(held_out.folds):
        seen = load_model(options.work / f"fold-{number}" / "model.onnx").contract.training["images"]
        assert seen
        assert not set(seen) & set(fold)
        assert {"6110_1_2", "6140_1_2"} & set(fold) in ({"6110_1_2", "6140_1_2"}, set())
        seen_by_nobody += fold
    assert sorted(seen_by_nobody) == sorted(IMAGES)


def test_the_model_file_says_what_it_learned_from_and_how_it_was_judged(trained):
    path, options = trained
    contract = load_model(path).contract
    assert contract.training["images"] == list(IMAGES)
    assert contract.training["scenes_by_source"] == {"dstl": len(IMAGES)}
    assert (contract.training["data"], contract.training["started_from"]) == ("dstl", None)
    found = cross_validate(options)
    assert contract.thresholds == tuple((found.all_levels() / 250).tolist())
    assert contract.metrics == found.evaluate(DstlFolder(options.data)).metrics()
    assert "had not seen its ground" in contract.metrics.measured_on
    assert set(contract.metrics.polygon_jaccard) == set(contract.metrics.scenes) == set(CLASS_KEYS)
    assert contract.metrics_elsewhere == tuple(found.evaluate_elsewhere(kind).metrics() for kind in found.kinds())
    assert (options.work / "report" / "index.html").is_file()


def test_a_second_call_trains_nothing_again_and_other_options_are_refused(trained):
    _, options = trained
    before = {file: file.stat().st_mtime_ns for file in options.work.rglob("checkpoint.pt")}
    assert len(before) == 3
    told = []
    train(options, lambda now: told.append(now.stage))
    assert not [stage for stage in told if "training" in stage]
    assert {file: file.stat().st_mtime_ns for file in options.work.rglob("checkpoint.pt")} == before
    with pytest.raises(InputError, match="other options"):
        cross_validate(replace(options, seed=2))


def test_with_flips_the_same_networks_are_asked_in_eight_orientations(trained):
    _, options = trained
    plain, flipped = cross_validate(options), cross_validate(options, flips=True)
    for number, (once, eight_times) in enumerate(zip(plain.folds, flipped.folds, strict=True)):
        model = FlippedModel(load_model(options.work / f"fold-{number}" / "model.onnx"))
        for scene in load_dstl(DstlFolder(options.data), list(eight_times)):
            found = eight_times[scene.name].probabilities
            assert (found == predict_labelled(model, scene)).all()
            assert (found != once[scene.name].probabilities).any()
    assert "eight orientations" in flipped.evaluate(DstlFolder(options.data)).heading
    assert "eight orientations" not in plain.evaluate(DstlFolder(options.data)).heading
    assert (cross_validate(options).images()[IMAGES[0]].probabilities == plain.images()[IMAGES[0]].probabilities).all()


def test_each_fold_goes_on_from_its_own_and_none_from_a_network_that_saw_its_ground(trained, tmp_path):
    _, options = trained
    longer = replace(options, work=tmp_path / "longer", start=options.work, steps=1, learning_rate=1e-9)
    cross_validate(longer)
    stem = "encoder.stem.0.weight"
    first = {part: first_weights(options.work / part)[stem] for part in ("fold-0", "fold-1")}
    assert not torch.allclose(first["fold-0"], first["fold-1"], atol=1e-4)
    for part, weights in first.items():
        torch.testing.assert_close(first_weights(longer.work / part)[stem], weights, atol=1e-6, rtol=0)
    with pytest.raises(InputError, match=r"learned from 60\d0_\d_2, .*whose ground is held out"):
        cross_validate(replace(longer, work=tmp_path / "seen", start=options.work / "all"))
    with pytest.raises(InputError, match="whose ground is held out"):
        cross_validate(replace(longer, work=tmp_path / "other", start=options.work / "fold-0", at_once=1))
    with pytest.raises(InputError, match="other options"):  # the same folds from another start
        cross_validate(replace(longer, start=longer.work))


def test_what_a_network_saw_is_not_forgotten_on_the_way(trained, tmp_path):
    _, options = trained
    # It learns from no labelled image itself, but goes on from weights that did.
    between = TrainingOptions.quick(
        tmp_path / "between.onnx",
        tmp_path / "between",
        start=options.work / "all",
        scenes=1,
        validation_scenes=1,
        threshold_scenes=1,
        test_scenes=1,
        steps=1,
        widths=options.widths,
    )
    contract = load_model(train(between)).contract
    assert sorted(contract.training["images"]) == sorted(IMAGES)
    assert contract.training["scenes_by_source"] == {"simulated": 1}
    assert contract.training["started_from"]["data"] == "dstl"
    assert "not a test" in trained_on(contract, IMAGES[:1])
    with pytest.raises(InputError, match="whose ground is held out"):
        cross_validate(replace(options, work=tmp_path / "after", start=between.work, at_once=1))


def counts(best: int) -> LevelCounts:
    """Buildings are right from one level on."""
    inside, outside = np.zeros((10, 251), np.int64), np.zeros((10, 251), np.int64)
    inside[0, best:], outside[0, :best] = 100, 100
    return LevelCounts(inside, outside)


def judged(best: int) -> Judged:
    return Judged(np.zeros((10, 1, 1), np.uint8), counts(best))


def test_a_picture_per_image_shows_what_its_own_fold_finds_and_misses(tmp_path, write_dstl_folder):
    folder = DstlFolder(write_dstl_folder(tmp_path / "dstl", IMAGES[:2]))
    truths = {scene.name: scene.members() for scene in load_dstl(folder, IMAGES[:2])}
    seen, missed = (np.where(truths[name], 100, 0).astype(np.uint8) for name in IMAGES[:2])
    # The level that suits the one image is used on the other.
    held_out = HeldOut(
        ({IMAGES[0]: Judged(seen, all_alike(counts(120)))}, {IMAGES[1]: Judged(missed, all_alike(counts(60)))})
    )
    held_out.draw(folder, tmp_path)
    share = {}
    for name in IMAGES[:2]:
        pixels = (matplotlib.image.imread(tmp_path / f"{name}.png")[..., :3] * 255).round().astype(int)
        share[name] = [(pixels == colour).all(axis=-1).mean() for colour in (FOUND, MISSED, WRONG)]
    first, second = share[IMAGES[0]], share[IMAGES[1]]
    assert first[0] > 0.02 > 10 * max(first[1:])
    assert second[1] > 0.02 > 10 * max(second[0], second[2])


def all_alike(one: LevelCounts) -> LevelCounts:
    """All classes as the first one."""
    return LevelCounts(*(np.repeat(rows[:1], 10, axis=0) for rows in (one.inside, one.outside)))


def test_the_thresholds_of_a_fold_come_from_the_other_folds_alone():
    held_out = HeldOut(({"6010_1_2": judged(60)}, {"6040_2_2": judged(120)}, {"6100_2_2": judged(120)}))
    first, second, _ = (levels[0] for levels in held_out.fold_levels())
    assert abs(first - 120) <= 6  # its own 60 has no say
    other = HeldOut(({"6010_1_2": judged(200)}, *held_out.folds[1:]))
    assert other.fold_levels()[0][0] == first
    assert other.fold_levels()[1][0] != second


def test_pictures_of_three_bands_have_no_say_in_thresholds():
    alone = HeldOut(({"6010_1_2": judged(60)}, {"6040_2_2": judged(60)}))
    beside = HeldOut(tuple({**fold, "tile4_001": judged(200)} for fold in alone.folds))
    np.testing.assert_array_equal(beside.all_levels(), alone.all_levels())
    with_naip = HeldOut(tuple({**fold, "naip-1": judged(200)} for fold in alone.folds))
    assert with_naip.all_levels()[0] != alone.all_levels()[0]


def test_simulated_scenes_decide_only_on_what_real_ones_cannot_tell():
    made_up = Judged(np.zeros((10, 1, 1), np.uint8), counts(200))
    three = dict.fromkeys(("6010_1_2", "6040_2_2", "naip-1"), judged(60))
    found = HeldOut((three | {"simulated-200000": made_up},) * 2)
    assert abs(found.all_levels()[0] - 60) <= 6
    del three["naip-1"]  # two images, however often they are judged
    rare = HeldOut((three | {"simulated-200000": made_up},) * 2)
    assert abs(rare.all_levels()[0] - 200) <= 6
    assert abs(HeldOut((three,) * 2).all_levels()[0] - 60) <= 6
    inside, outside = np.zeros((10, 251), np.int64), np.zeros((10, 251), np.int64)
    inside[0, 100], outside[0, 40] = 1, 10_000  # one pixel in ten thousand
    outside[0, 100:110] = 1000
    hopeless = Judged(np.zeros((10, 1, 1), np.uint8), LevelCounts(inside, outside))
    images = dict.fromkeys(("6010_1_2", "6040_2_2", "6100_2_2"), hopeless)
    missed = HeldOut((images | {"simulated-200000": made_up},) * 2)
    assert abs(missed.all_levels()[0] - 200) <= 6
    assert missed.kinds() == ("simulated",)
    measured_on = missed.evaluate_elsewhere("simulated").measured_on
    assert measured_on.startswith("1 simulated scenes that no training sees")
    assert measured_on.endswith("thresholds were chosen with them in view")
    flipped = replace(missed, flips=True).evaluate_elsewhere("simulated").measured_on
    assert flipped == f"{measured_on}; asked in eight orientations"
