"""Addresses that the page points to."""

from __future__ import annotations

SELECTED_FILES = (
    "polygons.gpkg",
    "polygons.geojson",
    "polygons.fgb",
    "classes.xlsx",
    "classes.csv",
    "preview.png",
    "result.json",
)
"""Files that hold what is shown: their addresses carry the selection."""
WHOLE_FILES = ("probabilities.tif",)
"""Files that do not depend on what is shown."""


def result_path(job_id: str) -> str:
    """Address of the page of a result."""
    return f"/results/{job_id}"


def job_path(job_id: str) -> str:
    """Address of a job in the API."""
    return f"/v1/jobs/{job_id}"


def with_query(path: str, query: str) -> str:
    """An address with a query, or without one if it is empty."""
    return f"{path}?{query}" if query else path


def file_path(job_id: str, file: str, query: str = "") -> str:
    """Address of a file of a result."""
    return with_query(f"{job_path(job_id)}/{file}", query)


def tile_template(job_id: str, layer: str, query: str = "") -> str:
    """Address of the tiles of a layer, with {z}, {x} and {y} for the map to fill in.

    Args:
        job_id: The result.
        layer: `classes` or a composite.
        query: Selection query; only `classes` heeds it.
    """
    return with_query(f"{job_path(job_id)}/tiles/{layer}/{{z}}/{{x}}/{{y}}.png", query)


def thumbnail_path(job_id: str) -> str:
    """Address of a small picture of a result."""
    return f"{result_path(job_id)}/thumbnail.png"
