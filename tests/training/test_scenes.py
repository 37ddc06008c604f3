"""Simulated scenes on disk."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from suelo.imagery.scene import open_scene
from suelo.simulation.simulate import simulate_array
from suelo.training.options import TEST_SEEDS, TRAINING_SEEDS, VALIDATION_SEEDS
from suelo.training.scenes import prepare_scenes, training_gsd, write_simulated


def test_no_seed_is_used_for_two_purposes():
    parts = [set(TRAINING_SEEDS), set(VALIDATION_SEEDS), set(TEST_SEEDS), set(range(100_000))]
    assert len(set.union(*parts)) == sum(len(part) for part in parts)


def test_scenes_are_made_once_and_are_those_of_their_seeds(tmp_path):
    seeds = TRAINING_SEEDS[:2]
    first = prepare_scenes(tmp_path, seeds, 64, vary_gsd=True)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    assert len(written) == 4
    told = []
    again = prepare_scenes(tmp_path, seeds, 64, vary_gsd=True, progress=lambda *n: told.append(n))
    assert told == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")} == written
    for seed, one, other in zip(seeds, first, again, strict=True):
        expected = simulate_array(64, 64, seed, gsd_m=training_gsd(seed))
        for scene in (one, other):
            np.testing.assert_array_equal(scene.values, expected.image)
            np.testing.assert_array_equal(scene.truth, expected.truth * np.uint8(250))
            np.testing.assert_array_equal(scene.members(), expected.truth)
            assert scene.known().all()
        assert one.normalised().min() >= -0.5
        assert one.normalised().max() <= 1.5


def test_a_scene_whose_making_was_interrupted_is_made_again(tmp_path):
    seeds = TRAINING_SEEDS[:1]
    prepare_scenes(tmp_path, seeds, 64, vary_gsd=False)
    (truth,) = tmp_path.rglob("*.truth.npy")
    truth.unlink()
    told = []
    prepare_scenes(tmp_path, seeds, 64, vary_gsd=False, progress=lambda *n: told.append(n))
    assert told == [(1, 1)]
    assert truth.is_file()


def test_training_scenes_differ_in_ground_sampling_distance_within_what_the_network_will_see():
    found = np.array([training_gsd(seed) for seed in TRAINING_SEEDS[:400]])
    assert 0.3 < (found == 1.24).mean() < 0.7
    assert found.min() < 1.0
    assert found.max() > 1.5
    assert ((found >= 0.95) & (found <= 1.6)).all()


def test_a_scene_for_evaluation_is_a_file_like_an_upload(tmp_path):
    truth = write_simulated(tmp_path / "s.tif", TEST_SEEDS[0], 64)
    assert truth.shape == (10, 64, 64)
    with open_scene(tmp_path / "s.tif") as scene:
        np.testing.assert_array_equal(scene.read().values, simulate_array(64, 64, TEST_SEEDS[0]).image)
        assert scene.grid.crs.to_epsg() == 9377
        assert scene.grid.gsd_m == pytest.approx(1.24)
