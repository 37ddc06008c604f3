"""`suelo quantise`: an int8 file, and a table to decide by."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from suelo.cli.app import app
from suelo.errors import InputError, ModelError
from suelo.model.session import load_model

pytest.importorskip("torch", reason="quantisation is in the training extra: pip install '.[train]'")

from suelo.training.comparison import Comparison, Losses, Speed


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=True)


def test_it_has_help_with_an_example():
    result = invoke("quantise", "--help")
    assert result.exit_code == 0
    assert "suelo quantise suelo.onnx -o suelo-int8.onnx" in result.output


def test_without_the_training_extra_it_says_what_to_install(tmp_path):
    code = "import sys; sys.modules['nncf'] = None; from suelo.cli import main; main()"
    command = [sys.executable, "-c", code, "quantise", "model.onnx", "-o", str(tmp_path / "int8.onnx")]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 2
    assert "'.[train]'" in result.stderr
    assert "nncf" in result.stderr
    assert result.stderr.count("\n") == 1


def test_what_is_no_model_is_refused_before_scenes_are_made(tmp_path):
    pytest.importorskip("nncf", reason="quantisation is in the training extra: pip install '.[train]'")
    result = invoke("quantise", tmp_path / "missing.onnx", "-o", tmp_path / "int8.onnx")
    assert isinstance(result.exception, ModelError)
    held = invoke("quantise", *untrained(tmp_path), "--hold-out", "6010_1_2")
    assert isinstance(held.exception, InputError)
    assert "'6010_1_2'" in str(held.exception)


def untrained(folder):
    torch = pytest.importorskip("torch", reason="training is an extra: pip install '.[train]'")
    from suelo.model.contract import ModelContract
    from suelo.training.export import export_onnx
    from suelo.training.network import UNet

    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = UNet(widths=(4, 6, 8, 10))
    thresholds = (0.02,) * 10  # below what an untrained network says everywhere
    export_onnx(net, ModelContract(name="raw", version="0", thresholds=thresholds), folder / "m.onnx")
    return folder / "m.onnx", "-o", folder / "int8.onnx"


def test_the_figures_are_those_of_images_that_were_held_out(tmp_path, write_dstl_folder):
    pytest.importorskip("nncf", reason="quantisation is in the training extra: pip install '.[train]'")
    data = write_dstl_folder(tmp_path / "dstl")
    given = (*untrained(tmp_path), "--data", data, "--hold-out", "6110_1_2", "--chips", 8, "--scenes", 0)
    result = invoke("quantise", *given, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    (losses,) = found["losses"]
    # The two images of the same ground are both held out, and both measured.
    assert (losses["kind"], losses["scenes"]) == ("dstl", 2)
    pairs = [(losses["fp32"][key], losses["int8"][key]) for key in losses["fp32"]]
    assert losses["mean_loss"] == pytest.approx(sum(a - b for a, b in pairs) / len(pairs))
    assert any(a > 0 for a, _ in pairs)
    assert [speed["side"] for speed in found["speeds"]] == [160, 512]
    contract = load_model(tmp_path / "int8.onnx").contract
    assert contract.precision == "int8"
    assert contract.training["quantisation"]["scenes"] == {"dstl": 1}


def test_the_table_shows_both_models_the_loss_and_the_speed():
    ten = (0.5, None, *(0.25,) * 8)
    losses = Losses("dstl", 6, ten, (0.44, 0.1, *(0.25,) * 8))
    table = Comparison((losses,), (Speed(160, 10.0, 6.0),)).table()
    assert "| buildings | 0.500 | 0.440 | +0.0600 |" in table
    assert "| structures | not measurable | 0.100 |  |" in table
    assert "| **mean** | **0.278** | **0.271** | **+0.0067** |" in table
    assert "int8 loses +0.0067 on average, more than 0.005" in table
    assert "fp32 10.0 ms, int8 6.0 ms, ratio 0.60" in table
    assert "within 0.005" in Comparison((Losses("dstl", 6, ten, ten),), ()).table()
