"""`suelo simulate`, `suelo model show`, `suelo train` and `suelo evaluate`."""

import json
import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest
import rasterio
from typer.testing import CliRunner

from suelo.cli.app import app
from suelo.errors import InputError, ModelError
from suelo.model.contract import METADATA_KEY
from suelo.model.session import load_model


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=True)


def test_simulate_writes_the_scene_and_its_truth(tmp_path):
    result = invoke(
        "simulate", tmp_path / "scene.tif", "--size", 96, "--height", 64, "--seed", 3, "--crs", "EPSG:32618"
    )
    assert result.exit_code == 0, result.output
    assert {p.name for p in tmp_path.iterdir()} == {"scene.tif", "scene_truth.tif", "scene_truth.gpkg"}
    with rasterio.open(tmp_path / "scene.tif") as scene:
        assert (scene.count, scene.height, scene.width) == (8, 64, 96)
        assert scene.crs.to_epsg() == 32618


def test_simulate_refuses_an_unknown_crs_in_a_sentence(tmp_path, capfd):
    result = invoke("simulate", tmp_path / "scene.tif", "--crs", "EPSG:9")
    assert isinstance(result.exception, InputError)
    assert "EPSG:9" in str(result.exception)
    assert capfd.readouterr().err == ""  # GDAL prints nothing of itself
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["scene.png", "scene"])
def test_simulate_refuses_a_name_that_is_none_of_a_tiff(tmp_path, name):
    result = invoke("simulate", tmp_path / name, "--size", 32)
    assert isinstance(result.exception, InputError)
    assert str(result.exception) == f"A scene is a TIFF, and {name} is no name of one; it needs to end in .tif."
    assert list(tmp_path.iterdir()) == []


def test_simulate_refuses_a_folder_and_a_file_in_the_place_of_one(tmp_path):
    assert "is a folder" in str(invoke("simulate", tmp_path, "--size", 32).exception)
    (tmp_path / "file").touch()
    result = invoke("simulate", tmp_path / "file" / "x.tif", "--size", 32)
    assert isinstance(result.exception, InputError)
    assert "file cannot be made: " in str(result.exception)


def test_serve_says_what_is_wrong_with_its_settings_and_its_host(tmp_path, monkeypatch):
    monkeypatch.setenv("SUELO_HOME", str(tmp_path / "home"))
    result = invoke("serve", "--host", "nosuch.invalid")
    assert isinstance(result.exception, InputError)
    assert str(result.exception).startswith("The host nosuch.invalid has no address")
    monkeypatch.setenv("SUELO_THREADS", "abc")
    for arguments in (["serve"], ["worker"], ["user", "list"]):
        result = invoke(*arguments)
        assert isinstance(result.exception, InputError)
        assert str(result.exception).startswith("The variable SUELO_THREADS cannot be 'abc': ")


