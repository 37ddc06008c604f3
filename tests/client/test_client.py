"""The client against a real server."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import geopandas
import numpy as np
import pandas
import pytest
import rasterio
import requests
import shapely
from ports import free_port

import suelo
from suelo.client.client import Client
from suelo.errors import (
    CancelledError,
    ConflictError,
    ImageError,
    InputError,
    NotAllowedError,
    NotFoundError,
    UnavailableError,
)
from suelo.simulation import simulate

Draw = Callable[..., Path]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up place with a CRS, in which the model finds something."""
    path = tmp_path_factory.mktemp("scene") / "Usaquén.tif"
    simulate(path, height=256, width=256, seed=3, crs="EPSG:9377")
    return path


def test_import_suelo_costs_nothing_and_the_client_is_there() -> None:
    code = (
        "import sys, suelo\n"
        "assert 'Client' in dir(suelo)\n"
        "print(sorted({'requests', 'numpy', 'rasterio', 'pandas', 'rich'} & set(sys.modules)))\n"
        "suelo.Client('http://127.0.0.1:1')\n"
        "print(sorted({'rasterio', 'openvino', 'pandas', 'geopandas', 'sqlalchemy', 'flask'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split("\n")[:2] == ["[]", "[]"]


def test_a_scene_comes_back_as_polygons_and_tables(client: Client, scene: Path, tmp_path: Path) -> None:
    job = client.segment(scene, progress=False)
    assert (job.status, job.name, job.progress, job.finished) == ("succeeded", "Usaquén", 1.0, True)
    assert requests.get(job.page, timeout=60).status_code == 200

    found = job.polygons(threshold=0.3, classes=["buildings", "roads", "trees"])
    assert found.crs == "EPSG:9377"
    assert set(found["class"]) <= {"buildings", "roads", "trees"}
    assert len(found)
    assert np.allclose(found.geometry.area, found["area_m2"], rtol=1e-3)

    numbers = job.classes(threshold=0.3)
    assert list(numbers["class_id"]) == list(range(1, 11))
    assert set(numbers["threshold"]) == {0.3}
    counted = found["class"].value_counts()
    for row in numbers.itertuples():
        if row.key in counted:
            assert row.polygons == counted[row.key]

    table = job.dataframe(threshold=0.3, classes=["trees", "buildings"])
    assert list(table.columns) == ["image", "class", "poly", "Multi", "name", "area_m2"]
    assert list(table["class"]) == [1, 5]
    assert set(table["image"]) == {"Usaquén"}
    for row in table.itertuples():
        assert shapely.from_wkt(row.Multi).area == pytest.approx(row.area_m2, rel=1e-3)

    assert list(job.dataframe(threshold=np.float64(0.3), classes="trees")["class"]) == [5]
    assert list(job.dataframe(threshold=0.3, classes=iter(["trees", "buildings"]))["class"]) == [1, 5]

    assert {"polygons.gpkg", "classes.csv", "probabilities.tif"} <= set(job.files)
    assert job.download("classes.csv", tmp_path, threshold=0.3) == tmp_path / "classes.csv"
    read = pandas.read_csv(tmp_path / "classes.csv")
    assert list(read["polygons"]) == list(numbers["polygons"])
    with rasterio.open(job.download("probabilities.tif", tmp_path / "p.tif")) as dataset:
        assert (dataset.count, dataset.width) == (10, 256)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["classes.csv", "p.tif"]
    with pytest.raises(InputError, match="its files are"):
        job.download("secrets.txt", tmp_path)


def test_the_table_is_that_of_segment_tiff(url: str, client: Client, draw_image: Draw, tmp_path: Path) -> None:
    chip = draw_image(tmp_path / "chip.tif", seed=4)
    direct = requests.post(f"{url}/segment_tiff?threshold=0.1&name=chip.tif", chip.read_bytes(), timeout=60).json()
    expected = pandas.DataFrame(direct["dataframe"])
    table = client.segment(chip.read_bytes(), name="chip.tif", progress=False).dataframe(threshold=0.1)
    columns = ["image", "class", "poly", "name", "area_m2"]
    pandas.testing.assert_frame_equal(table[columns], expected[columns], rtol=1e-12)


def test_progress_shows_and_goes_to_standard_error_only(
    client: Client,
    draw_image: Draw,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes that for a terminal
    client.segment(draw_image(tmp_path / "scene.tif", 300, 300, seed=8))
    shown = capsys.readouterr()
    assert "Sending scene.tif" in shown.err
    assert "100%" in shown.err
    assert shown.out == ""
    client.segment(draw_image(tmp_path / "other.tif", seed=9), progress=False)
    assert capsys.readouterr().err == ""


def test_the_list_of_jobs_is_ones_own_newest_first(url: str, draw_image: Draw, tmp_path: Path) -> None:
    with suelo.Client(url) as ana, suelo.Client(url) as ben:
        made = [ana.submit(draw_image(tmp_path / f"{n}.tif", seed=20 + n), progress=False) for n in range(3)]
        assert [job.id for job in ana.jobs()] == [job.id for job in reversed(made)]
        assert list(ben.jobs()) == []
        seen = ben.job(made[0].id)
        assert (seen.status, seen.created_at) == ("succeeded", made[0].created_at)
        with pytest.raises(NotAllowedError):
            seen.delete()
        made[0].delete()
        with pytest.raises(NotFoundError):
            seen.refresh()
        assert len(list(ana.jobs())) == 2


def test_all_jobs_can_be_deleted_while_the_list_is_read(url: str, draw_image: Draw, tmp_path: Path) -> None:
    with suelo.Client(url) as client:
        for number in range(3):
            client.submit(draw_image(tmp_path / f"{number}.tif", 32, 32, seed=number), progress=False)
        # Three pages of one job each; the last job is deleted before the next page is asked for.
        path, deleted = "/v1/jobs?limit=1", 0
        while path is not None:
            page = client._connection.json("GET", path)
            for document in page["jobs"]:
                client.job(document["id"]).delete()
                deleted += 1
            path = page["next"]
        assert deleted == 3
        assert list(client.jobs()) == []


def test_the_same_image_is_the_same_job(client: Client, draw_image: Draw, tmp_path: Path) -> None:
    path = draw_image(tmp_path / "a.tif", seed=30)
    first = client.segment(path, progress=False)
    assert client.submit(path, progress=False).id == first.id
    other = client.submit(path, gsd_m=0.5, statistics=first.document["normalisation"], progress=False)
    assert other.id != first.id
    assert other.document["image"]["gsd_m"] == 0.5
    assert other.document["normalisation"] == first.document["normalisation"]


def test_a_job_can_be_cancelled(client: Client, draw_image: Draw, tmp_path: Path) -> None:
    job = client.submit(draw_image(tmp_path / "scene.tif", 2000, 2000), progress=False)
    assert not job.finished
    with pytest.raises(InputError, match="has no file"):
        job.download("polygons.gpkg", tmp_path)
    with pytest.raises(InputError, match="no numbers"):
        job.classes()
    with pytest.raises(InputError, match="cancel it first"):
        job.delete()
    with pytest.raises(UnavailableError, match="still"):
        job.wait(timeout_s=0.01, progress=False)
    job.cancel()
    assert job.events()[0]["kind"] == "submitted"
    with pytest.raises(CancelledError):
        job.wait(60, progress=False)
    job.delete()


def test_cancelling_a_job_that_was_done_in_the_meantime_leaves_its_result(
    client: Client, draw_image: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = client.submit(draw_image(tmp_path / "chip.tif", seed=31), progress=False)
    # The last look at the job saw it at work.
    job.document["status"] = "running"
    monkeypatch.setattr(job, "refresh", lambda: job)
    job.cancel()
    assert client.job(job.id).status == "succeeded"
    assert len(job.classes()) == 10


def test_mistakes_are_the_errors_they_are_without_a_server(client: Client, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"text file.*8 multispectral bands"):
        client.segment(b"this is no image", progress=False)
    with pytest.raises(ImageError, match="cannot be read"):
        client.segment(tmp_path / "nothing.tif", progress=False)
    with pytest.raises(NotFoundError, match="no such job"):
        client.job("0" * 32)
    with pytest.raises(InputError, match="http://127"):
        suelo.Client("example.com")
    assert ConflictError.status == 409


def test_a_server_that_is_not_there_is_named() -> None:
    client = suelo.Client(f"http://127.0.0.1:{free_port()}", patience_s=0)
    with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1:"):
        client.model()


def test_the_client_outlives_a_restart_of_the_server(
    start_server: Callable[..., subprocess.Popen[bytes]],
    draw_image: Draw,
    tmp_path: Path,
) -> None:
    number = free_port()
    first = start_server(tmp_path / "home", number)
    with suelo.Client(f"http://127.0.0.1:{number}") as client:
        job = client.submit(draw_image(tmp_path / "scene.tif", 900, 900), progress=False)
        first.kill()
        first.wait()
        again = threading.Timer(1.5, start_server, (tmp_path / "home", number))
        again.start()
        job.wait(120, progress=False)
        again.join()
        assert job.status == "succeeded"
        assert isinstance(job.polygons(threshold=0.1), geopandas.GeoDataFrame)


def test_a_chip_outlives_a_kill_of_the_server_that_segments_it(
    start_server: Callable[..., subprocess.Popen[bytes]], draw_image: Draw, tmp_path: Path
) -> None:
    number, home = free_port(), tmp_path / "home"
    slow = {"SUELO_MAX_DIRECT_PIXELS": "1000000", "SUELO_THREADS": "1"}
    server = start_server(home, number, **slow)
    chip = draw_image(tmp_path / "chip.tif", 900, 900)

    def kill_and_start() -> None:
        with closing(sqlite3.connect(home / "suelo.sqlite")) as records:
            while not records.execute("SELECT 1 FROM jobs WHERE status = 'running'").fetchall():
                time.sleep(0.005)
        server.kill()
        server.wait()
        start_server(home, number, **slow)

    killing = threading.Thread(target=kill_and_start)
    killing.start()
    with suelo.Client(f"http://127.0.0.1:{number}") as client:
        job = client.segment(chip, progress=False)
        killing.join()
        assert [job.status] == [made.status for made in client.jobs()] == ["succeeded"]
        assert "requeued" in {event["kind"] for event in job.events()}


def test_a_proxy_may_hide_by_which_name_the_server_is_reached(client: Client, draw_image: Draw, tmp_path: Path) -> None:
    client._connection._session.headers["Host"] = "inside.invalid"
    upload = client._connection.json("POST", "/v1/uploads", {"name": "a.tif"})
    assert upload["url"].startswith("http://inside.invalid/")
    assert client.segment(draw_image(tmp_path / "a.tif", seed=51), progress=False).status == "succeeded"


def test_images_and_results_pass_the_server_by_where_s3_takes_them(
    start_server: Callable[..., subprocess.Popen[bytes]],
    s3: dict[str, str],
    draw_image: Draw,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number = free_port()
    store = f"s3://results/{tmp_path.name}"
    start_server(tmp_path / "home", number, SUELO_STORE=store, SUELO_PRESIGN="true", **s3)
    sent = []
    request = requests.Session.request

    def noting(self: requests.Session, method: str, url: str, **more: object) -> requests.Response:
        sent.append((method, url.startswith(s3["AWS_ENDPOINT"]), self.headers.get("Authorization")))
        return request(self, method, url, **more)

    monkeypatch.setattr(requests.Session, "request", noting)
    with suelo.Client(f"http://127.0.0.1:{number}", token="secret") as client:
        job = client.segment(draw_image(tmp_path / "scene.tif", 300, 300, epsg=9377), progress=False)
        assert job.status == "succeeded"
        assert ("PUT", True, None) in sent
        assert not any(to_s3 and token for _, to_s3, token in sent)
        assert all(token == "Bearer secret" for _, to_s3, token in sent if not to_s3)
        # Bytes that are not those announced never become a result.
        ticket = client._connection.json("POST", "/v1/uploads", {"name": "a.tif", "size": 4, "sha256": "0" * 64})
        requests.put(ticket["url"], b"II*\0", timeout=60).raise_for_status()
        with pytest.raises(InputError, match="SHA-256"):
            client._connection.json("POST", "/v1/jobs", {"upload": ticket["id"]})
