"""Numbers, files and pixels of finished jobs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from rasterio.warp import transform

from suelo.errors import InputError, NotFoundError
from suelo.imagery.geotiff import write_cog
from suelo.imagery.grid import Grid
from suelo.jobs import results as module
from suelo.jobs.job import Job
from suelo.jobs.results import Results
from suelo.jobs.service import JobService
from suelo.landcover import CLASS_KEYS, CLASSES
from suelo.segmentation.selection import NO_DATA, Selection
from suelo.segmentation.summary import summarise
from suelo.settings import Settings

LOW = Selection((0.1,) * 10)


@pytest.fixture
def job(settings: Settings, draw_image: Callable[..., Path], tmp_path: Path) -> Job:
    """A finished job of another process; its probabilities are patches of all classes, whatever the model thinks."""
    image = draw_image(tmp_path / "chip.tif", 160, 160, epsg=9377, empty_rows=16)
    maker = JobService(settings)
    job = maker.submit_image(image.read_bytes(), "chip.tif", "ana")
    path = Path(maker.results.raster(job.id, "probabilities"))
    maker.stop()
    with rasterio.open(path) as dataset:
        grid = Grid(dataset.height, dataset.width, dataset.transform, dataset.crs)
    values = np.random.default_rng(3).integers(0, 120, (10, 20, 20), np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    values[:, :16] = NO_DATA
    write_cog(path, values, grid, nodata=NO_DATA, descriptions=CLASS_KEYS)
    return job


@pytest.fixture
def results(service: JobService) -> Results:
    return service.results


def test_numbers_are_those_of_the_engine(results: Results, job: Job) -> None:
    path = results.raster(job.id, "probabilities")
    for selection in (LOW, LOW.with_thresholds({"crops": 0.3}), LOW.with_min_areas(["0"]), LOW.with_classes(["roads"])):
        assert list(results.summary(job.id, selection)) == summarise(path, selection)
    assert all(row.polygons for row in results.summary(job.id, LOW))


def test_moving_one_threshold_works_out_one_class(results: Results, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    worked_out = []
    real = module.summarise_class

    def spy(raster, selection, land_cover, valid_m2):
        worked_out.append(land_cover.key)
        return real(raster, selection, land_cover, valid_m2)

    monkeypatch.setattr(module, "summarise_class", spy)
    results.summary(job.id, LOW)
    assert len(worked_out) == 10
    worked_out.clear()
    results.summary(job.id, LOW.with_thresholds({"trees": 0.2}))
    results.summary(job.id, LOW.with_classes(["trees", "crops"]))
    results.summary(job.id, LOW.with_min_areas({"crops": 500}))
    assert worked_out == ["trees", "crops"]


def test_thresholds_between_two_stored_values_are_named_as_asked(results: Results, job: Job) -> None:
    rows = [results.summary(job.id, LOW.with_thresholds([text]))[0] for text in ("0.101", "0.103")]
    assert [row.threshold for row in rows] == [0.101, 0.103]
    assert rows[0].area_m2 == rows[1].area_m2


def test_files_hold_exactly_what_is_selected(results: Results, job: Job) -> None:
    selection = LOW.with_classes(["trees", "crops"]).with_min_areas(["30"])
    rows = [row for row in results.summary(job.id, selection) if row.key in {"trees", "crops"}]
    assert sum(row.polygons for row in rows) > 0
    frame = pyogrio.read_info(results.export(job.id, selection, "gpkg"), layer="landcover")
    assert frame["features"] == sum(row.polygons for row in rows)
    with results.export(job.id, selection, "csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [(row["class"], int(row["polygons"])) for row in table] == [(row.key, row.polygons) for row in rows]
    with rasterio.open(results.export(job.id, selection, "png")) as preview:
        assert preview.count == 4
    with pytest.raises(InputError, match="pickle"):
        results.export(job.id, selection, "pickle")


def test_files_are_made_once_per_selection(results: Results, job: Job) -> None:
    first = results.export(job.id, LOW, "csv")
    made = first.stat().st_ino
    assert results.export(job.id, replace(LOW), "csv").stat().st_ino == made
    others = [
        LOW.with_thresholds({"trees": 0.1001}),
        LOW.with_classes(["trees"]),
        LOW.with_min_areas({"trees": 5}),
        replace(LOW, simplify_m=1.0),
    ]
    assert len({first, *(results.export(job.id, other, "csv") for other in others)}) == 5


def test_a_point_has_the_probabilities_of_its_pixel(results: Results, job: Job) -> None:
    with rasterio.open(results.raster(job.id, "probabilities")) as dataset:
        values = dataset.read()[:, 100, 40]
        x, y = dataset.xy(100, 40)
        (lng,), (lat,) = transform(dataset.crs, "EPSG:4326", [x], [y])
    point = results.point(job.id, lat, lng, LOW.with_classes(["crops", "trees"]))
    assert (point.row, point.col, point.valid) == (100, 40, True)
    for found, value in zip(point.classes, values, strict=True):
        assert found.probability == value / 250
        assert found.shown == (value >= 25 and found.land_cover.key in {"crops", "trees"})
    assert [found.land_cover for found in point.classes] == list(CLASSES)


def test_what_a_point_shows_lies_in_a_polygon(results: Results, job: Job) -> None:
    high = Selection((0.4,) * 10, min_area_m2=(0.0,) * 10)
    everything = pyogrio.read_dataframe(results.export(job.id, high, "gpkg"), layer="landcover")
    selection = high.with_min_areas([str(everything["area_m2"].median() + 1)])
    frame = pyogrio.read_dataframe(results.export(job.id, selection, "gpkg"), layer="landcover")
    seen = {True: 0, False: 0}
    with rasterio.open(results.raster(job.id, "probabilities")) as dataset:
        for row, col in np.random.default_rng(1).integers(16, 160, (40, 2)).tolist():
            x, y = dataset.xy(row, col)
            (lng,), (lat,) = transform(dataset.crs, "EPSG:4326", [x], [y])
            here = set(frame["class"][frame.contains(shapely.Point(x, y))])
            point = results.point(job.id, lat, lng, selection)
            assert {c.land_cover.key for c in point.classes if c.shown} == here
            for c in point.classes:
                seen[c.shown] += c.probability >= 0.4
    assert min(seen.values()) > 20


def test_a_point_without_data_has_no_classes_and_one_outside_is_none(results: Results, job: Job) -> None:
    (_south, west), (north, _east) = results.place(job.id).bounds
    inside = results.point(job.id, north - 5e-5, west + 5e-5, LOW)
    assert (inside.valid, inside.classes) == (False, ())
    with pytest.raises(NotFoundError, match="outside"):
        results.point(job.id, north + 1, west, LOW)


def test_results_can_be_read_by_many_at_once(results: Results, job: Job) -> None:
    place = results.place(job.id)
    expected = list(results.summary(job.id, LOW))
    world = 2**place.native_zoom
    (_south, west), _ = place.bounds
    x = int((west + 180) / 360 * world)

    def read(number: int) -> bool:
        selection = LOW.with_thresholds([str(0.1 + number / 100)])
        results.tile(job.id, "classes", place.native_zoom, x, number, selection)
        results.tile(job.id, "ndvi", place.native_zoom, x, number, selection)
        results.export(job.id, selection, "csv")
        return list(results.summary(job.id, LOW)) == expected

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(24)))


def test_results_survive_a_restart(service: JobService, settings: Settings, job: Job) -> None:
    expected = list(service.results.summary(job.id, LOW))
    service.stop()
    again = JobService(settings)
    assert list(again.results.summary(job.id, LOW)) == expected
    assert [job.id for job in again.list("ana")] == [job.id]
    again.stop()


@pytest.fixture
def two_services(tmp_path: Path, store_url: str) -> Iterator[tuple[JobService, JobService]]:
    """Two servers with homes of their own that share records and objects."""
    shared = {"database": f"sqlite:///{tmp_path / 'records.sqlite'}", "store": store_url}
    services = tuple(JobService(Settings(home=tmp_path / name, **shared)) for name in ("here", "there"))
    yield services
    for service in services:
        service.stop()


def look_at_everything(results: Results, job_id: str) -> None:
    results.raster(job_id, "probabilities")
    results.export(job_id, LOW, "geojson")
    results.summary(job_id, LOW)
    results.point(job_id, 0, 0, LOW)


@pytest.fixture
def seen_job(two_services: tuple[JobService, JobService], draw_image: Callable[..., Path], tmp_path: Path) -> Job:
    """A job that one of two servers made and both have shown."""
    here, there = two_services
    job = here.submit_image(draw_image(tmp_path / "chip.tif").read_bytes(), "chip.tif", "ana")
    for service in two_services:
        look_at_everything(service.results, job.id)
    there.delete(job.id)
    return job


def test_what_another_server_deleted_is_soon_gone_here_too(
    two_services: tuple[JobService, JobService], seen_job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = two_services
    assert list((tmp_path / "here" / "cache" / "jobs").iterdir())
    monkeypatch.setattr(here.results._jobs, "_seconds", 0.0)
    with pytest.raises(NotFoundError):
        look_at_everything(here.results, seen_job.id)
    assert list((tmp_path / "here" / "cache" / "jobs").iterdir()) == []
    with pytest.raises(NotFoundError):
        here.results.export(seen_job.id, LOW, "geojson")


def test_copies_of_what_another_server_deleted_are_swept(
    two_services: tuple[JobService, JobService], seen_job: Job, draw_image: Callable[..., Path], tmp_path: Path
) -> None:
    here, _ = two_services
    kept = here.submit_image(draw_image(tmp_path / "other.tif", seed=1).read_bytes(), "other.tif", "ana")
    here.results.export(kept.id, LOW, "csv")
    here.tidy()
    assert [folder.name for folder in (tmp_path / "here" / "cache" / "jobs").iterdir()] == [kept.id]
    with pytest.raises(NotFoundError):
        here.results.raster(seen_job.id, "probabilities")


def test_a_job_that_was_read_before_it_was_deleted_does_not_come_back(service: JobService, job: Job) -> None:
    read = service.get(job.id)
    service.delete(job.id)
    service.results.note(read)
    with pytest.raises(NotFoundError):
        service.results.finished(job.id)
