"""`suelo evaluate` on labelled images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shapely import box
from typer.testing import CliRunner

from suelo.cli.app import app
from suelo.errors import InputError
from suelo.model.session import load_model
from suelo.training.dstl import DstlFolder
from suelo.training.evaluate_dstl import evaluate_dstl


def invoke(*arguments):
    return CliRunner().invoke(app, ["evaluate", *(str(a) for a in arguments)])


@pytest.fixture
def data(write_dstl_folder, tmp_path) -> Path:
    return write_dstl_folder(tmp_path / "labelled", ("6010_1_2", "6110_1_2", "6140_1_2"))


@pytest.fixture
def model(write_model, tmp_path) -> Path:
    """A model that has not seen any image."""
    return write_model(tmp_path / "stranger.onnx", training={"images": ["6060_2_3"]})


def test_all_labelled_images_of_a_folder_are_measured(data, model):
    result = invoke("--data", data, "--model", model)
    assert result.exit_code == 0, result.output
    heading, _, head, _, first, *_ = result.stdout.splitlines()
    assert heading == "3 images (6010_1_2, 6110_1_2, 6140_1_2) of labelled"
    assert "| polygon Jaccard |" in head
    expected = evaluate_dstl(load_model(model), DstlFolder(data)).classes[0]
    assert first.startswith(f"| buildings | {expected.threshold:.3f} | {expected.jaccard:.3f} |")


def test_some_images_as_json_with_flips(data, model):
    images = ("6140_1_2", "6010_1_2")
    result = invoke("--data", data, "--model", model, "--images", ",".join(images), "--flips", "--json")
    assert result.exit_code == 0, result.output
    expected = evaluate_dstl(load_model(model), DstlFolder(data), images, flips=True)
    assert json.loads(result.stdout) == expected.to_json()


def test_the_rule_for_water_stands_beside_the_network(data):
    table = invoke("--data", data, "--images", "6010_1_2", "--water-rule")
    assert table.exit_code == 0, table.output
    shown = table.stdout[table.stdout.index("Water, beside a rule on bands") :]
    assert "2 folds" in shown  # 6110_1_2 and 6140_1_2 show the same ground
    found = json.loads(invoke("--data", data, "--images", "6010_1_2", "--water-rule", "--json").stdout)
    network = {score["key"]: score for score in found["classes"]}
    for score in found["water_rule"]["classes"]:
        assert score["scenes"] == 1
        assert f"| {score['key']} | {network[score['key']]['jaccard']:.3f} | {score['jaccard']:.3f} |" in shown


def test_a_model_that_saw_the_images_is_not_tested_by_them(data, tmp_path):
    onnx = pytest.importorskip("onnx", reason="training is an extra: pip install '.[train]'")
    from suelo.model.contract import METADATA_KEY

    contract = load_model().contract.model_copy(update={"training": {"images": ["6110_1_2"]}})
    network = onnx.load(Path(__import__("suelo.model").model.__path__[0]) / "weights" / "suelo.onnx")
    entry = next(prop for prop in network.metadata_props if prop.key == METADATA_KEY)
    entry.value = contract.to_json()
    onnx.save(network, tmp_path / "m.onnx")
    seen = invoke("--model", tmp_path / "m.onnx", "--data", data, "--images", "6140_1_2,6110_1_2")
    assert seen.stdout.splitlines()[1] == "These images were trained on: not a test."
    unseen = invoke("--model", tmp_path / "m.onnx", "--data", data, "--images", "6010_1_2")
    assert "not a test" not in unseen.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images", "6010_1_2"], "--data"),
        (["--flips"], "--data"),
        (["--water-rule"], "--data"),
        (["--data", "DATA", "--scenes", "3"], "--images"),
        (["--data", "DATA", "--size", "64"], "--images"),
        (["--data", "DATA", "--images", "6010_1_2,1234_5_6"], "'1234_5_6'"),
        (["--data", "nowhere"], "nowhere"),
    ],
)
def test_what_does_not_fit_together_is_said_in_a_sentence(data, arguments, message):
    result = invoke(*(data if argument == "DATA" else argument for argument in arguments))
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)


def test_a_folder_without_any_image_is_refused(write_dstl_folder, tmp_path):
    root = write_dstl_folder(tmp_path / "d", ("6010_1_2",), shapes={"6010_1_2": {1: box(0, 0, 9, 9)}})
    (root / "sixteen_band" / "6010_1_2_M.tif").unlink()
    result = invoke("--data", root)
    assert isinstance(result.exception, InputError)
    assert "no M image" in str(result.exception)
