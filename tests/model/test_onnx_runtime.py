"""Models run by ONNX Runtime in the place of OpenVINO; its CPU provider stands for those of other hardware."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from suelo.errors import ModelError
from suelo.imagery.scene import open_scene
from suelo.imagery.statistics import measure_statistics
from suelo.model.onnx_runtime import OnnxRuntimeModel
from suelo.model.session import load_model, shared_model
from suelo.segmentation.engine import predict
from suelo.simulation import simulate

onnxruntime = pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install '.[train]'")


def images(n=1, height=32, width=48):
    return np.random.default_rng(0).normal(0.5, 0.5, (n, 8, height, width)).astype(np.float32)


@pytest.mark.parametrize("word", [None, "int8", "flips"])
def test_it_is_the_same_model_with_the_same_answers(word):
    usual, other = load_model(word, precision="f32"), load_model(word, provider="cpu")
    assert (other.contract, other.sha256) == (usual.contract, usual.sha256)
    found, expected = other.predict(images(2)), usual.predict(images(2))
    # In int8, both round in places of their own, which on noise shows in a pixel here and there.
    np.testing.assert_allclose(found, expected, atol=0.15 if word == "int8" else 1e-4)
    assert np.abs(found - expected).mean() < 0.01


def test_scenes_come_out_as_usual_to_the_last_level(tmp_path):
    path = tmp_path / "scene.tif"
    simulate(path, height=700, width=300, seed=4)
    with open_scene(path) as scene:
        statistics = measure_statistics(scene)
        usual = predict(scene, load_model(precision="f32"), statistics).astype(int)
        other = predict(scene, load_model(provider="CPU", threads=1), statistics).astype(int)
    assert usual.max() > 200
    assert np.abs(usual - other).max() <= 1


def test_arrays_of_other_shapes_are_refused():
    with pytest.raises(ModelError, match="multiples of 16"):
        load_model(provider="cpu").predict(images(height=30))


def test_a_process_has_one_for_each_provider():
    assert isinstance(shared_model(provider="cpu"), OnnxRuntimeModel)
    assert shared_model(provider="cpu") is shared_model(provider="cpu")
    assert not isinstance(shared_model(), OnnxRuntimeModel)


def test_an_unknown_provider_is_refused_with_those_that_are_there():
    with pytest.raises(ModelError, match=r"no provider 'abacus' here; it has .*cpu"):
        load_model(provider="abacus")


def test_a_provider_that_does_not_start_is_not_replaced_unsaid(monkeypatch):
    claimed = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    if claimed[0] in onnxruntime.get_available_providers():
        pytest.skip("CUDA is there")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: claimed)
    with pytest.raises(ModelError, match="'cuda'"), pytest.warns(UserWarning, match="CUDAExecutionProvider"):
        load_model(provider="cuda")


def test_without_onnx_runtime_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match=r"which is not installed; .*gpu"):
        load_model(provider="cuda")


def test_a_precision_is_not_for_providers():
    with pytest.raises(ModelError, match="leave the precision out"):
        load_model(provider="cpu", precision="bf16")
