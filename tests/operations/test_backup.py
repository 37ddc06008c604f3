"""What the guide says of backup and restore, done: copies made while the service goes on, put back elsewhere."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store
from sqlalchemy import make_url

from suelo.api.app import create_api
from suelo.jobs.job import Job
from suelo.jobs.service import JobService
from suelo.segmentation.selection import Selection
from suelo.settings import Settings

Draw = Callable[..., Path]
LOST = "This file of the result is not in the store any more; send the image again."
LOST_IMAGE = "The image is not in the store any more; send it again."
GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"


def send(service: JobService, path: Path) -> Job:
    upload = service.create_upload(path.name, None, "ana")
    service.receive_upload(upload.id, [path.read_bytes()])
    return service.submit(upload.id, "ana")


class Records:
    """Copies records and puts them back, with the commands of the guide."""

    def __init__(self, kind: str, folder: Path, new_database: Callable[[], str] | None) -> None:
        self._copy = folder / f"records.{kind}"
        self._guide = GUIDE.read_text()
        self.kind = kind
        self.url = new_database() if new_database else f"sqlite:///{folder / 'then.sqlite'}"
        self.other_url = new_database() if new_database else f"sqlite:///{folder / 'now.sqlite'}"

    def back_up(self) -> None:
        if self.kind == "sqlite":
            (command,) = re.findall(r"`sqlite3 /var/lib/suelo/suelo\.sqlite \"(\.backup '.*?')\"`", self._guide)
            if shutil.which("sqlite3"):
                command = command.replace("/backup/suelo.sqlite", str(self._copy))
                subprocess.run(["sqlite3", make_url(self.url).database, command], check=True)
                return
            there, here = sqlite3.connect(make_url(self.url).database), sqlite3.connect(self._copy)
            there.backup(here)  # what the program's .backup does
            here.close()
            there.close()
        else:
            (options,) = re.findall(r"`pg_dump (.*?) suelo > suelo\.dump`", self._guide)
            with self._copy.open("wb") as out:
                subprocess.run(["pg_dump", *options.split(), plain(self.url)], stdout=out, check=True)

    def restore(self) -> None:
        if self.kind == "sqlite":
            shutil.copy(self._copy, make_url(self.other_url).database)
        else:
            (options,) = re.findall(r"`pg_restore (.*?) --dbname suelo suelo\.dump`", self._guide)
            command = ["pg_restore", *options.split(), "--dbname", plain(self.other_url), self._copy]
            subprocess.run(command, check=True)


def plain(url: str) -> str:
    """The address as PostgreSQL's own programs take it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Records:
    if request.param == "sqlite":
        return Records("sqlite", tmp_path, None)
    new_database = request.getfixturevalue("new_database")
    if shutil.which("pg_dump") is None:
        pytest.skip("PostgreSQL's programs pg_dump and pg_restore are not on the path")
    return Records("postgresql", tmp_path, new_database)


def test_what_was_there_at_the_backup_is_there_after_the_restore(
    records: Records, draw_image: Draw, tmp_path: Path
) -> None:
    def settings(home: str, database: str) -> Settings:
        store = (tmp_path / home / "objects").as_uri()
        return Settings(home=tmp_path / home, store=store, database=database, max_direct_pixels=200 * 200)

    before = JobService(settings("then", records.url))
    kept = send(before, draw_image(tmp_path / "kept.tif", seed=1))
    deleted = send(before, draw_image(tmp_path / "deleted.tif", seed=2))
    waiting = send(before, draw_image(tmp_path / "waiting.tif", 300, 260, seed=3))
    assert waiting.status == "queued"
    selection = Selection(kept.model_thresholds)
    numbers = before.results.summary(kept.id, selection)
    records.back_up()
    before.delete(deleted.id)
    later = send(before, draw_image(tmp_path / "later.tif", seed=4))
    shutil.copytree(tmp_path / "then" / "objects", tmp_path / "now" / "objects")  # the objects come second
    before.stop()
    records.restore()

    after = JobService(settings("now", records.other_url))
    try:
        assert {job.id for job in after.list("ana")} == {kept.id, deleted.id, waiting.id}
        assert after.results.summary(kept.id, selection) == numbers
        assert after.results.export(kept.id, selection, "gpkg").stat().st_size > 1000
        after.start()
        assert after.wait(waiting.id).status == "succeeded"  # it is run here, from its image
        client = create_api(after).test_client()
        assert client.get(f"/v1/jobs/{kept.id}/polygons.geojson").status_code == 200
        # Deleted between the two copies: a record without objects, which says so and can be deleted again.
        shown = client.get(f"/v1/jobs/{deleted.id}")
        assert shown.status_code == 200
        refused = client.get(f"/v1/jobs/{deleted.id}/probabilities.tif")
        assert 400 <= refused.status_code < 500
        assert refused.json["detail"].endswith(".")
        after.delete(deleted.id)
        assert deleted.id not in {job.id for job in after.list("ana")}
        # Made between the two copies: objects without a record, which nobody sees.
        assert client.get(f"/v1/jobs/{later.id}").status_code == 404
    finally:
        after.stop()


