"""`suelo.segment` from an image to its files."""

from __future__ import annotations

import gc
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.crs import CRS

import suelo
from suelo.errors import CancelledError, ImageError, InputError
from suelo.imagery.statistics import BandStatistics, measure_statistics
from suelo.landcover import CLASS_KEYS
from suelo.model.contract import Normalisation
from suelo.segmentation.exports import FORMATS
from suelo.segmentation.resumable import Run


@pytest.fixture(scope="module")
def model():
    return suelo.load_model()


@pytest.fixture
def image(tmp_path, draw_image):
    return draw_image(tmp_path / "town.tif", epsg=9377)


@pytest.fixture
def lively(model, image):
    """Thresholds at which the shipped model finds something in a made-up image, whatever it has learnt."""
    bands = suelo.segment(image, model=model).probabilities()
    levels = [np.percentile(band, 70) / 250 for band in bands]
    return suelo.Selection(tuple(min(1.0, max(level, 0.004)) for level in levels), min_area_m2=(3.0,) * 10)


def test_a_result_says_what_it_was_made_from(image, model):
    result = suelo.segment(image, model=model)
    with rasterio.open(image) as file:
        assert (result.grid.crs, result.grid.transform) == (file.crs, file.transform)
    assert result.name == "town"
    assert result.image_sha256 == hashlib.sha256(image.read_bytes()).hexdigest()
    assert result.model_sha256 == model.sha256
    assert result.selection == suelo.Selection(model.contract.thresholds)
    assert result.probabilities().shape == (10, 96, 128)


def test_bytes_paths_and_open_scenes_are_the_same_image(image, model):
    with suelo.open_scene(image) as scene:
        results = [suelo.segment(source, model=model) for source in (image, str(image), image.read_bytes(), scene)]
        results.append(suelo.segment(bytearray(image.read_bytes()), model=model))
        scene.read()
    first = results[0]
    for other in results[1:]:
        assert (other.probabilities() == first.probabilities()).all()
        assert other.image_sha256 == first.image_sha256
        assert other.statistics == first.statistics


def test_writing_gives_every_file(image, model, lively, tmp_path):
    result = suelo.segment(image, model=model, selection=lively)
    folder = tmp_path / "deep" / "out"
    told = []
    files = result.write(folder, FORMATS, told.append)
    names = [
        "probabilities.tif",
        "polygons.gpkg",
        "polygons.geojson",
        "polygons.fgb",
        "classes.csv",
        "classes.xlsx",
        "preview.png",
    ]
    assert files == [folder / name for name in [*names, "result.json"]]
    assert sorted(folder.iterdir()) == sorted(files)
    assert told[-1].done == told[-1].total == len(files)
    with rasterio.open(folder / "probabilities.tif") as file:
        assert (file.read() == result.probabilities()).all()
    document = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert document["image"]["sha256"] == result.image_sha256
    assert document["model"]["name"] == model.contract.name
    assert document["model"]["sha256"] == model.sha256
    assert document["software"] == {"name": "suelo", "version": suelo.__version__}
    assert document["selection"]["thresholds"] == dict(zip(CLASS_KEYS, lively.thresholds, strict=True))
    assert document["classes"] == [row.to_dict() for row in result.summary()]
    assert sum(row["polygons"] for row in document["classes"]) > 10
    assert BandStatistics.load(folder / "result.json") == result.statistics


def test_the_files_of_an_image_in_an_urban_grid_have_its_crs(make_model, tmp_path):
    urban = CRS.from_string("+proj=col_urban +lat_0=4.68 +lon_0=-74.146 +x_0=92335 +y_0=109321 +h_0=2550 +ellps=GRS80")
    place = {"crs": urban, "transform": Affine(2, 0, 92_000, 0, -2, 109_000)}
    with rasterio.open(tmp_path / "urban.tif", "w", "GTiff", 40, 30, 8, dtype="uint16", **place) as file:
        file.write(np.random.default_rng(2).integers(1, 2000, (8, 30, 40), np.uint16))
    result = suelo.segment(tmp_path / "urban.tif", model=make_model(), selection=suelo.Selection((0.4,) * 10))
    result.write(tmp_path / "out", ["gpkg", "geojson", "fgb"])
    found = geopandas.read_file(tmp_path / "out" / "polygons.gpkg", layer="landcover")
    assert found["area_m2"].to_numpy() == pytest.approx(found.area.to_numpy())
    assert sum(row.area_m2 for row in result.summary()) == pytest.approx(found.area.sum(), rel=1e-6)
    for other in (geopandas.read_file(tmp_path / "out" / f"polygons.{fmt}") for fmt in ("geojson", "fgb")):
        assert other.to_crs(4326).total_bounds == pytest.approx(found.to_crs(4326).total_bounds, abs=1e-7)
    assert not list(tmp_path.glob("out/*.aux.xml"))


def test_another_selection_needs_no_second_run(image, model, lively, monkeypatch):
    result = suelo.segment(image, model=model, selection=lively)
    monkeypatch.setattr(model, "run", None)
    roads = result.show(lively.with_classes(["roads"]))
    assert {part.land_cover.key for part in roads.polygons()} == {"roads"}
    higher = result.show(lively.with_thresholds({"roads": 1.0}))
    assert higher.summary()[2].area_m2 < roads.summary()[2].area_m2


