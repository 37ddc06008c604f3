"""Model files loaded and run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from suelo.errors import ModelError
from suelo.imagery.scene import open_scene
from suelo.model.contract import METADATA_KEY, ModelContract
from suelo.model.session import load_model, shared_model
from suelo.segmentation.engine import predict
from suelo.simulation import simulate


def images(n=1, height=32, width=48, seed=0):
    return np.random.default_rng(seed).normal(0.5, 0.5, (n, 8, height, width)).astype(np.float32)


def test_the_contract_and_the_hash_are_those_of_the_file(tiny_file):
    model = load_model(tiny_file)
    assert model.contract == ModelContract(name="tiny", version="1", thresholds=(0.3,) * 10, halo=80)
    assert model.sha256 == hashlib.sha256(tiny_file.read_bytes()).hexdigest()


def test_the_file_gives_the_probabilities_of_the_network(tiny_file, tiny_network):
    import torch

    model = load_model(tiny_file, precision="f32")
    for batch in (images(1), images(3, 64, 16, seed=1)):
        with torch.no_grad():
            expected = torch.sigmoid(tiny_network(torch.from_numpy(batch))).numpy()
        found = model.predict(batch)
        assert found.dtype == np.float32
        assert found.shape == (len(batch), 10, *batch.shape[2:])
        assert expected.std() > 0.05
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_any_array_layout_is_taken(tiny_file):
    model = load_model(tiny_file, precision="f32")
    batch = images()
    flipped = np.ascontiguousarray(batch[..., ::-1])[..., ::-1].astype(np.float64)
    np.testing.assert_allclose(model.predict(flipped), model.predict(batch), atol=1e-5)


def test_results_are_not_overwritten_by_the_next_call(tiny_file):
    model = load_model(tiny_file)
    first = model.predict(images(seed=1))
    kept = first.copy()
    model.predict(images(seed=2))
    np.testing.assert_array_equal(first, kept)


def test_a_cpu_held_to_older_instructions_runs_the_network():
    code = """
import numpy as np
from suelo.model.session import load_model

images = np.random.default_rng(0).random((1, 8, 64, 64), dtype=np.float32)
exact = load_model(precision="f32").predict(images)
print(abs(load_model().predict(images) - exact).max())
"""
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert float(found) < 0.05


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs Linux")
def test_the_network_keeps_to_no_core():
    # Several workers of one thread on a machine would all keep to the first core.
    code = """
import os, threading
import numpy as np
from suelo.model.session import load_model

model = load_model(threads=1)
images = np.zeros((1, 8, 512, 512), np.float32)
work = threading.Thread(target=lambda: [model.predict(images) for _ in range(2)])
work.start()
seen = set()
while work.is_alive():
    seen |= {len(os.sched_getaffinity(int(task))) for task in os.listdir("/proc/self/task")}
    work.join(0.02)
print(*seen)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.split() == [str(len(os.sched_getaffinity(0)))]


def test_running_without_a_copy_gives_the_same(tiny_file):
    model = load_model(tiny_file, precision="f32")
    batch = images(2)
    with model.run(batch) as lent:
        np.testing.assert_array_equal(lent, model.predict(batch))  # another caller, another memory
        with pytest.raises(ModelError, match="multiples of 16"), model.run(batch[..., :10]):
            pass
    with model.run(batch) as again:
        assert np.shares_memory(lent, again)


def test_two_threads_of_a_model_keep_the_network_busy(tiny_file):
    model = load_model(tiny_file)
    both = threading.Barrier(2, timeout=20)
    work = [model.submit(lambda: (both.wait(), threading.current_thread().name)[1]) for _ in range(6)]
    names = {future.result() for future in work}
    assert len(names) == 2
    assert all(name.startswith("suelo-network") for name in names)


