"""Files of a result appear together, whenever the work on it ends."""

from __future__ import annotations

import json
import sqlite3
from contextlib import ExitStack, closing

import pytest

from suelo.errors import CancelledError, ImageError, InputError
from suelo.segmentation.profile import Profile
from suelo.segmentation.resumable import UNFINISHED, Run
from suelo.segmentation.selection import Selection
from suelo.segmentation.strips import StripStore

FORMATS = ["csv", "geojson"]


@pytest.fixture(scope="module")
def model(make_model):
    return make_model(halo=16)


@pytest.fixture
def image(draw_image, tmp_path):
    return str(draw_image(tmp_path / "scene.tif", 96, 128))


@pytest.fixture
def selection(model):
    return Selection(model.contract.thresholds)


def test_an_older_result_stays_until_the_new_one_is_whole(image, model, selection, tmp_path):
    folder = tmp_path / "result"
    folder.mkdir()
    (folder / "classes.csv").write_text("old")

    def interrupt(progress):
        if progress.stage == "files" and progress.done > 1:  # files are written, none is in its place
            raise KeyboardInterrupt

    with Run(image, folder, model) as run, pytest.raises(KeyboardInterrupt):
        run.finish(selection, FORMATS, progress=interrupt)
    assert {path.name for path in folder.iterdir()} == {"classes.csv", UNFINISHED}
    assert (folder / "classes.csv").read_text() == "old"
    profile = Profile()
    with Run(image, folder, model, resume=True, profile=profile) as run:
        result = run.finish(selection, FORMATS)
    assert profile.network_pixels == 0
    assert (folder / "classes.csv").read_text() != "old"
    assert {path.name for path in folder.iterdir()} == {
        "classes.csv",
        "polygons.geojson",
        "probabilities.tif",
        "result.json",
    }
    assert result.summary() == run_once(image, model, selection, tmp_path / "other").summary()


def test_two_processes_do_not_make_the_same_result(image, model, selection, tmp_path):
    folder = tmp_path / "result"
    with Run(image, folder, model) as run:
        for resume in (False, True):
            with pytest.raises(InputError, match=r"Another process is making a result in .*result; wait for it"):
                Run(image, folder, model, resume=resume)
        result = run.finish(selection, FORMATS)
    assert result.summary() == run_once(image, model, selection, folder).summary()


def run_once(image, model, selection, folder):
    with Run(image, folder, model) as run:
        return run.finish(selection, FORMATS)


def test_what_the_files_say_is_not_counted_again(image, model, selection, tmp_path):
    folder = tmp_path / "result"
    result = run_once(image, model, selection, folder)
    other = result.show(selection.with_thresholds({"roads": 1.0})).summary()
    result.probabilities_path.unlink()
    document = json.loads((folder / "result.json").read_text())
    assert [row.to_dict() for row in result.summary()] == document["classes"]
    assert other[2].area_m2 < result.summary()[2].area_m2


def test_a_move_that_was_cut_short_is_ended_by_the_next_run(image, model, selection, tmp_path):
    folder = tmp_path / "result"
    run_once(image, model, selection, folder)
    work = folder / UNFINISHED
    work.mkdir()
    (work / "moving").touch()
    for name in ("probabilities.tif", "result.json"):
        (folder / name).rename(work / name)
    with Run(image, folder, model, resume=True) as run:
        assert run.complete(selection, FORMATS) is not None
        assert run.complete(selection, [*FORMATS, "gpkg"]) is None
    assert (folder / "result.json").exists()
    assert not work.exists()


def test_nothing_stays_of_a_run_that_finished_nothing(image, model, selection, tmp_path):
    folder = tmp_path / "result"
    with Run(image, folder, model) as run, pytest.raises(CancelledError):
        run.finish(selection, FORMATS, cancelled=lambda: True)
    assert not folder.exists()
    with pytest.raises(ImageError):
        Run(str(tmp_path / "nowhere.tif"), folder, model)
    assert not folder.exists()