def test_probabilities_live_as_long_as_their_result(image, model, tmp_path):
    result = suelo.segment(image, model=model)
    path = result.probabilities_path
    shown = result.show(result.selection)
    del result
    gc.collect()
    assert shown.probabilities().shape[0] == 10
    del shown
    gc.collect()
    assert not path.exists()
    kept = suelo.segment(image, model=model, directory=tmp_path / "kept").probabilities_path
    gc.collect()
    assert kept == tmp_path / "kept" / "probabilities.tif"
    assert kept.exists()


def test_writing_where_the_probabilities_are_keeps_them(image, model, tmp_path):
    result = suelo.segment(image, model=model, directory=tmp_path / "out")
    before = result.probabilities_path.stat().st_mtime_ns
    result.write(tmp_path / "out", ["csv"])
    assert result.probabilities_path.stat().st_mtime_ns == before


def test_a_scene_cut_in_two_with_shared_statistics_gives_the_same_map(make_scene, make_model):
    model = make_model(box=9)
    rng = np.random.default_rng(0)
    pixels = rng.uniform(100, 1500, (8, 200, 96))
    whole = make_scene(pixels, name="whole")
    result = suelo.segment(whole, model=model)
    part = suelo.segment(make_scene(pixels[:, :112], name="part"), model=model, statistics=result.statistics)
    difference = abs(result.probabilities()[:, :104].astype(int) - part.probabilities()[:, :104])
    assert difference.max() <= 1
    alone = suelo.segment(make_scene(pixels[:, :112] ** 1.1, name="alone"), model=model)
    assert alone.statistics != result.statistics


def test_a_scene_is_normalised_as_the_model_asks(image, make_model, tmp_path):
    asks = make_model(normalisation=Normalisation(low=5.0, high=90.0))
    statistics = suelo.segment(image, model=asks).statistics
    with suelo.open_scene(image) as scene:
        assert statistics == measure_statistics(scene, 5.0, 90.0)
    with Run(str(image), tmp_path / "run", asks) as run:
        assert run.statistics == statistics


def test_a_file_in_the_place_of_the_folder_is_said_in_a_sentence(image, model):
    with pytest.raises(InputError, match=r"town\.tif cannot be made: "):
        suelo.segment(image, model=model, directory=image)


def test_a_cancelled_segmentation_leaves_an_empty_folder(image, model, tmp_path):
    with pytest.raises(CancelledError):
        suelo.segment(image, model=model, directory=tmp_path / "out", cancelled=lambda: True)
    assert list((tmp_path / "out").iterdir()) == []


def test_bad_images_and_formats_are_refused_before_any_work(image, model, tmp_path):
    with pytest.raises(ImageError):
        suelo.segment(tmp_path / "nowhere.tif", model=model)
    with pytest.raises(ImageError):
        suelo.segment(b"no TIFF", model=model)
    result = suelo.segment(image, model=model)
    with pytest.raises(InputError, match="'shp'"):
        result.write(tmp_path / "out", ["gpkg", "shp"])
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be made"):
        result.write(tmp_path / "file", ["csv"])


@pytest.mark.shared_data
def test_every_real_chip_gives_files_that_open(shared_data, model, tmp_path):
    chips = sorted(path for path in (shared_data / "chips").iterdir() if path.suffix in {".tif", ".tiff"})
    assert len(chips) >= 5
    for chip in chips:
        probabilities = suelo.segment(chip, model=model)
        with suelo.open_scene(chip) as scene:
            valid = scene.read().valid
        bands = probabilities.probabilities()
        assert ((bands != 255) == valid).all()
        levels = [min(1.0, max(0.004, np.percentile(band[valid], 80) / 250)) for band in bands]
        result = probabilities.show(suelo.Selection(tuple(levels)))
        folder = tmp_path / chip.stem
        result.write(folder, FORMATS)
        rows = {row.class_id: row for row in result.summary()}
        assert sum(row.polygons for row in rows.values()) > 0
        with rasterio.open(folder / "probabilities.tif") as file:
            assert (file.crs, file.shape) == (result.grid.crs, result.grid.shape)
        with rasterio.open(folder / "preview.png") as file:
            assert 600 <= max(file.shape) <= 1600
        for name in ("polygons.gpkg", "polygons.geojson", "polygons.fgb"):
            found = geopandas.read_file(folder / name, layer="landcover" if name.endswith("gpkg") else None)
            assert shapely.is_valid(found.geometry).all()
            for class_id, part in found.groupby("class_id"):
                assert len(part) == rows[class_id].polygons
                assert part["area_m2"].sum() == pytest.approx(rows[class_id].area_m2, rel=1e-4)
            if result.grid.crs is not None:
                assert found.crs.to_epsg() == (4326 if name.endswith("geojson") else result.grid.crs.to_epsg())
                west, south, east, north = found.total_bounds
                left, bottom, right, top = result.grid.bounds
                assert left - 1e-6 <= west < east <= right + 1e-6
                assert bottom - 1e-6 <= south < north <= top + 1e-6


def test_importing_the_package_loads_nothing_heavy():
    script = "import sys, suelo; print(sorted({'numpy', 'rasterio', 'openvino', 'scipy', 'torch'} & set(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_the_public_names_are_there():
    assert set(suelo.__all__) <= set(dir(suelo))
    for name in suelo.__all__:
        assert getattr(suelo, name)
    assert suelo.__version__.count(".") >= 1
    with pytest.raises(AttributeError, match="nothing"):
        _ = suelo.nothing
    assert Path(suelo.__file__).with_name("py.typed").exists()
