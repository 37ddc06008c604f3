"""What each address shows, with a real service."""

from __future__ import annotations

import pytest
from rasterio.io import MemoryFile

from suelo.errors import NotFoundError
from suelo.jobs.uploads import LARGE_BYTES
from suelo.segmentation.selection import Selection
from suelo.web.charts import measured
from suelo.web.texts import Texts
from suelo.web.views import Views

ENGLISH = Texts("en")


@pytest.fixture
def views(service) -> Views:
    return Views(service, lambda: "me")


def named(parts, tree, name: str) -> dict:
    (found,) = [part["props"] for part in parts(tree) if part["props"].get("id") == name]
    return found


def test_results_are_found_by_whoever_has_the_address_but_listed_for_their_owner(views, georeferenced) -> None:
    path = f"/results/{georeferenced.id}"
    assert views.job_at(path) == georeferenced
    assert views.exists(path)
    assert views.jobs(10) == []


def test_the_page_knows_which_images_need_a_digest(views, parts) -> None:
    assert named(parts, views.content("/", "", ENGLISH), "upload")["data-digest-above"] is None
    # Then they go straight to S3.
    views._service.settings.presign = True
    assert named(parts, views.content("/", "", ENGLISH), "upload")["data-digest-above"] == LARGE_BYTES


@pytest.mark.parametrize("path", ["/results/", "/results/" + "0" * 32, "/results/../v1", "/other", "/results/a/b"])
def test_nothing_is_at_other_addresses(views, path, words) -> None:
    assert not views.exists(path)
    assert "There is nothing at this address" in words(views.content(path, "", ENGLISH))


def test_a_georeferenced_result_lies_on_the_world_and_may_have_a_background(views, georeferenced, parts) -> None:
    page = views.content(f"/results/{georeferenced.id}", "", ENGLISH)
    leaflet = named(parts, page, "map")
    (south, west), (north, east) = leaflet["bounds"]
    assert leaflet["crs"] == "EPSG3857"
    assert 4 < south < north < 5
    assert -75 < west < east < -73
    assert not named(parts, page, "basemap")["checked"]
    assert named(parts, page, "basemap-layer")["children"] == []


def test_a_result_without_crs_lies_on_its_own_plane_without_background(
    views, plane, georeferenced, parts, words
) -> None:
    page = views.content(f"/results/{plane.id}", "", ENGLISH)
    assert "a pixel is taken to be 1.24 m wide" in words(page)
    assert "is taken to be" not in words(views.content(f"/results/{georeferenced.id}", "", ENGLISH))
    leaflet = named(parts, page, "map")
    assert leaflet["crs"] == "Simple"
    assert leaflet["bounds"] == [[-96.0, 0.0], [0.0, 128.0]]
    assert all(part["props"].get("id") != "basemap" for part in parts(page))


def test_the_query_of_the_address_sets_controls_tiles_and_downloads(views, plane, parts, words) -> None:
    page = views.content(f"/results/{plane.id}", "?classes=trees,roads&threshold=0.3&min_area=50", ENGLISH)
    query = "threshold=0.3&min_area=50&classes=roads,trees"
    assert named(parts, page, "classes-layer")["url"].endswith(f"/tiles/classes/{{z}}/{{x}}/{{y}}.png?{query}")
    hrefs = [part["props"]["href"] for part in parts(page) if "download" in part["props"]]
    assert f"/v1/jobs/{plane.id}/classes.csv?{query}" in hrefs
    assert f"/v1/jobs/{plane.id}/probabilities.tif" in hrefs
    assert named(parts, page, "model")["data"]["fixed"] == "min_area=50"
    assert "Objects smaller than 50 m² are left out." in words(page)
    assert named(parts, page, "as-usual")["children"] == "Show as usual"


def test_a_mangled_query_shows_the_models_own_selection_and_says_so(views, plane, parts, words) -> None:
    page = views.content(f"/results/{plane.id}", "?threshold=many", ENGLISH)
    assert named(parts, page, "classes-layer")["url"].endswith(".png")
    assert "A threshold is a number or CLASS=NUMBER; 'many' is neither." in words(page)
    usual = words(views.content(f"/results/{plane.id}", "?threshold=0.4", ENGLISH))
    assert "This address" not in usual
    assert "this address" not in usual


def test_numbers_are_those_of_the_service_for_the_classes_that_are_on(views, service, plane, parts) -> None:
    path, query = f"/results/{plane.id}", "threshold=0.05&classes=buildings,trees,crops"
    figure, table, objects, hectares = views.numbers(path, query, "objects", ENGLISH)
    rows = service.results.summary(plane.id, Selection((0.05,) * 10))
    assert figure["data"][0]["x"] == [measured(rows[i], "objects") for i in (0, 4, 5)]
    assert [p["props"]["data-class"] for p in parts(table) if "data-class" in p["props"]] == [
        "buildings",
        "trees",
        "crops",
    ]
    assert [p["props"]["data-query"] for p in parts(table) if "data-query" in p["props"]] == [query]
    assert objects == [f"{row.polygons:,}" for row in rows]
    assert len(hectares) == 10


def test_numbers_of_a_deleted_result_are_refused_with_a_sentence(views) -> None:
    with pytest.raises(NotFoundError, match="may have been deleted"):
        views.numbers("/results/" + "0" * 32, "", "objects", ENGLISH)


def test_a_thumbnail_is_a_small_picture_of_the_image(views, plane) -> None:
    with MemoryFile(views.thumbnail(plane.id)) as file, file.open() as picture:
        assert picture.driver == "PNG"
        assert picture.shape == (96, 128)
        assert picture.read(1).std() > 5


def test_a_queued_job_shows_its_progress_and_a_failed_one_its_reason(
    views, service, draw_image, tmp_path, words
) -> None:
    path = draw_image(tmp_path / "large.tif", 210, 210, seed=2)
    upload = service.create_upload(path.name, path.stat().st_size, "me")
    service.receive_upload(upload.id, [path.read_bytes()])
    job = service.submit(upload.id, "me")
    address = f"/results/{job.id}"
    assert [listed.id for listed in views.jobs(10)] == [job.id]
    assert "Waiting for its turn" in words(views.content(address, "", ENGLISH))
    service.cancel(job.id)
    assert "was cancelled" in words(views.content(address, "", ENGLISH))
    service.delete(job.id)


def test_the_page_of_a_failed_job_says_why_and_what_to_do(views, make_job, monkeypatch, words) -> None:
    failed = make_job(status="failed", message="The server stopped 3 times while it worked on this image.")
    monkeypatch.setattr(views, "job_at", lambda path: failed)
    text = words(views.content("/results/x", "", ENGLISH))
    assert failed.message in text
    assert "tell the operator" in text
    # An image that becomes a job has its eight bands: others are refused before.
    assert "bands" not in text
    assert f"El servidor dice, en inglés: «{failed.message}»" in words(views.content("/results/x", "", Texts("es")))
