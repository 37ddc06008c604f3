"""`/v1/jobs/{id}/map`, `/tiles` and `/point`: a result on a map."""

from __future__ import annotations

import hashlib
import math
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from suelo.api.context import finished_job, selection_for, service
from suelo.api.operation import file_of, json_of, operation
from suelo.api.parameters import SELECTION
from suelo.api.timing import part
from suelo.errors import InputError
from suelo.jobs.results import digest
from suelo.jobs.tiles import CLASSES_LAYER, LAYERS

_MONTH = 30 * 24 * 3600
_FORM = 1
"""Counts up when tiles of the same selection come to look different, so that browsers fetch them again."""


def add_routes(api: Blueprint) -> None:
    """Add the routes of this module."""
    api.get("/v1/jobs/<id:job_id>/map")(show_map)
    api.get("/v1/jobs/<id:job_id>/tiles/<layer>/<int(signed=True):z>/<int:x>/<int:y>.png")(send_tile)
    api.get("/v1/jobs/<id:job_id>/tiles/<int(signed=True):z>/<int:x>/<int:y>.png")(send_class_tile)
    api.get("/v1/jobs/<id:job_id>/point")(show_point)


@operation("Maps", answers={200: json_of("Map")}, problems=(404, 409))
def show_map(job_id: str) -> dict[str, Any]:
    """Bounds, zoom levels and tile addresses; `suelo.jobs.geometry` explains the coordinates."""
    job = finished_job(job_id)
    tiles = {layer: f"/v1/jobs/{job.id}/tiles/{layer}/{{z}}/{{x}}/{{y}}.png" for layer in LAYERS}
    return {**service().results.place(job.id).to_json(), "tiles": tiles}


@operation(
    "Maps",
    answers={200: file_of("image/png"), 304: {}},
    query=SELECTION,
    headers=("If-None-Match",),
    problems=(400, 404, 409),
)
def send_tile(job_id: str, layer: str, z: int, x: int, y: int) -> Response:
    """One tile of the image or of the classes."""
    if layer not in LAYERS:
        raise NotFound(f"There is no layer {layer!r}; the layers are {', '.join(LAYERS)}.")
    job = finished_job(job_id)
    selection = selection_for(job)
    shown = digest(selection) if layer == CLASSES_LAYER else ""
    response = Response(mimetype="image/png")
    response.headers["Cache-Control"] = f"private, max-age={_MONTH}, immutable"
    response.set_etag(hashlib.sha256(f"{_FORM} {job.id} {layer} {z} {x} {y} {shown}".encode()).hexdigest()[:32])
    if request.if_none_match.contains(response.get_etag()[0] or ""):
        response.status_code = 304
        return response
    with part("tile"):
        response.set_data(service().results.tile(job.id, layer, z, x, y, selection))
    return response


@operation(
    "Maps",
    answers={200: file_of("image/png"), 304: {}},
    query=SELECTION,
    headers=("If-None-Match",),
    problems=(400, 404, 409),
)
def send_class_tile(job_id: str, z: int, x: int, y: int) -> Response:
    """One tile of the classes."""
    return send_tile(job_id, CLASSES_LAYER, z, x, y)


@operation("Maps", answers={200: json_of("Point")}, query=("lat", "lng", *SELECTION), problems=(400, 404, 409))
def show_point(job_id: str) -> dict[str, Any]:
    """The classes at a point of the map."""
    job = finished_job(job_id)
    selection = selection_for(job)
    found = service().results.point(job.id, _number("lat"), _number("lng"), selection)
    return {
        "row": found.row,
        "col": found.col,
        "valid": found.valid,
        "classes": [
            {"key": c.land_cover.key, "name": c.land_cover.name, "probability": c.probability, "shown": c.shown}
            for c in found.classes
        ],
    }


def _number(name: str) -> float:
    text = request.args.get(name, "")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"A point needs the number {name}; {text!r} is none.")
    return value