class Objects:
    """A folder or a bucket of objects, and how an operator copies it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self._folder = folder

    def url(self, place: str) -> str:
        return (self._folder / place).as_uri() if self.kind == "folder" else f"s3://results/{self._folder.name}/{place}"

    def names(self, place: str) -> set[str]:
        if self.kind == "folder":
            root = self._folder / place
            return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
        return {found["path"] for batch in obstore.list(S3Store.from_url(self.url(place))) for found in batch}

    def copy(self, here: str, there: str) -> None:
        if self.kind == "folder":
            shutil.copytree(self._folder / here, self._folder / there)
            return
        source, target = S3Store.from_url(self.url(here)), S3Store.from_url(self.url(there))
        for name in self.names(here):
            obstore.put(target, name, obstore.get(source, name).bytes())


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Objects:
    if request.param == "s3":
        for name, value in request.getfixturevalue("s3").items():
            monkeypatch.setenv(name, value)
    return Objects(request.param, tmp_path)


def probabilities(service: JobService, job_id: str) -> bytes:
    return Path(service.results.raster(job_id, "probabilities")).read_bytes()


def test_a_scene_that_was_at_work_is_run_again_and_what_has_no_record_goes(
    records: Records, objects: Objects, draw_image: Draw, write_model: Draw, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "slow.onnx", box=9, times=30, halo=16)

    def service(home: str, database: str) -> JobService:
        settings = Settings(home=tmp_path / home, store=objects.url(f"{home}-objects"), database=database, model=model)
        return JobService(settings.model_copy(update={"max_direct_pixels": 200 * 200}))

    before = service("then", records.url)
    before.start()
    scene = send(before, draw_image(tmp_path / "scene.tif", 18000, 128, seed=3))
    while before.get(scene.id).progress == 0:
        time.sleep(0.02)
    records.back_up()
    assert before.wait(scene.id).status == "succeeded"
    later = send(before, draw_image(tmp_path / "later.tif", seed=4))
    expected = probabilities(before, scene.id)
    objects.copy("then-objects", "now-objects")
    before.stop()
    records.restore()

    after = service("now", records.other_url)
    try:
        assert after.get(scene.id).status == "running"
        after.start()
        assert after.wait(scene.id).status == "succeeded"
        assert [event.kind for event in after.events(scene.id)][-3:] == ["requeued", "started", "succeeded"]
        assert probabilities(after, scene.id) == expected
        # For an hour nobody can know whether a record is about to come.
        after.tidy()
        assert any(later.id in name for name in objects.names("now-objects"))
        after.tidy(orphan_age=timedelta(0))
        left = objects.names("now-objects")
        assert {name.split("/")[1] for name in left} == {scene.id}
    finally:
        after.stop()


def test_records_without_objects_say_so_at_every_address(draw_image: Draw, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", max_direct_pixels=200 * 200)
    before = JobService(settings)
    chip = send(before, draw_image(tmp_path / "chip.tif"))
    waiting = send(before, draw_image(tmp_path / "waiting.tif", 300, 260, seed=3))
    before.stop()
    shutil.rmtree(tmp_path / "home" / "objects" / "jobs")
    shutil.rmtree(tmp_path / "home" / "cache", ignore_errors=True)

    after = JobService(settings)
    try:
        client = create_api(after).test_client()
        names = [
            "classes.csv", "classes.xlsx", "map", "point?lat=-1&lng=1", "polygons.gpkg",
            "polygons.geojson", "polygons.fgb", "preview.png", "probabilities.tif", "result.json", "tiles/0/0/0.png",
            "tiles/classes/0/0/0.png", "tiles/true-colour/0/0/0.png",
        ]  # fmt: skip
        for name in names:
            answer = client.get(f"/v1/jobs/{chip.id}/{name}")
            assert answer.status_code == 404, (name, answer.data)
            assert answer.json["detail"] in {LOST, LOST_IMAGE}, name
        assert client.get(f"/v1/jobs/{chip.id}").status_code == 200
        assert client.get("/v1/jobs").status_code == 200
        after.start()
        failed = after.wait(waiting.id)
        assert (failed.status, failed.message) == ("failed", LOST_IMAGE)
        again = send(after, tmp_path / "chip.tif")
        assert again.status == "succeeded"
        assert [job.id for job in after.list("ana")] == [again.id, waiting.id]
    finally:
        after.stop()