@pytest.mark.parametrize("arguments", [["serve", "--port", "0"], ["worker"]])
@pytest.mark.parametrize(("setting", "value"), [("SUELO_HOME", "{file}"), ("SUELO_STORE", "file://{file}/store")])
def test_a_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path, monkeypatch, setting, value, arguments):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("SUELO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(setting, value.format(file=file))
    result = invoke(*arguments)
    assert isinstance(result.exception, InputError)
    assert str(result.exception).startswith(f"Results cannot be kept in {file}")


@pytest.mark.parametrize("arguments", [["serve", "--port", "0"], ["worker"]])
@pytest.mark.parametrize(("variable", "value"), [("SUELO_MODEL", "nothing.onnx"), ("SUELO_PROVIDER", "abacus")])
def test_a_model_that_cannot_be_used_is_said_before_work_is_taken(tmp_path, monkeypatch, arguments, variable, value):
    monkeypatch.setenv("SUELO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(variable, value)
    result = invoke(*arguments)
    assert isinstance(result.exception, ModelError)
    assert value in str(result.exception)
    assert "The page is on" not in result.output


def test_model_show_prints_what_the_contract_says():
    contract = load_model().contract
    result = invoke("model", "show")
    assert result.exit_code == 0
    assert f"{contract.name} {contract.version}" in result.output
    assert f"{contract.metrics.jaccard['buildings']:.3f}" in result.output
    assert json.loads(invoke("model", "show", "--json").output) == contract.model_dump(mode="json")


def test_model_show_takes_words_and_claims_no_licence_that_a_file_does_not_state(tmp_path):
    onnx = pytest.importorskip("onnx")
    assert "; measured with the model without flips" in " ".join(invoke("model", "show", "flips").output.split())
    shipped = onnx.load(files("suelo.model") / "weights" / "suelo.onnx")
    onnx.helper.set_model_props(shipped, {METADATA_KEY: '{"name": "theirs", "version": "1"}'})
    onnx.save(shipped, tmp_path / "theirs.onnx")
    assert "theirs 1, fp32, licence not stated" in invoke("model", "show", tmp_path / "theirs.onnx").output


def test_model_show_refuses_what_is_no_model(tmp_path):
    file = tmp_path / "text.onnx"
    file.write_text("hello")
    assert isinstance(invoke("model", "show", file).exception, ModelError)


def test_evaluate_prints_the_figures_of_each_class():
    result = invoke("evaluate", "--scenes", 1, "--size", 160, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert [c["key"] for c in found["classes"]] == list(load_model().contract.classes)
    measured = [c["jaccard"] for c in found["classes"] if c["jaccard"] is not None]
    assert found["mean_jaccard"] == pytest.approx(sum(measured) / len(measured))


def without_torch(*arguments):
    """Run `suelo …` where PyTorch is not installed, as after `make run`."""
    code = "import sys; sys.modules['torch'] = None; from suelo.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], check=False, capture_output=True, text=True)


def test_a_model_is_measured_without_the_training_extra():
    result = without_torch("evaluate", "--scenes", "1", "--size", "160")
    assert result.returncode == 0, result.stderr
    assert "| buildings |" in result.stdout


def test_training_without_its_extra_says_what_to_install():
    result = without_torch("train", "--quick")
    assert result.returncode == 2
    assert "'.[train]'" in result.stderr
    assert result.stderr.count("\n") == 1


def test_train_makes_a_model_that_says_what_it_was_made_of(tmp_path):
    pytest.importorskip("torch", reason="training is an extra: pip install '.[train]'")
    result = invoke(
        *("train", "--quick", "--steps", 4, "--scenes", 1, "--seed", 7),
        *("--out", tmp_path / "m.onnx", "--work", tmp_path / "work"),
    )
    assert result.exit_code == 0, result.output
    contract = load_model(tmp_path / "m.onnx").contract
    assert contract.training["seed"] == 7
    assert contract.metrics is not None


def test_train_makes_a_network_of_the_shape_that_was_asked_for(tmp_path):
    pytest.importorskip("torch", reason="training is an extra: pip install '.[train]'")
    shape = ("--fold", 4, "--widths", "8,16,24", "--indices")
    out, work = ("--out", tmp_path / "m.onnx"), ("--work", tmp_path / "work")
    result = invoke("train", "--quick", "--steps", 2, "--scenes", 1, *shape, *out, *work)
    assert result.exit_code == 0, result.output
    model = load_model(tmp_path / "m.onnx")
    made = model.contract.training
    assert (made["fold"], made["widths"], made["indices"]) == (4, [8, 16, 24], True)
    assert model.predict(np.zeros((1, 8, 48, 32), np.float32)).shape == (1, 10, 48, 32)


@pytest.mark.parametrize("widths", ["32,many", "", "0,8"])
def test_widths_that_are_no_numbers_are_refused(tmp_path, widths):
    pytest.importorskip("torch", reason="training is an extra: pip install '.[train]'")
    result = invoke("train", "--widths", widths, "--work", tmp_path / "work")
    assert isinstance(result.exception, InputError)
    assert "Channels per level are whole numbers" in str(result.exception)
