"""`suelo train --data` and the benchmarks that read its folds."""

import json
import re

import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="training is an extra: pip install '.[train]'")

from suelo.cli.app import app
from suelo.errors import InputError
from suelo.model.session import load_model

IMAGES = ("6010_1_2", "6010_4_2", "6040_2_2", "6040_1_3", "6060_2_3", "6070_2_3", "6110_1_2", "6140_1_2")


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def data(tmp_path_factory, write_dstl_folder):
    return write_dstl_folder(tmp_path_factory.mktemp("data") / "dstl", IMAGES, height=176, width=192)


def small(data, work, *more):
    return ("--data", data, "--work", work, "--scenes", 0, "--steps", 2, "--widths", "8,12,16", *more)


def seen(work, fold):
    return set(load_model(work / f"fold-{fold}" / "model.onnx").contract.training["images"])


@pytest.mark.slow
def test_the_benchmark_prints_the_figures_of_the_model_that_was_trained_with_the_same_options(data, tmp_path):
    work, out = tmp_path / "work", tmp_path / "real.onnx"
    options = small(data, work, "--watch", 1, "--patience", 1)
    trained = invoke("train", *options, "--out", out)
    assert trained.exit_code == 0, trained.output
    text = " ".join(trained.output.split())
    assert str(out) in text
    assert str(work / "report" / "index.html") in text
    assert (work / "report" / "index.html").is_file()
    contract = load_model(out).contract
    assert contract.training["patience"] == contract.training["watch"] == 1
    assert 0 < len(contract.training["images"]) < len(IMAGES)
    networks = {path: path.stat().st_mtime_ns for path in work.rglob("checkpoint.pt")}
    judged = invoke("benchmark", "m", *options, "--json")
    assert judged.exit_code == 0, judged.output
    network, rule = json.loads(judged.stdout)
    assert network["mean_jaccard"] == pytest.approx(contract.metrics.mean_jaccard)
    assert {c["key"]: c["jaccard"] for c in network["classes"]} == contract.metrics.jaccard
    assert rule["measured_on"] != network["measured_on"]
    assert {path: path.stat().st_mtime_ns for path in work.rglob("checkpoint.pt")} == networks


@pytest.mark.slow
def test_by_region_no_network_saw_an_image_of_the_region_that_it_is_judged_on(data, tmp_path):
    work = tmp_path / "work"
    result = invoke("benchmark", "m", *small(data, work, "--by", "region"))
    assert result.exit_code == 0, result.output
    assert f"{len(IMAGES)} DSTL images, each by a network that had not seen its ground; 4 folds" in result.output
    assert re.search(r"\| buildings \|.*\| \*\*mean\*\* \|.*\| waterway \| ", result.output, re.DOTALL)
    for fold in range(4):
        regions = {name[:4] for name in set(IMAGES) - seen(work, fold)}
        assert regions
        assert not regions & {name[:4] for name in seen(work, fold)}
    again = invoke("benchmark", "m", *small(data, work, "--by", "region"))
    assert again.output == result.output


def test_only_scenes_and_regions_stay_together(data, tmp_path):
    result = invoke("benchmark", "m", *small(data, tmp_path, "--by", "country"))
    assert isinstance(result.exception, InputError)
    assert str(result.exception) == "What stays together is scene or region, not 'country'."
