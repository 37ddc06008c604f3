"""What runs on a worker, in this process."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pytest

from suelo.cluster import task
from suelo.cluster.task import MODEL, WANTED, Image, Work, finish, measure
from suelo.errors import ImageError
from suelo.imagery.scene import open_scene
from suelo.imagery.statistics import measure_statistics
from suelo.model.session import load_model
from suelo.segmentation.keeping import fingerprint
from suelo.segmentation.reading import network_view
from suelo.segmentation.strips import StripStore


@pytest.fixture
def hand_out(draw_image, tmp_path):
    """A function that makes a store for a scene and a model, as the command does, and says what a worker is told."""
    image = draw_image(tmp_path / "scene.tif")

    def make(model_file, place, image=image):
        contract, sha256 = (model := load_model(model_file, threads=1)).contract, model.sha256
        store = StripStore(tmp_path / place)
        store.put(WANTED, b"yes")
        store.put(MODEL, model_file.read_bytes())
        with open_scene(image) as scene:
            statistics = measure_statistics(scene)
            _, down, across = network_view(scene, contract)
            sent = Image(str(image), None, scene.grid.shape)
        mark = fingerprint(sha256, statistics, down, across)
        return Work(sent, statistics, sha256, "", 1, "", store.address, mark, version("suelo"))

    return make


def test_a_worker_keeps_one_network_for_all_scenes_and_few_networks(hand_out, write_model, tmp_path, monkeypatch):
    loaded = []

    def load(*args, **options):
        model = load_model(*args, **options)
        loaded.append(weakref.ref(model))
        return model

    monkeypatch.setattr(task, "load_model", load)
    model_files = [write_model(tmp_path / f"{gain}.onnx", gain=gain, halo=16) for gain in (0.5, 0.6, 0.7)]
    for scene in range(3):
        work = hand_out(model_files[0], f"scene-{scene}")
        assert finish(work, 0) == 0
        assert StripStore(work.store).open(work.fingerprint).kept == {0}
    assert len(loaded) == 1
    for number, model_file in enumerate(model_files):
        finish(hand_out(model_file, f"model-{number}"), 0)
    gc.collect()
    assert [model() is None for model in loaded] == [True, False, False]
    for number in (1, 2, 1, 2):  # commands that share the workers
        finish(hand_out(model_files[number], f"turn-{number}"), 0)
    assert len(loaded) == 3


def test_a_worker_runs_the_network_by_the_provider_that_it_is_told(hand_out, write_model, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install '.[train]'")
    used = []
    monkeypatch.setattr(task, "load_model", lambda *a, **options: used.append(options) or load_model(*a, **options))
    model_file = write_model(tmp_path / "model.onnx", gain=0.9, halo=16)
    works = [replace(hand_out(model_file, f"by-{name}"), provider=name) for name in ("", "cpu")]
    strips = []
    for work in works:
        finish(work, 0)
        strips.append(StripStore(work.store, work.fingerprint).load(0))
    assert [options["provider"] for options in used] == ["", "cpu"]
    usual, other = (strip.rows.astype(int) for strip in strips)
    assert usual.any()
    assert np.abs(usual - other).max() <= 2


def test_what_a_worker_says_of_a_damaged_image_arrives(hand_out, write_model, draw_image, damage, tmp_path):
    # The causes of the error, of GDAL, do not arrive; that what is raised does is tested with a cluster.
    model_file = write_model(tmp_path / "model.onnx", halo=16)
    image = draw_image(tmp_path / "damaged.tif", 600, 128)
    work = hand_out(model_file, "strips", image)
    damage(image, row=0)
    with pytest.raises(ImageError, match="cannot be read") as raised:
        finish(work, 0)
    assert type(raised.value) is ImageError
    assert raised.value.__cause__ is raised.value.__context__ is None
    with pytest.raises(ImageError) as raised:
        measure(work.image, load_model(model_file, threads=1).contract.normalisation)
    assert raised.value.__cause__ is raised.value.__context__ is None
