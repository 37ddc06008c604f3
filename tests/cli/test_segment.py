"""`suelo segment` as people and programs call it: files, exit codes, messages."""

import csv
import json
import os
from contextlib import ExitStack

import numpy as np
import pyogrio
import pytest
import rasterio

from suelo.cli.segment import _folders
from suelo.errors import InputError
from suelo.segmentation import resumable
from suelo.simulation import simulate


@pytest.fixture(scope="module")
def chip(tmp_path_factory):
    path = tmp_path_factory.mktemp("chip") / "chip.tif"
    simulate(path, height=160, width=160, seed=11)
    return path


def test_an_image_gets_a_folder_with_all_files(suelo, chip, tmp_path):
    code, out, _ = suelo("segment", chip, "-o", tmp_path)
    assert code == 0
    assert {p.name for p in (tmp_path / "chip").iterdir()} == {
        "probabilities.tif",
        "polygons.gpkg",
        "polygons.geojson",
        "classes.csv",
        "preview.png",
        "result.json",
    }
    assert "Buildings" in out
    with rasterio.open(chip) as image, rasterio.open(tmp_path / "chip" / "probabilities.tif") as probabilities:
        assert (probabilities.crs, probabilities.transform) == (image.crs, image.transform)


def test_an_image_without_crs_is_said_to_have_none(suelo, chip, draw_image, tmp_path):
    plane = draw_image(tmp_path / "plane.tif", 64, 64)
    _, out, _ = suelo("segment", plane, "-o", tmp_path, "--gsd", "2.5", "--format", "csv")
    assert "has no CRS: a pixel is taken to be 2.5 m wide" in out
    _, out, _ = suelo("segment", chip, "-o", tmp_path, "--format", "csv")
    assert "no CRS" not in out


def test_thresholds_and_classes_decide_what_is_written(suelo, chip, tmp_path):
    code, _, _ = suelo(
        "segment", chip, "-o", tmp_path, "--threshold", "trees=0.2", "--threshold", "0.3", "--classes", "trees, roads"
    )
    assert code == 0
    result = json.loads((tmp_path / "chip" / "result.json").read_text())
    assert result["selection"]["thresholds"]["trees"] == 0.2
    assert result["selection"]["thresholds"]["roads"] == 0.3
    assert set(result["selection"]["classes"]) == {"trees", "roads"}
    polygons = pyogrio.read_dataframe(tmp_path / "chip" / "polygons.gpkg")
    assert set(polygons["class"]) <= {"trees", "roads"}


def test_one_bad_file_does_not_stop_the_others(suelo, chip, tmp_path):
    bad = tmp_path / "photo.tif"
    with rasterio.open(bad, "w", driver="GTiff", width=32, height=32, count=3, dtype="uint8") as image:
        image.write(np.full((3, 32, 32), 7, np.uint8))
    out = tmp_path / "out"
    code, _, err = suelo("segment", bad, chip, "-o", out)
    assert code == 2
    assert "3 bands" in err
    assert (out / "chip" / "result.json").exists()
    assert not (out / "photo").exists()


def test_images_of_the_same_name_get_folders_of_their_own(suelo, chip, tmp_path):
    other = tmp_path / "elsewhere" / "chip.tif"
    other.parent.mkdir()
    other.write_bytes(chip.read_bytes())
    code, _, _ = suelo("segment", chip, other, "-o", tmp_path / "out", "--format", "csv")
    assert code == 0
    first, second = (tmp_path / "out" / name / "classes.csv" for name in ("chip", "chip-2"))
    assert first.read_text() == second.read_text()


def test_json_is_one_document_per_image(suelo, chip, tmp_path):
    code, out, _ = suelo("segment", chip, "missing.tif", "-o", tmp_path, "--json", "--format", "csv")
    assert code == 2
    good, bad = map(json.loads, out.splitlines())
    assert good["image"] == str(chip)
    with (tmp_path / "chip" / "classes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(r["polygons"]) for r in rows] == [c["polygons"] for c in good["classes"]]
    assert "missing.tif" in bad["error"]


def test_the_statistics_of_another_result_can_be_used(suelo, chip, tmp_path):
    suelo("segment", chip, "-o", tmp_path / "a", "--format", "csv")
    statistics = tmp_path / "a" / "chip" / "result.json"
    shifted = json.loads(statistics.read_text())
    shifted["statistics"]["high"] = [2 * v for v in shifted["statistics"]["high"]]
    statistics.write_text(json.dumps(shifted))
    code, _, _ = suelo("segment", chip, "-o", tmp_path / "b", "--statistics", statistics, "--format", "csv")
    assert code == 0
    used = json.loads((tmp_path / "b" / "chip" / "result.json").read_text())["statistics"]
    assert used == shifted["statistics"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--threshold", "swimming=0.3"], "There is no class 'swimming'"),
        (["--threshold", "1.5"], "1.5 is not"),
        (["--classes", ","], "',' has none"),
        (["--model", "nowhere.onnx"], "nowhere.onnx"),
        (["--statistics", "nowhere.json"], "nowhere.json"),
    ],
)
def test_bad_options_are_refused_before_any_work(suelo, chip, tmp_path, arguments, sentence):
    code, _, err = suelo("segment", chip, "-o", tmp_path / "out", *arguments)
    assert code == 2
    assert sentence in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_name_that_is_not_in_utf_8_does_not_stop_the_others(suelo, chip, tmp_path, as_json):
    odd = tmp_path / os.fsdecode(b"caf\xe9.tif")
    odd.write_bytes(chip.read_bytes())
    code, out, err = suelo("segment", odd, chip, "-o", tmp_path / "out", "--format", "csv", *as_json)
    assert code == 2
    assert "caf\\xe9.tif is not in UTF-8; Suelo needs" in err
    assert (tmp_path / "out" / "chip" / "result.json").exists()
    if as_json:
        names = [json.loads(line)["image"].rpartition("/")[2] for line in out.splitlines()]
        assert names == ["caf\\xe9.tif", "chip.tif"]


