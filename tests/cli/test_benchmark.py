"""`suelo benchmark`."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suelo.cli.app import app
from suelo.training import swir
from suelo.training.swir_fit import SwirOptions


@pytest.fixture
def quick(monkeypatch):
    """The benchmark with three folds of three steps."""
    options = SwirOptions(steps=3, batch=64, networks=1, widths=(6,))
    original = swir.run_swir
    monkeypatch.setattr(
        swir, "run_swir", lambda given, report: original(replace(given, folds=3, options=options), report)
    )


def test_swir_prints_the_table_of_the_model_card(tmp_path, write_dstl_folder, quick):
    root = write_dstl_folder(tmp_path / "dstl", ("6010_1_2", "6040_1_0", "6110_1_2"))
    arguments = ["benchmark", "swir", "--data", str(root), "--work", str(tmp_path / "work"), "--seed", "5"]
    first, second = (CliRunner().invoke(app, arguments, catch_exceptions=False) for _ in range(2))
    assert first.exit_code == 0
    assert "3 SWIR images at 7.5 m, 3 folds by place, seed 5" in first.output
    assert "| class | Jaccard | boosting | average precision |" in first.output
    assert "| small_vehicles |" in first.output
    assert second.output == first.output


@pytest.mark.shared_data
def test_elsewhere_prints_the_figures_of_the_model_card(shared_data, tmp_path):
    picture = tmp_path / "agreement.png"
    arguments = ["benchmark", "elsewhere", "--data", str(shared_data / "chips"), "--picture", str(picture)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    rows = dict(re.findall(r"^\| \**(\w+)\** \| *[\d.]* *\| \**([\d.]+)\** \|", result.output, re.MULTILINE))
    card = (Path(__file__).parents[2] / "docs" / "model-card.md").read_text()
    for name in ("buildings", "roads", "trees"):
        assert re.search(rf"^\| {name} .*\b0?\.{rows[name][2:]}\b", card, re.MULTILINE), (name, rows[name])
    assert picture.read_bytes()[1:4] == b"PNG"
    assert json.loads(CliRunner().invoke(app, [*arguments[:4], "--json"]).stdout)["classes"][0]["key"] == "buildings"


def test_pictures_that_cannot_be_kept_are_said_before_anything_is_trained(tmp_path, write_dstl_folder, suelo):
    taken = tmp_path / "taken"
    taken.touch()
    root, work = write_dstl_folder(tmp_path / "dstl"), tmp_path / "work"
    code, _, err = suelo("benchmark", "m", "--data", root, "--work", work, "--pictures", taken)
    assert code == 1
    assert "The file taken cannot be written: File exists." in err
    assert not work.exists()
