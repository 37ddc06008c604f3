"""Tests of what a made-up scene shows: spectra, shadows, and what stands on what."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from suelo.landcover import CLASSES
from suelo.simulation import SimulatedChip, simulate_array
from suelo.simulation.climate import draw_climate
from suelo.simulation.noise import generator

BUILDINGS, STRUCTURES, ROADS, TRACKS, TREES, CROPS, WATERWAY, STANDING, LARGE, SMALL = range(10)


def _share(truth: np.ndarray, one: int, other: int) -> float:
    return float((truth[one] & truth[other]).sum() / truth[one].sum())


def test_all_ten_classes_occur(scene: SimulatedChip) -> None:
    pixels = scene.truth.sum((1, 2))
    assert (pixels >= 100).all(), dict(zip([c.key for c in CLASSES], pixels.tolist(), strict=True))
    assert {class_id for class_id, _ in scene.objects} == set(range(1, 11))
    # No class swallows the scene, and some ground belongs to none.
    assert scene.truth.mean((1, 2)).max() < 0.5
    assert 0.2 < (~scene.truth.any(0)).mean() < 0.8


def test_objects_have_the_size_of_their_kind(scene: SimulatedChip) -> None:
    metres = 1.24**2

    def middle(class_id: int) -> float:
        return float(np.median([shape.area * metres for k, shape in scene.objects if k == class_id]))

    assert 6 < middle(SMALL + 1) < 12
    assert 18 < middle(LARGE + 1) < 38
    assert 25 < middle(BUILDINGS + 1) < 400
    assert 4 < middle(TREES + 1) < 80


def test_nothing_stands_in_water_or_on_the_road_that_should_not(scene: SimulatedChip) -> None:
    truth = scene.truth
    for water in (WATERWAY, STANDING):
        for other in (BUILDINGS, STRUCTURES, CROPS, LARGE, SMALL):
            assert _share(truth, water, other) < 0.001
    assert not (truth[WATERWAY] & truth[STANDING]).any()
    assert _share(truth, BUILDINGS, ROADS) < 0.01
    assert _share(truth, CROPS, ROADS) < 0.01
    assert _share(truth, SMALL, ROADS) > 0.5
    assert 0 < _share(truth, TREES, CROPS) < 0.5


def test_spectra_are_those_of_the_classes() -> None:
    ndvi = []
    for seed in (1, 2, 3):
        chip = simulate_array(512, 512, seed, style="mixed", with_objects=False)
        dark = chip.image.reshape(8, -1).min(1).astype(float)
        path = np.array([np.percentile(band, 0.1) for band in chip.image])
        assert (dark > 10).all()
        red, nir = np.maximum(chip.image[[4, 6]] - path[[4, 6], None, None], 1.0)
        index = (nir - red) / (nir + red)
        ndvi.append([np.median(index[chip.truth[k]]) for k in (TREES, CROPS, TRACKS, ROADS, WATERWAY)])
    trees, crops, tracks, roads, water = np.mean(ndvi, 0)
    assert trees > 0.4
    assert trees > crops > tracks > roads > water
    assert water < 0


def test_levels_and_contrast_are_those_of_worldview() -> None:
    medians, spreads = [], []
    for seed in range(8):
        image = simulate_array(160, 160, seed, with_objects=False).image.reshape(8, -1)
        medians.append(np.median(image, 1))
        spreads.append(np.percentile(image, 99, 1) - np.percentile(image, 1, 1))
        assert image.max() <= 2047
    middle, spread = np.median(medians, 0), np.median(spreads, 0)
    # From the percentiles of three real images: WorldView-3 over Shanghai and savanna, WorldView-2 over a suburb.
    low = np.array([260, 210, 270, 300, 200, 330, 400, 350])
    high = np.array([420, 400, 560, 560, 480, 600, 850, 650])
    assert ((middle > low) & (middle < high)).all(), middle
    assert (
        (spread > [60, 100, 150, 150, 150, 200, 300, 200]) & (spread < [700, 800, 1200, 1500, 1200, 1300, 1500, 1250])
    ).all()


def test_scenes_differ_from_seed_to_seed() -> None:
    means = np.array([simulate_array(64, 64, seed, with_objects=False).image.mean((1, 2)) for seed in range(12)])
    assert (means.std(0) > 0.05 * means.mean(0)).all()


@pytest.mark.parametrize("seed", [11, 12])
def test_shadows_fall_away_from_the_sun(seed: int) -> None:
    chip = simulate_array(400, 400, seed, style="city")
    sun = draw_climate(generator(seed, 2)).sun
    tall = chip.truth[BUILDINGS] | chip.truth[STRUCTURES] | chip.truth[TREES]
    open_ground = ~(tall | chip.truth[LARGE] | chip.truth[SMALL])
    green = chip.image[2].astype(float)

    def beside(direction: np.ndarray) -> float:
        step = np.rint(direction * 3).astype(int)
        moved = np.roll(binary_erosion(chip.truth[BUILDINGS]), (step[1], step[0]), (0, 1))
        return float(np.median(green[moved & open_ground]))

    assert beside(-sun) < 0.93 * beside(sun)


def test_edges_are_mixed_pixels() -> None:
    chip = simulate_array(400, 400, 4, style="industrial", with_objects=False)
    nir = chip.image[6].astype(float)
    jumps = np.abs(np.diff(nir, axis=1))
    second = np.abs(nir[:, 2:] - nir[:, :-2])
    # Across a sharp edge a single step would carry the whole contrast; here it takes at least two.
    strong = second > np.percentile(second, 99)
    assert np.median(np.maximum(jumps[:, 1:], jumps[:, :-1])[strong] / second[strong]) < 0.9