def test_a_line_break_in_a_name_is_left_out_of_names_of_results(suelo, chip, tmp_path):
    odd = tmp_path / "one\ntwo.tif"
    odd.write_bytes(chip.read_bytes())
    code, _, _ = suelo("segment", odd, "-o", tmp_path / "out", "--format", "gpkg")
    assert code == 0
    assert (tmp_path / "out" / "one_two" / "polygons.gpkg").exists()


def test_an_output_with_a_line_break_is_refused_before_any_work(suelo, chip, tmp_path):
    code, _, err = suelo("segment", chip, "-o", tmp_path / "one\ntwo")
    assert code == 2
    assert "it needs a path without" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "one\ntwo").exists()


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), RuntimeError("It broke.\nAnd more.")])
def test_what_breaks_for_one_image_does_not_stop_the_others(suelo, chip, tmp_path, monkeypatch, error):
    first = tmp_path / "first.tif"
    first.write_bytes(chip.read_bytes())
    open_scene = resumable.open_scene

    def fail(source, **options):
        if source == str(first):
            raise error
        return open_scene(source, **options)

    monkeypatch.setattr(resumable, "open_scene", fail)
    code, _, err = suelo("segment", first, chip, "-o", tmp_path / "out", "--format", "csv", "-q")
    assert code == 1
    assert err.splitlines() == [f"{first}: It cannot be segmented: {error.args[-1].splitlines()[0].rstrip('.')}."]
    assert (tmp_path / "out" / "chip" / "result.json").exists()


def test_an_output_that_may_not_be_entered_is_said_in_a_sentence(tmp_path):
    (tmp_path / "locked").mkdir(mode=0)
    with ExitStack() as stack:
        if os.geteuid() == 0:  # root enters everything, so be nobody for a moment
            tmp_path.chmod(0o755)
            for parent in list(tmp_path.parents)[:2]:
                parent.chmod(0o755)
            os.seteuid(65534)
            stack.callback(os.seteuid, 0)
        with pytest.raises(InputError, match="locked/out cannot be used: Permission denied"):
            _folders(["a.tif"], tmp_path / "locked" / "out")


def test_folders_are_named_after_files_keys_and_paths_of_addresses(tmp_path):
    images = ["what?.tif", "s3://b/k/a#1?.tif", "https://host/b.tif?token=x.y"]
    assert [folder.name for folder in _folders(images, tmp_path)] == ["what?", "a#1?", "b"]


def test_an_image_without_extension_in_the_output_is_in_the_way(suelo, chip, tmp_path, monkeypatch):
    (tmp_path / "scene").write_bytes(chip.read_bytes())
    monkeypatch.chdir(tmp_path)
    code, _, err = suelo("segment", "scene", "-o", ".", "--resume", "-q")
    assert code == 2
    assert "The folder scene cannot be made: " in err


def test_the_environment_says_the_model_and_the_threads(suelo, chip, tmp_path, monkeypatch, write_model):
    monkeypatch.setenv("SUELO_MODEL", str(write_model(tmp_path / "mine.onnx", name="mine")))
    monkeypatch.setenv("SUELO_THREADS", "1")
    monkeypatch.setenv("SUELO_HOME", str(tmp_path / "home"))
    code, _, _ = suelo("segment", chip, "-o", tmp_path / "out", "--format", "csv", "-q")
    assert code == 0
    assert json.loads((tmp_path / "out" / "chip" / "result.json").read_text())["model"]["name"] == "mine"
    assert not (tmp_path / "home").exists()
    monkeypatch.setenv("SUELO_THREADS", "many")
    code, _, err = suelo("segment", chip, "-o", tmp_path / "out", "-q")
    assert code == 2
    assert err.startswith("Error: The variable SUELO_THREADS cannot be 'many': ")


def test_a_provider_runs_the_network(suelo, chip, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install '.[train]'")
    for name, options in (("usual", ()), ("other", ("--provider", "cpu"))):
        assert suelo("segment", chip, "-o", tmp_path / name, "--format", "csv", "-q", *options)[0] == 0
    areas = [np.array([float(row["area_m2"]) for row in read_csv(tmp_path / name)]) for name in ("usual", "other")]
    assert areas[0].sum() > 0
    np.testing.assert_allclose(areas[1], areas[0], rtol=0.05, atol=20)
    monkeypatch.setenv("SUELO_PROVIDER", "abacus")
    code, _, err = suelo("segment", chip, "-o", tmp_path / "none", "-q")
    assert code == 2
    assert "ONNX Runtime has no provider 'abacus'" in err
    assert not (tmp_path / "none").exists()


def read_csv(folder):
    with (folder / "chip" / "classes.csv").open(newline="") as file:
        return list(csv.DictReader(file))
