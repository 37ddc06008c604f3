"""Addresses."""

from __future__ import annotations

from suelo.api.representation import FILES
from suelo.web import ids, links


def test_addresses_carry_the_selection() -> None:
    assert links.file_path("abc", "classes.csv", "classes=roads") == "/v1/jobs/abc/classes.csv?classes=roads"
    assert links.file_path("abc", "classes.csv") == "/v1/jobs/abc/classes.csv"
    assert links.tile_template("abc", "classes", "threshold=0.4") == (
        "/v1/jobs/abc/tiles/classes/{z}/{x}/{y}.png?threshold=0.4"
    )
    assert links.tile_template("abc", "ndvi") == "/v1/jobs/abc/tiles/ndvi/{z}/{x}/{y}.png"
    assert links.result_path("abc") == "/results/abc"
    assert links.thumbnail_path("abc") == "/results/abc/thumbnail.png"


def test_every_file_of_the_api_can_be_downloaded() -> None:
    assert sorted(links.SELECTED_FILES + links.WHOLE_FILES) == sorted(FILES)


def test_names_of_links_have_no_dot_which_dash_reserves() -> None:
    assert ids.download("polygons.gpkg") == {"type": "download", "file": "polygons|gpkg"}
