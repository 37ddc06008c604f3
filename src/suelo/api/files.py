"""`/v1/jobs/{id}/polygons.gpkg` and its like: downloads with exactly what the query selects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, send_file

from suelo.api.context import finished_job, selection_for, service
from suelo.api.operation import file_of, operation
from suelo.api.parameters import SELECTION
from suelo.api.timing import part
from suelo.jobs.job import Job
from suelo.jobs.objects import MEDIA_TYPE, PROBABILITIES, key
from suelo.jobs.results import digest

MEDIA_TYPES = {
    "gpkg": "application/geopackage+sqlite3",
    "geojson": "application/geo+json",
    "fgb": "application/flatgeobuf",
    "csv": "text/csv",
    "png": "image/png",
    "json": "application/json",
}
"""Media type of each format."""

_ELSEWHERE: dict[int, Any] = {303: {}, 304: {}}
"""Answers that say where the file is: in S3, or with the client already."""
_CONDITIONS = ("If-None-Match", "Range")
_PROBLEMS = (400, 404, 409, 416)


def add_routes(api: Blueprint) -> None:
    """Add the routes of this module."""
    api.get("/v1/jobs/<id:job_id>/polygons.<any(gpkg, geojson, fgb):fmt>")(send_polygons)
    api.get("/v1/jobs/<id:job_id>/classes.csv")(send_table)
    api.get("/v1/jobs/<id:job_id>/preview.png")(send_preview)
    api.get("/v1/jobs/<id:job_id>/result.json")(send_description)
    api.get("/v1/jobs/<id:job_id>/probabilities.tif")(send_probabilities)


@operation(
    "Results",
    answers={status: file_of(MEDIA_TYPES["gpkg"], MEDIA_TYPES["geojson"], MEDIA_TYPES["fgb"]) for status in (200, 206)}
    | _ELSEWHERE,
    query=SELECTION,
    headers=_CONDITIONS,
    problems=_PROBLEMS,
)
def send_polygons(job_id: str, fmt: str) -> Response:
    """Polygons as GeoPackage, GeoJSON or FlatGeobuf."""
    return export_response(finished_job(job_id), fmt, "polygons")


@operation(
    "Results",
    answers={200: file_of(MEDIA_TYPES["csv"]), 206: file_of(MEDIA_TYPES["csv"])} | _ELSEWHERE,
    query=SELECTION,
    headers=_CONDITIONS,
    problems=_PROBLEMS,
)
def send_table(job_id: str) -> Response:
    """Numbers per class as CSV."""
    return export_response(finished_job(job_id), "csv", "classes")


@operation(
    "Results",
    answers={200: file_of(MEDIA_TYPES["png"]), 206: file_of(MEDIA_TYPES["png"])} | _ELSEWHERE,
    query=SELECTION,
    headers=_CONDITIONS,
    problems=_PROBLEMS,
)
def send_preview(job_id: str) -> Response:
    """A small picture of image and classes."""
    return export_response(finished_job(job_id), "png", "preview")


@operation(
    "Results",
    answers={200: file_of(MEDIA_TYPES["json"]), 206: file_of(MEDIA_TYPES["json"])} | _ELSEWHERE,
    query=SELECTION,
    headers=_CONDITIONS,
    problems=_PROBLEMS,
)
def send_description(job_id: str) -> Response:
    """How the result was made, and its numbers."""
    return export_response(finished_job(job_id), "json", "result")


@operation(
    "Results",
    answers={200: file_of(MEDIA_TYPE), 206: file_of(MEDIA_TYPE)} | _ELSEWHERE,
    headers=_CONDITIONS,
    problems=_PROBLEMS,
)
def send_probabilities(job_id: str) -> Response:
    """The probabilities of all classes, which no selection changes; parts of it on demand (HTTP Range)."""
    job = finished_job(job_id)
    address = service().downloads.of_object(key(job.id, PROBABILITIES))
    if address is not None:
        return _redirect(address)
    path = Path(service().results.raster(job.id, "probabilities"))
    return _send(job, path, MEDIA_TYPE, f"{job.name}-probabilities.tif", f"{job.id}-probabilities")


def export_response(job: Job, fmt: str, what: str) -> Response:
    """An export of a job for the selection in the query, as a download."""
    selection = selection_for(job)
    with part("export"):
        path = service().results.export(job.id, selection, fmt)
        name = f"{job.name}-{what}.{fmt}"
        address = service().downloads.of_export(job.id, path, name, MEDIA_TYPES[fmt])
    if address is not None:
        return _redirect(address)
    return _send(job, path, MEDIA_TYPES[fmt], name, f"{job.id}-{digest(selection)}-{fmt}")


def _redirect(address: str) -> Response:
    # The address is a permission, and stops working.
    return Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})


def _send(job: Job, path: Path, media_type: str, name: str, etag: str) -> Response:
    response = send_file(
        path,
        media_type,
        as_attachment=True,
        download_name=name,
        conditional=True,
        etag=etag,
        # The file itself may be a copy, made or touched later.
        last_modified=job.finished_at,
    )
    response.headers["Cache-Control"] = "private, no-cache"
    return response
