"""What the guide says of backup and restore, done: copies made while the service goes on, put back elsewhere."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url

from suelo.api.app import create_api
from suelo.jobs.job import Job
from suelo.jobs.service import JobService
from suelo.segmentation.selection import Selection
from suelo.settings import Settings

Draw = Callable[..., Path]
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
            assert 'sqlite3 /var/lib/suelo/suelo.sqlite ".backup' in self._guide
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