def test_a_result_of_another_kind_is_not_gone_on_with(image, model, selection, tmp_path):
    folder = tmp_path / "result"
    run_once(image, model, selection, folder)
    with pytest.raises(InputError, match=r"ground sampling distance of 1\.24 m; without --resume"):
        Run(image, folder, model, gsd_m=2.0, resume=True)
    document = json.loads((folder / "result.json").read_text())
    del document["statistics_measured"]
    (folder / "result.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="not a record of this version"):
        Run(image, folder, model, resume=True)


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_strips_of_an_image_with_any_name_have_a_place_of_their_own(
    request, monkeypatch, draw_image, model, selection, tmp_path, place
):
    store = str(tmp_path / "strips")
    if place == "s3":
        for name, value in request.getfixturevalue("s3").items():
            monkeypatch.setenv(name, value)
        store = f"s3://results/{tmp_path.name}"
    StripStore(store).put("somebody-elses", b"x")
    images = [draw_image(tmp_path / name, seed=seed) for seed, name in enumerate(("#1.tif", "a?b%20 ñ.tif", "..x.tif"))]
    with ExitStack() as stack:
        runs = [stack.enter_context(Run(str(image), tmp_path / image.stem, model, store=store)) for image in images]
        for run in runs:
            run.strips.put("mine", run.source.encode())
        assert [run.strips.get("mine").decode() for run in runs] == [str(image) for image in images]
        for run in runs:
            run.finish(selection, ["csv"])
    assert StripStore(store).get("somebody-elses") == b"x"


@pytest.mark.parametrize("way", ["run", "write"])
def test_a_geopackage_takes_the_place_of_one_that_is_open_in_qgis(image, model, selection, tmp_path, way):
    folder = tmp_path / "result"
    with Run(image, folder, model) as run:
        earlier = run.finish(selection, ["gpkg"])
    other = selection.with_thresholds({"roads": 1.0})
    with closing(sqlite3.connect(folder / "polygons.gpkg")) as open_in_qgis:
        assert open_in_qgis.execute("PRAGMA journal_mode=wal").fetchone() == ("wal",)
        open_in_qgis.execute("UPDATE gpkg_contents SET description = 'edited'")
        open_in_qgis.commit()
        assert (folder / "polygons.gpkg-wal").exists()
        if way == "run":
            with Run(image, folder, model, resume=True) as run:
                run.finish(other, ["gpkg"])
        else:
            earlier.show(other).write(folder, ["gpkg"])
        with closing(sqlite3.connect(folder / "polygons.gpkg")) as fresh:
            assert fresh.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert ("edited",) not in fresh.execute("SELECT description FROM gpkg_contents").fetchall()
            (count,) = fresh.execute("SELECT count(*) FROM landcover").fetchone()
    assert count == sum(row.polygons for row in earlier.show(other).summary())
    assert count != sum(row.polygons for row in earlier.summary())


ALL_FORMATS = ["gpkg", "geojson", "fgb", "csv", "png"]


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_folder_holds_files_of_one_result(image, draw_image, model, selection, tmp_path):
    folder = tmp_path / "result"
    with Run(image, folder, model) as run:
        run.finish(selection, ALL_FORMATS)
    (folder / "notes.txt").write_text("mine")
    (folder / "polygons.gpkg-wal").write_text("edits of the old one")
    draw_image(tmp_path / "scene.tif", 96, 128, seed=7)
    with Run(image, folder, model) as run:
        run.finish(selection, ["csv"])
    assert names(folder) == {"classes.csv", "notes.txt", "probabilities.tif", "result.json"}
    # Another format of the same result is one more.
    with Run(image, folder, model, resume=True) as run:
        run.finish(selection, ["geojson"])
    assert names(folder) == {"classes.csv", "notes.txt", "polygons.geojson", "probabilities.tif", "result.json"}
    with Run(image, folder, model, resume=True) as run:
        run.finish(selection.with_thresholds({"roads": 0.9}), ["geojson"])
    assert names(folder) == {"notes.txt", "polygons.geojson", "probabilities.tif", "result.json"}


def test_a_move_that_was_cut_short_leaves_no_older_files(image, model, selection, tmp_path, monkeypatch):
    folder = tmp_path / "result"
    with Run(image, folder, model) as run:
        run.finish(selection, ALL_FORMATS)

    def cut_short(part, final):
        if final.name == "result.json":
            raise KeyboardInterrupt
        part.replace(final)

    monkeypatch.setattr("suelo.segmentation.resumable.put_in_place", cut_short)
    with Run(image, folder, model) as run, pytest.raises(KeyboardInterrupt):
        run.finish(selection.with_thresholds({"roads": 0.9}), ["csv"])
    monkeypatch.undo()
    with Run(image, folder, model, resume=True) as run:
        assert run.complete(selection.with_thresholds({"roads": 0.9}), ["csv"]) is not None
    assert names(folder) == {"classes.csv", "probabilities.tif", "result.json"}


def test_a_georeference_that_was_corrected_is_not_overlooked(draw_image, model, selection, tmp_path):
    image = draw_image(tmp_path / "scene.tif", 96, 128, epsg=32618)
    sidecar = tmp_path / "scene.tif.aux.xml"
    where = "<PAMDataset><SRS>EPSG:{}</SRS><GeoTransform>{},1.24,0,2080000,0,-1.24</GeoTransform></PAMDataset>"
    folder = tmp_path / "result"
    run_once(str(image), model, selection, folder)
    with Run(str(image), folder, model, resume=True) as run:
        assert run.complete(selection, FORMATS) is not None
    for epsg, west in ((32618, 700000), (32619, 4880000)):
        sidecar.write_text(where.format(epsg, west))
        with pytest.raises(InputError, match="another georeference of the image; without --resume"):
            Run(str(image), folder, model, resume=True)
    # The same of an interrupted run.
    with Run(str(image), tmp_path / "other", model) as run:
        run.strips.put("strip", b"x")
    with Run(str(image), tmp_path / "other", model, resume=True):
        pass
    sidecar.unlink()
    with pytest.raises(InputError, match="another georeference"):
        Run(str(image), tmp_path / "other", model, resume=True)


def test_a_store_that_cannot_be_one_leaves_nothing(image, model, tmp_path):
    with pytest.raises(InputError, match="gs://bucket"):
        Run(image, tmp_path / "result", model, store="gs://bucket")
    assert not (tmp_path / "result").exists()


@pytest.mark.parametrize("store", ["s3://missing/strips", "gs://bucket"])
def test_a_store_that_is_gone_holds_up_no_later_run(image, model, selection, s3, monkeypatch, tmp_path, store):
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("suelo.segmentation.strips._RETRIES", {"max_retries": 0})
    folder = tmp_path / "result"
    with Run(image, folder, model, store="s3://missing/strips") as run:
        record = folder / UNFINISHED / "run.json"
        record.write_text(record.read_text().replace(run.strips.address, f"{store}/older"))
    run_once(image, model, selection, folder)
    assert (folder / "result.json").exists()


def test_a_relative_store_is_the_same_folder_wherever_a_run_goes_on(image, model, selection, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with Run(image, tmp_path / "result", model, store="strips") as run:
        run.strips.put("strip", b"x")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with Run(image, tmp_path / "result", model, store="strips", resume=True) as run:
        assert run.strips.get("strip") == b"x"
        run.finish(selection, FORMATS)
    assert not list((tmp_path / "strips").iterdir())


@pytest.mark.parametrize("kept", [0, 400, -1000])
def test_probabilities_that_were_cut_short_are_made_anew(image, model, selection, tmp_path, kept):
    folder = tmp_path / "result"
    run_once(image, model, selection, folder)
    raster = folder / "probabilities.tif"
    whole = raster.read_bytes()
    raster.write_bytes(whole[:kept])
    with Run(image, folder, model, resume=True) as run:
        assert run.complete(selection, FORMATS) is None
        run.finish(selection, FORMATS)
    assert raster.read_bytes() == whole