def test_many_threads_get_their_own_answers(tiny_file):
    model = load_model(tiny_file, precision="f32")
    batches = [images(1, 32 + 16 * (i % 3), 48, seed=i) for i in range(40)]
    alone = [model.predict(batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(model.predict, batches))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_chips_that_come_together_are_answered_as_if_they_came_alone(threads):
    model = load_model(threads=threads)
    chips = [images(1, 160, 160, seed=i) for i in range(6)]
    alone = [model.predict(chip) for chip in chips]
    side_by_side = threading.Barrier(len(chips), timeout=60)

    def together(chip):
        with model.run(chip) as probabilities:
            side_by_side.wait()  # nobody is through before everybody has an answer
            return probabilities.copy()

    with ThreadPoolExecutor(len(chips)) as pool:
        for one, other in zip(alone, pool.map(together, chips), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shape", [(8, 32, 32), (1, 3, 32, 32), (1, 8, 30, 32), (1, 8, 32, 40), (0, 8, 32, 32)])
def test_other_shapes_are_refused(tiny_file, shape):
    with pytest.raises(ModelError, match="multiples of 16"):
        load_model(tiny_file).predict(np.zeros(shape, np.float32))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"gone\.onnx cannot be read: No such file"):
        load_model(tmp_path / "gone.onnx")


@pytest.mark.parametrize("content", [b"", b"GIF89a nonsense", bytes(5000)])
def test_a_file_that_is_not_onnx_is_refused(tmp_path, content):
    path = tmp_path / "picture.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"picture\.onnx is not an ONNX model"):
        load_model(path)


def test_a_file_without_contract_is_refused(tiny_file, tmp_path):
    import onnx

    model = onnx.load(tiny_file)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "bare.onnx")
    with pytest.raises(ModelError, match=r"bare\.onnx has no contract"):
        load_model(tmp_path / "bare.onnx")


@pytest.mark.parametrize(("bands", "classes", "word"), [(4, 10, "takes 4 channels"), (8, 3, "gives 3 channels")])
def test_a_network_that_does_not_do_what_its_contract_says_is_refused(tmp_path, bands, classes, word):
    from suelo.training.export import export_onnx
    from suelo.training.network import UNet

    path = tmp_path / "other.onnx"
    export_onnx(UNet(bands, classes, (4, 4, 4, 4)), ModelContract(name="other", version="1"), path)
    with pytest.raises(ModelError, match=word):
        load_model(path)


def test_a_network_for_images_of_one_size_is_refused(tiny_file, tmp_path):
    import onnx

    model = onnx.load(tiny_file)
    for port in (*model.graph.input, *model.graph.output):
        for axis in port.type.tensor_type.shape.dim[2:]:
            axis.ClearField("dim_param")
            axis.dim_value = 160
    onnx.save(model, tmp_path / "fixed.onnx")
    with pytest.raises(ModelError, match=r"fixed\.onnx takes an array of shape .*160,160.*; \(N, 8, H, W\) is needed"):
        load_model(tmp_path / "fixed.onnx")


def test_a_foreign_contract_is_refused(tiny_file, tmp_path):
    import onnx

    model = onnx.load(tiny_file)
    onnx.helper.set_model_props(model, {METADATA_KEY: '{"name": "x", "version": "1", "bands": ["red"]}'})
    onnx.save(model, tmp_path / "foreign.onnx")
    with pytest.raises(ModelError, match="does not hold: it takes 1 bands"):
        load_model(tmp_path / "foreign.onnx")


def test_one_process_loads_a_model_once(tiny_file):
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(lambda _: shared_model(tiny_file), range(8)))
    assert len({id(model) for model in models}) == 1


def test_the_shipped_model_is_small_and_says_what_it_is():
    model = shared_model()
    contract = model.contract
    assert contract.licence == "Apache-2.0"
    assert contract.metrics is not None
    assert contract.metrics.mean_jaccard is not None
    assert {"data", "images", "folds", "seed"} <= set(contract.training)
    from importlib.resources import files

    assert len((files("suelo.model") / "weights" / "suelo.onnx").read_bytes()) <= 20_000_000


def test_the_shipped_int8_model_is_made_of_the_shipped_one_and_decides_as_it_does(tmp_path):
    fp32, int8 = shared_model(), load_model(Path("int8"))
    assert (fp32.contract.precision, int8.contract.precision) == ("fp32", "int8")
    assert int8.contract.training["quantisation"]["fp32_sha256"] == fp32.sha256
    assert int8.contract.thresholds == fp32.contract.thresholds
    assert load_model(Path("fp32")).sha256 == fp32.sha256
    path = tmp_path / "scene.tif"
    simulate(path, height=384, width=384, seed=300_100)
    with open_scene(path) as scene:
        statistics = fp32.contract.normalisation.measure(scene)
        levels = np.array(fp32.contract.thresholds)[:, None, None] * 250
        one, other = (predict(scene, model, statistics) >= levels for model in (fp32, int8))
    assert (one | other).sum() > 50_000
    assert (one & other).sum() > 0.95 * (one | other).sum()
