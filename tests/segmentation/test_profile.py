"""Where the time goes."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import suelo
from suelo.errors import CancelledError
from suelo.segmentation.engine import predict_to_file
from suelo.segmentation.profile import STAGES, Profile
from suelo.segmentation.strips import StripStore
from suelo.segmentation.tiling import Tiling


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is told to go on."""
    now = [100.0]
    monkeypatch.setattr("suelo.segmentation.profile.time.perf_counter", lambda: now[0])
    return now


def test_a_stage_that_runs_in_two_threads_counts_once(clock):
    profile = Profile()
    with profile.stage("network"):
        clock[0] += 2
        with profile.stage("network"):
            clock[0] += 3
        clock[0] += 1
    clock[0] += 10
    with profile.stage("network"):
        clock[0] += 1
    assert profile.seconds("network") == 7
    assert profile.seconds("read") == 0


def test_speed_is_that_of_the_way_from_file_to_raster(clock):
    profile = Profile()
    with profile.whole():
        with profile.stage("statistics"):
            clock[0] += 5
        with profile.prediction(20_000_000):
            with profile.stage("network"):
                clock[0] += 8
            clock[0] += 2
    profile.add_network_pixels(24_000_000)
    assert profile.wall_s == 15
    assert profile.prediction_s == 10
    assert profile.mpix_per_s == 2
    assert profile.network_mpix_per_s == 3
    assert profile.network_share == pytest.approx(2 / 3)
    assert profile.to_dict()["seconds"]["statistics"] == 5
    table = profile.table().splitlines()
    assert [line.split()[0] for line in table[1 : len(STAGES) + 1]] == list(STAGES)
    assert table[4].split() == ["network", "8.00", "53%"]
    assert "20.00 MPix at 2.000 MPix/s: 67% of the network's 3.000 MPix/s on 24.00 MPix" in table[-1]


def test_an_empty_profile_has_a_table():
    assert Profile().table().endswith("\nThe probabilities were there already.")
    assert Profile().to_dict()["mpix_per_s"] is None


def test_a_stage_ends_with_an_error(clock):
    profile = Profile()

    def fail():
        clock[0] += 2
        raise KeyError

    with pytest.raises(KeyError), profile.stage("write"):
        fail()
    clock[0] += 5
    assert profile.seconds("write") == 2


def test_threads_do_not_lose_anything():
    profile = Profile()

    def work():
        for _ in range(2000):
            profile.add_network_pixels(1)
            with profile.stage("blend"):
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert profile.network_pixels == 8000
    assert 0 < profile.seconds("blend") <= time.perf_counter() - started


def test_a_segmentation_fills_all_of_it(make_scene, make_model, tmp_path):
    scene = make_scene(np.random.default_rng(0).random((8, 300, 200)))
    profile = Profile()
    result = suelo.segment(scene, model=make_model(tile=64, halo=16), profile=profile)
    assert profile.pixels == 300 * 200
    assert profile.network_pixels == 304 * 208  # one tile, to multiples of 16
    for stage in ("statistics", "read", "normalise", "network", "blend", "write"):
        assert profile.seconds(stage) > 0
    before = profile.wall_s
    result.write(tmp_path / "out", ["geojson", "csv"], profile=profile)
    assert profile.seconds("polygons") > 0
    assert profile.seconds("files") > 0
    assert profile.wall_s > before


def test_halos_are_counted(make_scene, pixelwise, unchanged, tmp_path):
    scene = make_scene(np.random.default_rng(0).random((8, 300, 200)))
    profile = Profile()
    tiling = Tiling(64, 16, 0)
    predict_to_file(scene, pixelwise, unchanged, tmp_path / "p.tif", tiling=tiling, profile=profile)
    down, across = tiling.spans(300, 200)
    assert profile.network_pixels == down.work * across.work > 300 * 200


def test_of_strips_that_an_earlier_run_made_no_speed_is_told(make_scene, pixelwise, unchanged, tmp_path):
    scene = make_scene(np.random.default_rng(0).random((8, 300, 200)))
    store, tiling = StripStore(tmp_path / "strips"), Tiling(64, 16, 0)
    last = []

    def stop():
        last.append(1)
        return len(last) > 12

    with pytest.raises(CancelledError):
        predict_to_file(scene, pixelwise, unchanged, tmp_path / "p.tif", None, stop, tiling=tiling, keeper=store.open)
    resumed = Profile()
    options = {"tiling": tiling, "keeper": store.open}
    predict_to_file(scene, pixelwise, unchanged, tmp_path / "p.tif", **options, profile=resumed)
    down, _ = tiling.spans(300, 200)
    assert 0 < resumed.kept_strips < resumed.strips == len(down.starts)
    said = f"0.06 MPix; {resumed.kept_strips} of {resumed.strips} strips were made by workers or by an earlier run"
    assert said in resumed.table()
    assert "MPix/s" not in resumed.table()
    assert resumed.to_dict()["mpix_per_s"] is resumed.to_dict()["network_share"] is None
