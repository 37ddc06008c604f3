"""The job service with the shipped model, from upload to deletion."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio

from suelo.errors import ConflictError, ImageError, ImageTooLargeError, NotFoundError
from suelo.imagery.scene import open_scene
from suelo.imagery.statistics import measure_statistics
from suelo.jobs import results
from suelo.jobs.database import open_database
from suelo.jobs.job import Job, JobOptions
from suelo.jobs.records import Records
from suelo.jobs.service import JobService
from suelo.jobs.watch import Watch
from suelo.landcover import CLASS_KEYS
from suelo.model.contract import Normalisation
from suelo.segmentation.engine import Progress, predict
from suelo.segmentation.selection import Selection
from suelo.segmentation.summary import summarise
from suelo.segmentation.tiling import Tiling
from suelo.settings import Settings

Draw = Callable[..., Path]


def upload(service: JobService, path: Path, owner: str = "ana") -> str:
    made = service.create_upload(path.name, path.stat().st_size, owner)
    service.receive_upload(made.id, [path.read_bytes()])
    return made.id


def run(service: JobService, job: Job) -> Job:
    """Run a queued job here and now."""
    done = service.run_announced(job.id, lambda: False)
    assert done is not None
    return done


def files(settings: Settings) -> list[str]:
    """Everything that is kept besides the database."""
    found = (path for path in settings.home.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(settings.home)) for path in found if "sqlite" not in path.name)


def until(service: JobService, job: Job, done: Callable[[Job], bool], seconds: float = 60) -> Job:
    end = time.monotonic() + seconds
    while not done(job := service.get(job.id)):
        assert time.monotonic() < end, job
        time.sleep(0.02)
    return job


@pytest.mark.parametrize("epsg", [None, 9377])
def test_a_chip_is_segmented_at_once(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path, epsg: int | None
) -> None:
    path = draw_image(tmp_path / "Usaquén norte.tif", epsg=epsg, empty_rows=8)
    job = service.submit(upload(service, path), "ana")
    assert (job.status, job.message, job.progress) == ("succeeded", "", 1.0)
    assert (job.name, job.width, job.height) == ("Usaquén norte", 128, 96)
    assert (job.georeferenced, job.crs) == ((True, "EPSG:9377") if epsg else (False, ""))
    assert service.get(job.id) == job
    with open_scene(path) as scene:
        statistics = measure_statistics(scene)
        expected = predict(scene, service.model, statistics)
    assert job.statistics == statistics
    with rasterio.open(service.results.raster(job.id, "probabilities")) as dataset:
        assert (dataset.read() == expected).all()
        assert (dataset.read(1)[:8] == 255).all()
        assert dataset.descriptions == CLASS_KEYS
    with rasterio.open(service.results.raster(job.id, "display")) as dataset:
        assert dataset.count == 5
    assert files(settings) == [
        f"objects/jobs/{job.id}/{name}" for name in ("display.tif", "input.tif", "probabilities.tif", "result.json")
    ]


@pytest.mark.parametrize("epsg", [None, 9377])
def test_the_image_of_a_chip_that_a_program_sent_is_made_when_somebody_looks(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path, epsg: int | None
) -> None:
    path = draw_image(tmp_path / "chip.tif", epsg=epsg, empty_rows=8)
    options = JobOptions(gsd_m=None if epsg else 2.5)
    uploaded = service.submit(upload(service, path), "ana", options)
    job = service.submit_image(path.read_bytes(), "chip.tif", "ben", options)
    assert [Path(name).name for name in files(settings) if job.id in name] == [
        "input.tif",
        "probabilities.tif",
        "result.json",
    ]
    with (
        rasterio.open(service.results.raster(job.id, "display")) as made,
        rasterio.open(service.results.raster(uploaded.id, "display")) as stored,
    ):
        assert (made.read() == stored.read()).all()
        assert (made.crs, made.transform, made.descriptions) == (stored.crs, stored.transform, stored.descriptions)
    assert service.results.place(job.id).to_json() == service.results.place(uploaded.id).to_json()
    service.delete(job.id)
    assert [name for name in files(settings) if job.id in name] == []


def test_a_scene_is_queued_and_run_in_the_background(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path
) -> None:
    path = draw_image(tmp_path / "scene.tif", 400, 300)
    job = service.submit(upload(service, path), "ana")
    assert (job.status, job.progress) == ("queued", 0.0)
    with pytest.raises(ConflictError, match="queued"):
        service.results.raster(job.id, "display")
    service.start()
    done = until(service, job, lambda job: job.finished)
    assert (done.status, done.message) == ("succeeded", "")
    assert done.statistics is not None
    assert done.created_at <= done.started_at <= done.finished_at
    assert len([name for name in files(settings) if job.id in name]) == 4


def test_a_job_that_is_announced_twice_is_run_once(service: JobService, draw_image: Draw, tmp_path: Path) -> None:
    job = service.submit(upload(service, draw_image(tmp_path / "scene.tif", 300, 300)), "ana")
    assert run(service, job).status == "succeeded"
    assert service.run_announced(job.id, lambda: False) is None
    assert [event.kind for event in service.events(job.id)] == ["submitted", "started", "succeeded"]


def test_the_same_image_is_not_run_again(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path
) -> None:
    path = draw_image(tmp_path / "chip.tif")
    first = service.submit(upload(service, path), "ana")
    kept = files(settings)
    assert service.submit(upload(service, path), "ana").id == first.id
    assert service.submit_image(path.read_bytes(), "copy.tif", "ana").id == first.id
    assert files(settings) == kept
    assert service.submit_image(path.read_bytes(), "chip.tif", "ben").id != first.id
    assert service.submit_image(path.read_bytes(), "chip.tif", "ana", JobOptions(gsd_m=2.0)).id != first.id
    assert service.submit_image(draw_image(tmp_path / "b.tif", seed=1).read_bytes(), "b.tif", "ana").id != first.id


def test_a_pixel_size_makes_no_other_job_of_an_image_that_says_its_own(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path
) -> None:
    path = draw_image(tmp_path / "chip.tif", epsg=9377)
    first = service.submit(upload(service, path), "ana")
    kept = files(settings)
    again = upload(service, path)
    assert service.submit(again, "ana", JobOptions(gsd_m=2.0)).id == first.id
    assert service.submit_image(path.read_bytes(), "chip.tif", "ana", JobOptions(gsd_m=2.0)).id == first.id
    assert files(settings) == kept
    other = upload(service, draw_image(tmp_path / "b.tif", epsg=9377, seed=1))
    made = service.submit(other, "ana", JobOptions(gsd_m=2.0))
    assert made.options == JobOptions()
    assert service.submit(other, "ana", JobOptions(gsd_m=2.0)).id == made.id  # the answer got lost


@pytest.mark.parametrize("side", [128, 300])
def test_the_same_upload_in_many_requests_at_once_is_one_job(
    service: JobService, draw_image: Draw, tmp_path: Path, side: int
) -> None:
    upload_id = upload(service, draw_image(tmp_path / "image.tif", side, side))
    with ThreadPoolExecutor(6) as threads:
        made = list(threads.map(lambda _: service.submit(upload_id, "ana"), range(6)))
    assert {job.id for job in made} == {upload_id}
    assert service.wait(upload_id, 30 if side == 128 else 0).status == ("succeeded" if side == 128 else "queued")
    with pytest.raises(NotFoundError):
        service.submit(upload_id, "ben")


def test_the_same_chip_from_many_requests_at_once_is_one_job(
    service: JobService, draw_image: Draw, tmp_path: Path
) -> None:
    image = draw_image(tmp_path / "chip.tif").read_bytes()
    with ThreadPoolExecutor(6) as pool:
        jobs = list(pool.map(lambda _: service.submit_image(image, "chip.tif", "ana"), range(6)))
    assert {job.status for job in jobs} == {"succeeded"}
    assert len({job.id for job in jobs}) == 1
    assert len(service.list("ana")) == 1


def test_an_image_whose_result_is_lost_is_segmented_again(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path
) -> None:
    path = draw_image(tmp_path / "chip.tif")
    first = service.submit_image(path.read_bytes(), "chip.tif", "ana")
    shutil.rmtree(settings.home / "objects" / "jobs" / first.id)
    second = service.submit_image(path.read_bytes(), "chip.tif", "ana")
    assert (second.id != first.id, second.status) == (True, "succeeded")
    assert service.results.summary(second.id, Selection((0.3,) * 10))
    (settings.home / "objects" / "jobs" / second.id / "probabilities.tif").unlink()
    third = service.submit(upload(service, path), "ana")
    assert (third.id not in {first.id, second.id}, third.status) == (True, "succeeded")
    assert [job.id for job in service.list("ana")] == [third.id]


def test_a_sample_that_is_lost_is_made_again(service: JobService, settings: Settings) -> None:
    lost = service.ensure_sample()
    shutil.rmtree(settings.home / "objects" / "jobs" / lost.id)
    sample = service.ensure_sample()
    assert (sample.id != lost.id, sample.status) == (True, "succeeded")
    assert [job.id for job in service.list("anybody")] == [sample.id]


def test_given_statistics_are_used(service: JobService, draw_image: Draw, tmp_path: Path) -> None:
    with open_scene(draw_image(tmp_path / "east.tif", seed=5)) as scene:
        statistics = measure_statistics(scene)
    west = draw_image(tmp_path / "west.tif", seed=6)
    job = service.submit(upload(service, west), "ana", JobOptions(statistics=statistics))
    assert job.statistics == statistics
    with open_scene(west) as scene, rasterio.open(service.results.raster(job.id, "probabilities")) as dataset:
        assert (dataset.read() == predict(scene, service.model, statistics)).all()


def test_an_image_is_normalised_as_the_model_asks(
    settings: Settings, write_model: Draw, draw_image: Draw, tmp_path: Path
) -> None:
    asks = write_model(tmp_path / "asks.onnx", normalisation=Normalisation(low=5.0, high=90.0))
    service = JobService(settings.model_copy(update={"model": asks}))
    for size in (60, 230):
        path = draw_image(tmp_path / f"{size}.tif", size, size)
        job = service.submit(upload(service, path), "ana")
        if job.status == "queued":
            job = run(service, job)
        with open_scene(path) as scene:
            assert job.statistics == measure_statistics(scene, 5.0, 90.0)
    service.stop()


@pytest.mark.parametrize("kind", ["text", "three bands", "cut off", "no valid pixel"])
def test_a_bad_image_is_refused_and_leaves_nothing(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "bad.tif"
    if kind == "text":
        path.write_text("this is no image")
    elif kind == "three bands":
        with rasterio.open(path, "w", driver="GTiff", width=64, height=64, count=3, dtype="uint8") as file:
            file.write(np.ones((3, 64, 64), np.uint8))
    elif kind == "cut off":
        whole = draw_image(tmp_path / "whole.tif").read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    else:
        draw_image(path, 64, 64, empty_rows=64)
    with pytest.raises(ImageError) as raised:
        service.submit(upload(service, path), "ana")
    assert str(raised.value).endswith(".")
    with pytest.raises(ImageError):
        service.submit_image(path.read_bytes(), "bad.tif", "ana")
    assert files(settings) == []
    assert service.list("ana") == []


def test_a_scene_is_too_large_to_be_segmented_at_once(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path
) -> None:
    path = draw_image(tmp_path / "scene.tif", 300, 300)
    with pytest.raises(ImageTooLargeError, match="/v1/uploads"):
        service.submit_image(path.read_bytes(), "scene.tif", "ana")
    assert files(settings) == []
    service.submit(upload(service, path), "ana")
    with pytest.raises(ImageTooLargeError, match="/v1/uploads"):  # nor is its job waited for
        service.submit_image(path.read_bytes(), "scene.tif", "ana")


def test_an_upload_can_be_used_once(service: JobService, draw_image: Draw, tmp_path: Path) -> None:
    upload_id = upload(service, draw_image(tmp_path / "chip.tif"))
    service.submit(upload_id, "ana")
    with pytest.raises(NotFoundError):
        service.submit(upload_id, "ben")
    with pytest.raises(NotFoundError):
        service.receive_upload(upload_id, [b"something else"])


def test_a_queued_job_is_cancelled_at_once_and_can_be_sent_again(
    service: JobService, draw_image: Draw, tmp_path: Path
) -> None:
    path = draw_image(tmp_path / "scene.tif", 300, 300)
    job = service.submit(upload(service, path), "ana")
    assert service.cancel(job.id).status == "cancelled"
    again = service.submit(upload(service, path), "ana")
    assert (again.id != job.id, again.status) == (True, "queued")


def test_an_image_whose_job_is_being_cancelled_is_not_taken_for_it(
    service: JobService, draw_image: Draw, tmp_path: Path
) -> None:
    path = draw_image(tmp_path / "scene.tif", 300, 300)
    job = service.submit(upload(service, path), "ana")
    service._records.claim("other~1~x", job.id)
    service.cancel(job.id)
    again = upload(service, path)
    with pytest.raises(ConflictError, match="send it again in a moment"):
        service.submit(again, "ana")
    with pytest.raises(ConflictError, match="send it again in a moment"):
        service.submit_image(path.read_bytes(), "scene.tif", "ana")
    service._records.finish(job.id, "other~1~x", "cancelled")
    made = service.submit(again, "ana")
    assert (made.id, made.status) == (again, "queued")


def test_a_running_job_stops_soon_after_it_is_cancelled(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path
) -> None:
    job = service.submit(upload(service, draw_image(tmp_path / "scene.tif", 3000, 1500)), "ana")
    service.start()
    until(service, job, lambda job: job.progress > 0)
    assert service.cancel(job.id).cancel_requested
    done = until(service, job, lambda job: job.finished)
    assert (done.status, done.message) == ("cancelled", "It was cancelled.")
    assert [name for name in files(settings) if "input.tif" not in name] == []
    with pytest.raises(ConflictError):
        service.results.raster(job.id, "probabilities")


def test_a_chip_that_is_cancelled_elsewhere_while_it_runs_has_no_result(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = JobService(settings)
    network = Watch.network

    def cancelling(self: Watch, progress: Progress) -> None:
        elsewhere.cancel(self._job_id)
        network(self, progress)

    monkeypatch.setattr(Watch, "network", cancelling)
    image = draw_image(tmp_path / "chip.tif", 160, 160).read_bytes()
    job = service.submit_image(image, "chip.tif", "ana")
    assert (job.status, job.message) == ("cancelled", "It was cancelled.")
    assert elsewhere.get(job.id).status == "cancelled"
    with pytest.raises(ConflictError):
        service.results.summary(job.id, Selection(job.model_thresholds))
    monkeypatch.undo()
    assert service.submit_image(image, "chip.tif", "ana").status == "succeeded"


def test_a_running_job_stops_within_a_strip(
    service: JobService, draw_image: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []
    network = Watch.network

    def noting(self: Watch, progress: Progress) -> None:
        done.append(progress.done)
        network(self, progress)

    monkeypatch.setattr(Watch, "network", noting)
    monkeypatch.setattr("suelo.jobs.watch.SYNC_SECONDS", 3600.0)  # only who cancels makes the job look
    monkeypatch.setattr("suelo.segmentation.engine.PROGRESS_SECONDS", 0.0)
    path = draw_image(tmp_path / "scene.tif", 3000, 1500)
    job = service.submit(upload(service, path), "ana")
    with open_scene(path) as scene:
        across = Tiling.of(service.model.contract).spans(scene.grid.height, scene.grid.width)[1]
    strip = len(across.starts)
    service.start()
    end = time.monotonic() + 60
    while not done:
        assert time.monotonic() < end
        time.sleep(0.005)
    before = done[-1]
    service.cancel(job.id)
    assert until(service, job, lambda job: job.finished).status == "cancelled"
    assert done[-1] <= before + strip + 1


def test_a_stopped_server_puts_its_job_back_and_the_next_one_finishes_it(
    settings: Settings, draw_image: Draw, tmp_path: Path
) -> None:
    first = JobService(settings)
    job = first.submit(upload(first, draw_image(tmp_path / "scene.tif", 2000, 700)), "ana")
    for _ in range(2):
        first.start()
        until(first, job, lambda job: job.status == "running")
        first.stop()
        assert first.get(job.id).status == "queued"
        # Stopping in order is no failed try.
        assert [row.attempts for row in Records(open_database(settings.database_url)).unfinished()] == [0]
        assert not [name for name in files(settings) if name.startswith("work")]
        first = JobService(settings)
    first.start()
    assert until(first, job, lambda job: job.finished).status == "succeeded"
    first.stop()


def test_a_deleted_job_is_gone_with_its_files(
    service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path
) -> None:
    kept = service.submit(upload(service, draw_image(tmp_path / "kept.tif", seed=1)), "ana")
    before = files(settings)
    job = service.submit(upload(service, draw_image(tmp_path / "gone.tif", seed=2)), "ana")
    service.results.export(job.id, Selection((0.1,) * 10), "csv")
    service.delete(job.id)
    assert files(settings) == before
    with pytest.raises(NotFoundError):
        service.get(job.id)
    with pytest.raises(NotFoundError):
        service.delete(job.id)
    assert [job.id for job in service.list("ana")] == [kept.id]


def test_an_unfinished_job_cannot_be_deleted(service: JobService, draw_image: Draw, tmp_path: Path) -> None:
    job = service.submit(upload(service, draw_image(tmp_path / "scene.tif", 300, 300)), "ana")
    with pytest.raises(ConflictError, match="cancel it first"):
        service.delete(job.id)


def test_lists_are_ones_own(service: JobService, draw_image: Draw, tmp_path: Path) -> None:
    image = draw_image(tmp_path / "chip.tif").read_bytes()
    mine = service.submit_image(image, "chip.tif", "ana")
    theirs = service.submit_image(image, "chip.tif", "ben")
    shared = service.submit_image(image, "sample.tif", "", shared=True)
    assert [job.id for job in service.list("ana")] == [shared.id, mine.id]
    assert [job.id for job in service.list("ben")] == [shared.id, theirs.id]


def test_a_job_that_fails_says_why(service: JobService, settings: Settings, draw_image: Draw, tmp_path: Path) -> None:
    job = service.submit(upload(service, draw_image(tmp_path / "scene.tif", 300, 300)), "ana")
    stored = settings.home / "objects" / "jobs" / job.id / "input.tif"
    content = stored.read_bytes()
    stored.write_bytes(content[: len(content) // 2])
    failed = run(service, job)
    assert failed.status == "failed"
    assert "damaged" in failed.message or "cut" in failed.message
    with pytest.raises(ConflictError, match="failed"):
        service.results.raster(job.id, "probabilities")


def test_result_json_tells_how_a_result_was_made(service: JobService, draw_image: Draw, tmp_path: Path) -> None:
    job = service.submit(upload(service, draw_image(tmp_path / "chip.tif", epsg=9377)), "ana")
    selection = Selection(job.model_thresholds).with_thresholds({"trees": 0.1})
    document = json.loads(service.results.export(job.id, selection, "json").read_text())
    assert document["image"]["sha256"] == job.image_sha256
    assert document["image"]["crs"] == "EPSG:9377"
    assert document["model"]["sha256"] == service.model.sha256
    assert document["model"]["name"] == service.model.contract.name
    assert document["statistics"] == job.statistics.to_json()
    assert document["selection"]["thresholds"]["trees"] == 0.1
    expected = summarise(service.results.raster(job.id, "probabilities"), selection)
    assert document["classes"] == [row.to_dict() for row in expected]


def test_the_numbers_of_a_scene_are_worked_out_with_it(
    service: JobService, draw_image: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = service.submit(upload(service, draw_image(tmp_path / "scene.tif", 1100, 1000, epsg=9377)), "ana")
    run(service, job)
    selection = Selection(job.model_thresholds)
    expected = summarise(service.results.raster(job.id, "probabilities"), selection)
    other = selection.with_thresholds({"trees": 0.02}).with_min_areas({"roads": 1})
    changed = summarise(service.results.raster(job.id, "probabilities"), other)
    monkeypatch.setattr(results, "summarise_class", lambda *_: pytest.fail("it is known"))
    assert list(service.results.summary(job.id, selection)) == expected
    monkeypatch.undo()
    assert list(service.results.summary(job.id, other)) == changed


def test_the_sample_is_made_once_and_everybody_has_it(service: JobService, settings: Settings) -> None:
    sample = service.ensure_sample()
    assert (sample.status, sample.shared, sample.georeferenced) == ("succeeded", True, True)
    assert service.ensure_sample().id == sample.id
    assert [job.id for job in service.list("anybody")] == [sample.id]
    assert service.results.summary(sample.id, Selection((0.3,) * 10))
    assert [name for name in files(settings) if not name.startswith(f"objects/jobs/{sample.id}/")] == []
