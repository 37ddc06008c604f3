"""Strips through the network: what goes on at once, and what happens when it stops."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

from suelo.segmentation.engine import predict
from suelo.segmentation.network import finished_strips, joined
from suelo.segmentation.reading import NativeRows, Strip, read_strips
from suelo.segmentation.tiling import Tiling

TILING = Tiling(64, 16, 0)


def noise(height, width, seed=0):
    return np.random.default_rng(seed).random((8, height, width)).astype(np.float32)


def strips_of(scene, model, statistics, tiles_done=lambda _done: None):
    down, across = TILING.spans(*scene.grid.shape)
    strips = read_strips(NativeRows(scene), statistics, down, across)
    return finished_strips(model, strips, down, across, tiles_done), down, across


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_the_network_goes_on_while_a_strip_is_used(make_scene, pixelwise, unchanged, monkeypatch):
    ran = []
    run = pixelwise.run
    monkeypatch.setattr(pixelwise, "run", lambda images: ran.append(1) or run(images))
    finished, _, across = strips_of(make_scene(noise(300, 200)), pixelwise, unchanged)
    next(finished)
    until(lambda: len(ran) == 2 * len(across.starts))
    finished.close()


def test_tiles_are_prepared_while_the_network_runs(make_scene, pixelwise, unchanged, monkeypatch):
    prepared = []
    normalised, run = Strip.normalised, pixelwise.run
    monkeypatch.setattr(Strip, "normalised", lambda *args: prepared.append(1) or normalised(*args))

    @contextmanager
    def waiting(images):
        until(lambda: len(prepared) >= 2)
        with run(images) as probabilities:
            yield probabilities

    monkeypatch.setattr(pixelwise, "run", waiting)
    finished, _, _ = strips_of(make_scene(noise(300, 200)), pixelwise, unchanged)
    assert next(finished).rows.any()
    finished.close()


def test_strips_put_together_are_the_scene(make_scene, pixelwise, unchanged):
    pixels = noise(301, 200)
    finished, down, _ = strips_of(make_scene(pixels), pixelwise, unchanged)
    rows = np.concatenate(list(joined(finished, down.length)), axis=1)
    expected = np.rint(pixels[np.arange(10) % 8] * 250)
    assert rows.shape == expected.shape
    assert abs(rows - expected).max() <= 1


@pytest.mark.parametrize("tile", [0, 5])
def test_an_error_of_the_network_stops_all_work(make_scene, pixelwise, unchanged, monkeypatch, tile):
    begun, ended = [], []
    run = pixelwise.run

    @contextmanager
    def failing(images):
        begun.append(1)
        try:
            if len(begun) > tile:
                raise MemoryError("No room.")
            time.sleep(0.02)
            with run(images) as probabilities:
                yield probabilities
        finally:
            ended.append(1)

    monkeypatch.setattr(pixelwise, "run", failing)
    with pytest.raises(MemoryError, match="No room"):
        predict(make_scene(noise(300, 200)), pixelwise, unchanged, tiling=TILING)
    assert len(begun) == len(ended)
    time.sleep(0.1)
    assert len(begun) == len(ended) < 20


def test_who_stops_in_the_middle_waits_for_tiles_at_work(make_scene, pixelwise, unchanged, monkeypatch):
    at_work = []
    run = pixelwise.run

    @contextmanager
    def slow(images):
        at_work.append(1)
        time.sleep(0.2)
        with run(images) as probabilities:
            yield probabilities
        at_work.pop()

    monkeypatch.setattr(pixelwise, "run", slow)
    finished, _, _ = strips_of(make_scene(noise(300, 200)), pixelwise, unchanged)
    next(finished)
    until(lambda: at_work)
    finished.close()
    assert not at_work


def test_scenes_in_several_threads_do_not_mix(make_scene, pixelwise, unchanged):
    scenes = [make_scene(noise(200, 130, seed), name=str(seed)) for seed in range(3)]
    expected = [predict(scene, pixelwise, unchanged, tiling=TILING) for scene in scenes]
    found = [None] * 3

    def work(number):
        found[number] = predict(scenes[number], pixelwise, unchanged, tiling=TILING)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("axis", [1, 2])
def test_a_scene_cut_in_two_gives_the_same_map_away_from_the_cut(make_scene, make_model, unchanged, axis):
    # A window of 31 pixels and blocks of 16: 32 pixels from the cut nothing of it is left.
    model = make_model(box=31, pool=16, gain=1.5, tile=80, halo=32)
    pixels = noise(300, 300)
    pixels[:, 100:130, 40:90] = np.nan
    whole = predict(make_scene(pixels), model, unchanged, tiling=Tiling(160, 32, 0))
    parts = []
    for number, part in enumerate(np.split(pixels, [144], axis=axis)):
        scene = make_scene(np.ascontiguousarray(part), name=f"part{number}")
        parts.append(predict(scene, model, unchanged, tiling=Tiling(144, 32, 0)))
    found = np.concatenate(parts, axis=axis)
    different = (abs(found.astype(int) - whole) > 1).any(axis=(0, 3 - axis))
    assert different[143:145].any()  # at the cut it is felt
    assert not different[: 144 - 32].any()
    assert not different[144 + 32 :].any()
