"""Strips on the workers of a real cluster: the same bytes as from one process, whatever happens to a worker."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress

import pytest

from suelo.cluster.driver import connected
from suelo.errors import InputError, SueloError
from suelo.imagery.scene import open_scene
from suelo.imagery.statistics import measure_statistics
from suelo.model.session import load_model
from suelo.segmentation.engine import predict_to_file
from suelo.segmentation.resumable import Run
from suelo.segmentation.selection import Selection
from suelo.segmentation.strips import StripStore


@pytest.fixture(scope="module")
def model(model_file):
    return load_model(model_file)


@pytest.fixture(scope="module")
def whole(scene, model, tmp_path_factory):
    """The probability raster that one process makes, and the strips that it is made of."""
    folder = tmp_path_factory.mktemp("whole")
    with Run(str(scene), folder, model) as run, StripStore(folder / "strips") as store:
        predict_to_file(run.scene, model, run.statistics, folder / "whole.tif", keeper=store.open)
    return folder


def pids(client):
    return client.run(os.getpid)


def test_many_scenes_are_the_same_as_from_one_process(
    suelo, scheduler, client, scene, model_file, draw_image, write_model, tmp_path
):
    # One that is resampled for the network, one of a single strip, and one that is no image.
    other = draw_image(tmp_path / "other.tif", 3000, 300, seed=8)
    chip = draw_image(tmp_path / "chip.tif", 96, 128, seed=9)
    photo = tmp_path / "photo.tif"
    photo.write_bytes(b"\xff\xd8\xff")
    images = [other, scene, photo, chip]
    common = ["--model", model_file, "--format", "geojson", "--format", "csv", "--gsd", "2.1", "-q"]
    assert suelo("segment", *images, "-o", tmp_path / "one", *common)[0] == 2
    code, _, err = suelo("segment", *images, "-o", tmp_path / "many", *common, "--scheduler", scheduler)
    assert code == 2
    assert "JPEG" in err
    assert err.count("\n") == 1
    for image in (other, scene, chip):
        one, many = tmp_path / "one" / image.stem, tmp_path / "many" / image.stem
        assert {path.name for path in one.iterdir()} == {path.name for path in many.iterdir()}
        for name in ("probabilities.tif", "polygons.geojson", "classes.csv"):
            assert (one / name).read_bytes() == (many / name).read_bytes()


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_a_killed_worker_costs_its_strips_only(
    scheduler, client, scene, model, model_file, whole, s3, monkeypatch, tmp_path, place
):
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    store = "s3://results/strips" if place == "s3" else ""
    strips = sorted((whole / "strips").glob("*.strip"))
    with (
        connected(scheduler, threads=1, model=model_file) as cluster,
        Run(str(scene), tmp_path / "out", model, store=store) as run,
    ):
        assert cluster.workers == 2
        doomed = min(pids(client).values())
        spread = cluster.spread(run)
        early = spread.load(0).to_bytes()
        os.kill(doomed, signal.SIGKILL)
        finished_early = {index for index, future in spread.futures.items() if future.done()}
        later = [spread.load(index).to_bytes() for index in range(1, len(strips))]
        assert [early, *later] == [path.read_bytes() for path in strips]
        assert len(finished_early) < len(later), "all was done before the worker was killed"
        # All are there now, so that nobody computes.
        again = cluster.spread(run)
        assert not again.futures
        run.finish(Selection(model.contract.thresholds), ["csv"], keeper=again.open)
        assert (tmp_path / "out" / "probabilities.tif").read_bytes() == (whole / "whole.tif").read_bytes()
        assert run.strips.empty
    assert doomed not in pids(client).values()


@pytest.mark.parametrize("word", ["int8", "flips"])
def test_workers_take_the_same_form_of_the_shipped_model(suelo, scheduler, draw_image, tmp_path, word):
    image = draw_image(tmp_path / "scene.tif", 160, 128)
    found = []
    for name, where in (("alone", []), ("cluster", ["--scheduler", scheduler])):
        suelo("segment", image, "-o", tmp_path / name, "--model", word, "--format", "csv", "-q", *where)
        found.append((tmp_path / name / "scene" / "probabilities.tif").read_bytes())
    assert found[0] == found[1]


def test_finished_strips_are_not_asked_for_again(scheduler, client, scene, model, model_file, whole, tmp_path):
    with (
        connected(scheduler, threads=1, model=model_file) as cluster,
        Run(str(scene), tmp_path / "out", model) as run,
    ):
        folder = tmp_path / "out" / ".unfinished" / "strips"
        folder.mkdir()
        kept = sorted((whole / "strips").glob("*.strip"))[2:7]
        for path in kept:
            (folder / path.name).write_bytes(path.read_bytes())
        spread = cluster.spread(run)
        assert sorted(spread.futures) == [0, 1, *range(7, len(spread.kept))]
        run.finish(Selection(model.contract.thresholds), ["csv"], keeper=spread.open)
    assert (tmp_path / "out" / "probabilities.tif").read_bytes() == (whole / "whole.tif").read_bytes()


def test_statistics_from_a_worker_are_those_of_this_process(scheduler, client, scene, model, tmp_path):
    with connected(scheduler) as cluster, Run(str(scene), tmp_path, model) as run:
        found = cluster.measure(str(scene), None, run.scene, model.contract)
        assert found == measure_statistics(run.scene) == run.statistics


def test_what_a_worker_cannot_use_is_said_in_one_sentence(
    scheduler, client, scene, model, model_file, write_model, tmp_path
):
    with connected(scheduler, threads=1, model=model_file) as cluster:
        gone = tmp_path / "gone.tif"
        gone.write_bytes(scene.read_bytes())
        with Run(str(gone), tmp_path / "a", model) as run:
            gone.unlink()
            with pytest.raises(InputError, match=r"A worker cannot open .*gone\.tif"):
                cluster.spread(run).load(0)
    # The model is not that of the package, is not sent, and is none that a worker still has from another scene.
    unknown = load_model(write_model(tmp_path / "unknown.onnx", gain=0.75, halo=16), threads=1)
    with (
        connected(scheduler, threads=1) as cluster,
        Run(str(scene), tmp_path / "b", unknown) as run,
        pytest.raises(SueloError, match="another model"),
    ):
        cluster.spread(run).load(0)


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_a_damaged_image_is_said_to_be_one_and_leaves_no_strips(
    suelo, scheduler, client, scene, model, model_file, damage, s3, monkeypatch, tmp_path, place
):
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    store = f"s3://results/{tmp_path.name}" if place == "s3" else str(tmp_path / "store")
    damaged = tmp_path / "damaged.tif"
    damaged.write_bytes(scene.read_bytes())
    measure_statistics(open_scene(scene)).save(tmp_path / "statistics.json")
    damage(damaged, row=4)
    common = ["--model", model_file, "--statistics", tmp_path / "statistics.json", "--scheduler", scheduler, "-q"]
    code, _, err = suelo("segment", damaged, "-o", tmp_path / "out", *common, "--store", store)
    assert "the file is damaged" in err
    assert err.count("\n") == 1
    assert code == 2
    # Without what is at work, nothing can come afterwards.
    assert not any(client.processing().values())
    assert StripStore(store).empty
    assert not (tmp_path / "out" / "damaged").exists()


def test_a_scheduler_that_is_not_there_is_said_so(suelo, scene, tmp_path, monkeypatch):
    monkeypatch.setattr("suelo.cluster.driver.CONNECT_S", 1)
    code, _, err = suelo("segment", scene, "-o", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9")
    assert code == 2
    assert "No Dask scheduler answers at tcp://127.0.0.1:9" in err
    assert not (tmp_path / "out").exists()


def test_a_store_that_cannot_be_one_is_said_before_anything_else(suelo, scene, tmp_path):
    arguments = ["-o", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9", "--store", "gs://bucket"]
    code, _, err = suelo("segment", scene, scene, *arguments)
    assert code == 2
    assert "'gs://bucket' is neither" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_workers_of_this_machine_need_no_port_that_somebody_else_may_have(recwarn):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # somebody else has it
            taken.bind(("", 8787))
            taken.listen()
        with connected(workers=1):
            pass
    assert not [str(warning.message) for warning in recwarn if "already in use" in str(warning.message)]
