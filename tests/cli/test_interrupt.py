"""Interrupted in the middle of a scene: a quick end, nothing half-written, and a way on."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from suelo.imagery.scene import open_scene
from suelo.model.session import load_model
from suelo.segmentation.segment import segment
from suelo.segmentation.tiling import Tiling


@pytest.fixture(scope="module")
def whole(long_scene, slow_model, tmp_path_factory):
    """The result of a run that nobody interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    result = segment(long_scene, model=load_model(slow_model), directory=folder)
    result.write(folder, ["geojson", "csv"])
    return folder


def options(long_scene, slow_model, out):
    return ["segment", long_scene, "-o", out, "--model", slow_model, "--format", "geojson", "--format", "csv"]


@pytest.fixture(scope="module")
def strips(long_scene, slow_model):
    """How many strips the scene has, and how many megapixels the network sees of each."""
    grid = open_scene(long_scene).grid
    down, across = Tiling.of(load_model(slow_model).contract).spans(grid.height, grid.width)
    assert len(down.starts) > 8
    return len(down.starts), down.tile * across.tile * len(across.starts) / 1e6


def assert_same_result(folder, whole):
    assert {path.name for path in folder.iterdir()} == {path.name for path in whole.iterdir()}
    for name in ("probabilities.tif", "polygons.geojson", "classes.csv"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name


def test_ctrl_c_leaves_finished_strips_and_nothing_else(start, strips_of, long_scene, slow_model, tmp_path):
    temporary, out = tmp_path / "temporary", tmp_path / "out"
    temporary.mkdir()
    process = start(*options(long_scene, slow_model, out), TMPDIR=str(temporary))
    finished = strips_of(out / "scene", 3, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in err
    assert err.count("\n") == 1
    assert list(temporary.iterdir()) == []
    assert [path.name for path in (out / "scene").iterdir()] == [".unfinished"]
    unfinished = out / "scene" / ".unfinished"
    assert {path.name for path in unfinished.iterdir()} == {"run.json", "strips"}
    assert {path.name for path in (unfinished / "strips").iterdir()} >= set(finished)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_run_goes_on_and_computes_only_what_is_missing(
    start, strips_of, strips, long_scene, slow_model, whole, tmp_path, sent
):
    arguments = options(long_scene, slow_model, tmp_path)
    process = start(*arguments)
    strips_of(tmp_path / "scene", 4, process)
    process.send_signal(sent)
    process.wait(60)
    assert not (tmp_path / "scene" / "probabilities.tif").exists()
    unfinished = tmp_path / "scene" / ".unfinished"
    done = len(list((unfinished / "strips").glob("*.strip")))
    count, megapixels = strips
    assert 4 <= done < count
    again = start(*arguments, "--resume", "--json", "--profile")
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    computed = json.loads(out)["profile"]["network_megapixels"] / megapixels
    assert computed == pytest.approx(count - done)
    assert_same_result(tmp_path / "scene", whole)
    assert not unfinished.exists()


def test_without_resume_everything_is_made_anew(start, strips_of, strips, long_scene, slow_model, whole, tmp_path):
    arguments = options(long_scene, slow_model, tmp_path)
    process = start(*arguments)
    strips_of(tmp_path / "scene", 3, process)
    process.kill()
    process.wait()
    again = start(*arguments, "--json", "--profile")
    out, _ = again.communicate(timeout=120)
    count, megapixels = strips
    assert json.loads(out)["profile"]["network_megapixels"] / megapixels == pytest.approx(count)
    assert_same_result(tmp_path / "scene", whole)


def test_what_was_made_otherwise_is_not_gone_on_with(
    start, strips_of, long_scene, slow_model, write_model, draw_image, whole, tmp_path
):
    arguments = options(long_scene, slow_model, tmp_path)
    process = start(*arguments)
    strips_of(tmp_path / "scene", 3, process)
    process.kill()
    process.wait()
    other_model = write_model(tmp_path / "other.onnx", box=3, halo=16)
    other_scene = tmp_path / "elsewhere" / "scene.tif"
    other_scene.parent.mkdir()
    draw_image(other_scene, 18000, 128, seed=4, epsg=9377)
    statistics = (
        json.loads((whole / "result.json").read_text())["statistics"] if (whole / "result.json").exists() else {}
    )
    (tmp_path / "statistics.json").write_text(json.dumps(statistics))
    record = (tmp_path / "scene" / ".unfinished" / "run.json").read_bytes()
    strips = sorted((tmp_path / "scene" / ".unfinished" / "strips").iterdir())
    for changed, sentence in (
        (["segment", other_scene, *arguments[2:]], "from another image"),
        ([*arguments, "--model", other_model], "by another model"),
        ([*arguments, "--statistics", tmp_path / "statistics.json"], "with other statistics"),
    ):
        refused = start(*changed, "--resume", "-q")
        out, err = refused.communicate(timeout=60)
        assert refused.returncode == 2, (out, err)
        assert sentence in err
        assert "without --resume" in err
        assert err.count("\n") == 1
    assert (tmp_path / "scene" / ".unfinished" / "run.json").read_bytes() == record
    assert sorted((tmp_path / "scene" / ".unfinished" / "strips").iterdir()) == strips


def test_ctrl_c_ends_workers_too(start, strips_of, long_scene, slow_model, whole, tmp_path):
    arguments = [*options(long_scene, slow_model, tmp_path), "--workers", 2]
    process = start(*arguments)
    strips_of(tmp_path / "scene", 3, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.count("\n") == 1, err
    with contextlib.suppress(ProcessLookupError):
        for _ in range(100):
            os.killpg(process.pid, 0)
            time.sleep(0.1)
        pytest.fail("a worker outlives the command")
    assert [path.name for path in (tmp_path / "scene").iterdir()] == [".unfinished"]
    again = start(*arguments, "--resume", "-q")
    _, err = again.communicate(timeout=120)
    assert (again.returncode, err) == (0, "")
    assert_same_result(tmp_path / "scene", whole)


def test_a_complete_result_is_kept(start, long_scene, slow_model, whole, tmp_path):
    shutil.copytree(whole, tmp_path / "scene")
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "scene").iterdir()}
    arguments = [*options(long_scene, slow_model, tmp_path), "--resume", "--json", "--profile"]
    process = start(*arguments)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["profile"]["network_megapixels"] == 0
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "scene").iterdir()} == before
    process = start(*arguments, "--threshold", "0.9")
    out, _ = process.communicate(timeout=60)
    assert json.loads(out)["profile"]["network_megapixels"] == 0
    assert (tmp_path / "scene" / "classes.csv").read_bytes() != (whole / "classes.csv").read_bytes()
    assert (tmp_path / "scene" / "probabilities.tif").read_bytes() == (whole / "probabilities.tif").read_bytes()
    assert not (tmp_path / "scene" / ".unfinished").exists()


def test_ctrl_c_ends_waiting_for_a_first_worker(start, draw_image, slow_model, tmp_path):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    image = draw_image(tmp_path / "chip.tif")
    nobody = {"n_workers": 0, "processes": False, "dashboard_address": None, "host": "127.0.0.1"}
    with distributed.LocalCluster(protocol="tcp://", **nobody) as cluster:
        common = ["-o", tmp_path / "out", "--model", slow_model, "--scheduler", cluster.scheduler_address]
        process = start("segment", image, image, image, *common)
        while not cluster.scheduler.tasks:  # what is to be measured
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "waiting for one" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_ctrl_c_while_suelo_is_being_imported_ends_it_quietly():
    code = (
        "import sys\n"
        "class CtrlC:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, CtrlC())\n"
        "from suelo.cli import main\n"
        "main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
