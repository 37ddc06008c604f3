"""Int8 models: same contract, nearly the same probabilities, and what goes wrong says so."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("nncf", reason="quantisation is in the training extra: pip install '.[train]'")
import onnx  # noqa: E402

from suelo.errors import InputError, ModelError  # noqa: E402
from suelo.model.contract import Metrics, ModelContract  # noqa: E402
from suelo.model.session import load_model  # noqa: E402
from suelo.training.export import export_onnx  # noqa: E402
from suelo.training.network import UNet  # noqa: E402
from suelo.training.quantise import quantise  # noqa: E402
from suelo.training.splitting import split_concatenations  # noqa: E402

TOLERANCE = 0.02
"""Largest mean difference of the probabilities from those in fp32 that still counts as the same model."""


def chips(seed, count=4, side=96):
    """Smooth patches with noise, as different from one another as fields and roofs are."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(-0.2, 1.3, (count, 8, side // 16, side // 16))
    smooth = np.kron(coarse, np.ones((16, 16)))
    return (smooth + rng.normal(0, 0.05, smooth.shape)).clip(-0.5, 1.5).astype(np.float32)


def write_network(path, **contract):
    """A small network whose answers differ from pixel to pixel: batch normalisation has seen the chips."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        net = UNet(widths=(16, 24, 32, 48)).train()
        with torch.no_grad():
            net.head.weight *= 8
            for _ in range(30):
                net(torch.from_numpy(chips(0)))
    given = {"name": "small", "version": "1", "thresholds": tuple(0.09 * n for n in range(1, 11)), **contract}
    export_onnx(net.eval(), ModelContract(**given), path)
    return path


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("int8")
    metrics = Metrics(measured_on="a field", jaccard={"crops": 0.5}, mean_jaccard=0.5)
    fp32 = write_network(
        folder / "fp32.onnx", tile=256, metrics=metrics, training={"seed": 4, "data": {"simulated": 2}}
    )
    seen = []
    int8 = quantise(
        fp32,
        [chips(0), chips(1)],
        folder / "new" / "int8.onnx",
        note={"seed": 9},
        progress=lambda *now: seen.append(now),
    )
    return fp32, int8, seen


def difference(one, other, images):
    a, b = (load_model(path, precision="f32").predict(images) for path in (one, other))
    assert a.std() > 0.1  # otherwise nothing could go wrong
    return float(np.abs(a - b).mean())


def test_weights_and_arithmetic_are_int8(pair):
    fp32, int8, _ = pair
    graph = onnx.load(int8).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("QuantizeLinear") >= 15
    weights = [array for array in graph.initializer if len(array.dims) == 4]
    assert {array.data_type for array in weights} == {onnx.TensorProto.INT8}
    assert int8.stat().st_size < 0.45 * fp32.stat().st_size
    network = load_model(int8)._all_cores.compiled.get_runtime_model()
    executed = [
        node.get_rt_info()["runtimePrecision"].astype(str)
        for node in network.get_ops()
        if node.get_rt_info()["layerType"].astype(str) in {"Convolution", "Deconvolution"}
    ]
    assert len(executed) == 20
    assert executed.count("i8") + executed.count("u8") >= 17


def test_the_contract_is_kept_and_says_how_the_file_was_made(pair):
    fp32, int8, _ = pair
    before, after = load_model(fp32), load_model(int8)
    assert after.contract.precision == "int8"
    note = after.contract.training["quantisation"]
    assert (note["chips"], note["seed"], note["fp32_sha256"]) == (8, 9, before.sha256)
    assert note["tool"].startswith("nncf ")
    kept = {name: value for name, value in after.contract.training.items() if name != "quantisation"}
    assert after.contract.metrics.measured_on == "a field; measured with the fp32 model that it was made of"
    changed = {"precision": "fp32", "training": kept, "metrics": before.contract.metrics}
    assert after.contract.model_copy(update=changed) == before.contract


def test_input_and_output_are_those_of_the_fp32_file(pair):
    def ports(path):
        graph = onnx.load(path).graph
        return [
            (port.name, [axis.dim_param or axis.dim_value for axis in port.type.tensor_type.shape.dim])
            for port in (*graph.input, *graph.output)
        ]

    fp32, int8, _ = pair
    assert ports(int8) == ports(fp32) == [("image", ["N", 8, "H", "W"]), ("probability", ["N", 10, "H", "W"])]
    assert load_model(int8).predict(chips(5, 2, 48)[:, :, :32]).shape == (2, 10, 32, 48)


def test_probabilities_are_nearly_those_in_fp32(pair):
    fp32, int8, _ = pair
    assert difference(fp32, int8, chips(7)) < TOLERANCE


def test_what_one_chip_of_many_shows_is_not_cut_off(pair, tmp_path):
    """Vehicles are on few chips; ranges that the other chips set would leave nothing of them."""
    fp32, _, _ = pair
    flat = np.full((31, 8, 32, 32), 0.3, np.float32)
    int8 = quantise(fp32, [flat, chips(0, 1, 96)], tmp_path / "int8.onnx")
    assert difference(fp32, int8, chips(7)) < TOLERANCE


def test_openvino_and_onnx_runtime_agree(pair):
    """Both must read the same arithmetic from the file: an int8 concatenation, for one, they do not."""
    runtime = pytest.importorskip("onnxruntime")
    _, int8, _ = pair
    images = chips(8)
    other = runtime.InferenceSession(str(int8)).run(None, {"image": images})[0]
    assert np.abs(load_model(int8, precision="f32").predict(images) - other).mean() < 0.002


def test_calibration_on_the_wrong_images_is_seen_in_the_probabilities(pair, tmp_path):
    fp32, int8, _ = pair
    blind = quantise(fp32, [np.zeros((8, 8, 96, 96), np.float32)], tmp_path / "blind.onnx")
    images = chips(7)
    assert difference(fp32, blind, images) > max(2 * TOLERANCE, 3 * difference(fp32, int8, images))


def test_probabilities_have_finer_steps_than_results_keep(pair):
    _, int8, _ = pair
    found = load_model(int8, precision="f32").predict(chips(7))
    levels = np.unique(np.rint(250 * found))
    assert len(levels) > 240  # nearly all of 0..250


def test_a_tile_has_the_same_result_in_any_batch_and_thread(pair):
    _, int8, _ = pair
    model = load_model(int8)
    images = chips(3, 6)
    alone = [model.predict(image[None]) for image in images]
    assert np.array_equal(np.concatenate(alone), model.predict(images))
    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(lambda image: model.predict(image[None]), [*images] * 3))
    assert all(np.array_equal(alone[n % 6], found) for n, found in enumerate(parallel))


def test_the_same_images_give_the_same_file(pair, tmp_path):
    fp32, int8, _ = pair
    again = quantise(fp32, iter([chips(0), chips(1)]), tmp_path / "again.onnx", note={"seed": 9})
    assert again.read_bytes() == int8.read_bytes()


def test_progress_reaches_the_end_and_nothing_is_printed(pair, tmp_path, capfd):
    fp32, _, seen = pair
    assert seen[0] == (1, 8)
    assert seen[-1] == (8, 8)
    quantise(fp32, [chips(0, 2)], tmp_path / "quiet.onnx")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ([], "at least one image is needed"),
        ([np.zeros((8, 96, 96), np.float32)], r"\(N, 8, H, W\)"),
        ([np.zeros((1, 4, 96, 96), np.float32)], r"not \(1, 4, 96, 96\)"),
        ([np.zeros((1, 8, 90, 96), np.float32)], "multiples of 16"),
        ([np.full((1, 8, 96, 96), np.nan, np.float32)], "not finite"),
    ],
)
def test_unsuitable_images_are_refused_in_a_sentence(pair, tmp_path, images, sentence):
    with pytest.raises(InputError, match=sentence):
        quantise(pair[0], images, tmp_path / "no.onnx")
    assert list(tmp_path.iterdir()) == []


def test_an_int8_model_or_none_at_all_is_refused(pair, tmp_path):
    with pytest.raises(InputError, match="int8 already"):
        quantise(pair[1], [chips(0)], tmp_path / "no.onnx")
    with pytest.raises(ModelError, match="cannot be read"):
        quantise(tmp_path / "missing.onnx", [chips(0)], tmp_path / "no.onnx")
    assert list(tmp_path.iterdir()) == []


def test_split_concatenations_change_nothing(pair, tmp_path):
    fp32, _, _ = pair
    model = onnx.load(fp32)
    split = split_concatenations(model)
    onnx.save(split, tmp_path / "split.onnx")
    count = [node.op_type for node in model.graph.node].count
    after = [node.op_type for node in split.graph.node].count
    assert (count("Concat"), after("Concat")) == (3, 0)
    assert (count("Conv"), after("Conv"), after("Add")) == (14, 17, 3)
    a, b = (load_model(path, precision="f32").predict(chips(2)) for path in (fp32, tmp_path / "split.onnx"))
    assert np.abs(a - b).max() < 1e-4


def test_a_concatenation_of_three_parts_is_split_and_one_that_others_read_is_not(tmp_path):
    def ran(model):
        runtime = pytest.importorskip("onnxruntime")
        return runtime.InferenceSession(model.SerializeToString()).run(None, {"x": image})

    class Joined(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.ways = torch.nn.ModuleList(torch.nn.Conv2d(3, width, 1) for width in (2, 5, 3))
            self.first = torch.nn.Conv2d(10, 4, 3)
            self.second = torch.nn.Conv2d(6, 4, 3)

        def forward(self, x):
            three = torch.cat([way(x) for way in self.ways], 1)
            also = torch.cat([x, x], 1)
            return self.first(three), self.second(also), torch.sigmoid(also)

    image = np.random.default_rng(0).normal(size=(1, 3, 8, 8)).astype(np.float32)
    path = str(tmp_path / "joined.onnx")
    with warnings.catch_warnings(action="ignore"):  # torch has a newer exporter
        torch.onnx.export(Joined().eval(), (torch.from_numpy(image),), path, input_names=["x"], dynamo=False)
    model = onnx.load(path)
    split = split_concatenations(model)
    onnx.checker.check_model(split)
    assert [node.op_type for node in split.graph.node].count("Concat") == 1
    for before, after in zip(ran(model), ran(split), strict=True):
        np.testing.assert_allclose(before, after, atol=1e-5)
