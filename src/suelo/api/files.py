"""`/v1/jobs/{id}/polygons.gpkg` and its like: downloads with exactly what the query selects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Blueprint, Response, request, send_file

from suelo.api.context import finished_job, selection_for, service
from suelo.api.operation import F, file_of, operation
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
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "png": "image/png",
    "json": "application/json",
}
"""Media type of each format."""


def add_routes(api: Blueprint) -> None:
    """Add the routes of this module."""
    api.get("/v1/jobs/<id:job_id>/polygons.<any(gpkg, geojson, fgb):fmt>")(send_polygons)
    api.get("/v1/jobs/<id:job_id>/classes.<any(csv, xlsx):table>")(send_table)
    api.get("/v1/jobs/<id:job_id>/preview.png")(send_preview)
    api.get("/v1/jobs/<id:job_id>/result.json")(send_description)
    api.get("/v1/jobs/<id:job_id>/probabilities.tif")(send_probabilities)


def _download(*media_types: str, query: Sequence[str] = SELECTION) -> Callable[[F], F]:
    """Note what the OpenAPI document says of a route that sends a file."""
    file = file_of(*media_types)
    return operation(
        "Results",
        # With 303 and 304 the file is elsewhere: in S3, or with the client already.
        answers={200: file, 206: file, 303: {}, 304: {}},
        query=query,
        headers=("If-None-Match", "If-Modified-Since", "Range"),
        problems=(400, 404, 409, 416),
    )


@_download(MEDIA_TYPES["gpkg"], MEDIA_TYPES["geojson"], MEDIA_TYPES["fgb"])
def send_polygons(job_id: str, fmt: str) -> Response:
    """Polygons as GeoPackage, GeoJSON or FlatGeobuf."""
    return export_response(finished_job(job_id), fmt, "polygons")


@_download(MEDIA_TYPES["csv"], MEDIA_TYPES["xlsx"])
def send_table(job_id: str, table: str) -> Response:
    """Numbers per class as CSV or as a spreadsheet."""
    return export_response(finished_job(job_id), table, "classes")


@_download(MEDIA_TYPES["png"])
def send_preview(job_id: str) -> Response:
    """A small picture of image and classes."""
    return export_response(finished_job(job_id), "png", "preview")


@_download(MEDIA_TYPES["json"])
def send_description(job_id: str) -> Response:
    """How the result was made, and its numbers."""
    return export_response(finished_job(job_id), "json", "result")


@_download(MEDIA_TYPE, query=())
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


def _mend_range(size: int) -> None:
    """Take from the current request a `Range` that RFC 9110 lets or makes a server ignore; Werkzeug would refuse it."""
    asked = request.headers.get("Range", "")
    unit, _, spans = (text.strip() for text in asked.partition("="))
    known = unit.lower() == "bytes" and "," not in spans
    weak = request.headers.get("If-Range", "").startswith("W/")
    if not known or weak or request.method != "GET":
        request.environ.pop("HTTP_RANGE", None)
    elif spans[:1] == "-" and spans[1:].isdecimal() and int(spans[1:]) > size:
        # More of the end than there is: all of it.
        request.environ["HTTP_RANGE"] = "bytes=0-"


def _send(job: Job, path: Path, media_type: str, name: str, etag: str) -> Response:
    _mend_range(path.stat().st_size)
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
