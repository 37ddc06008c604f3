"""`POST /segment_tiff`: a chip in, its land cover out, in one request."""

from __future__ import annotations

import binascii
import csv
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from flask import Blueprint, Response, request
from werkzeug.exceptions import NotAcceptable, UnsupportedMediaType

from suelo.api.context import service
from suelo.api.files import export_response
from suelo.api.idempotent import idempotent
from suelo.api.operation import FILE, operation
from suelo.api.owner import current_owner
from suelo.api.parameters import SELECTION
from suelo.api.query import selection_from_query
from suelo.api.representation import job_json
from suelo.api.timing import part
from suelo.errors import ConflictError, InputError, SueloError
from suelo.jobs.job import Job, JobOptions
from suelo.segmentation.selection import Selection

if TYPE_CHECKING:
    from suelo.segmentation.polygons import Polygons
    from suelo.segmentation.summary import ClassSummary

JSON, GEOJSON, CSV = "application/json", "application/geo+json", "text/csv"

COLUMNS = ("image", "class", "poly", "Multi", "name", "area_m2")
"""Columns of the data frame: image, number of the class, number of polygons, their outline as WKT, name of the class,
area in m²."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_NO_OUTLINE = "MULTIPOLYGON EMPTY"
_DATA_URL = re.compile(rb"data:[\w/.+-]*;base64,")
_BYTES_PER_PIXEL = 8 * 8 * 4 // 3 + 1
"""Of the largest image: eight bands of float64, in base64."""


def add_routes(api: Blueprint) -> None:
    """Add the routes of this module."""
    api.post("/segment_tiff")(segment_tiff)


def _most_bytes() -> int:
    return service().settings.max_direct_pixels * _BYTES_PER_PIXEL + 1_000_000


@operation(
    "Chips",
    answers={200: {JSON: "Segmentation", GEOJSON: "FeatureCollection", CSV: FILE}},
    body={"image/tiff": FILE, "text/plain": FILE},
    query=("name", "gsd_m", *SELECTION),
    headers=("Idempotency-Key",),
    problems=(400, 406, 409, 413, 415, 422),
)
@idempotent(_most_bytes)
def segment_tiff() -> Response | dict[str, Any]:
    """Segment the TIFF in the body, raw or base64.

    The query takes `name`, `gsd_m` and a selection. `Accept` chooses between JSON (the job, numbers per class and a
    data frame with outlines), GeoJSON (the polygons) and CSV (the data frame).
    """
    accepted = request.accept_mimetypes
    answer = accepted.best_match([JSON, GEOJSON, CSV]) if accepted else JSON
    if answer is None:
        raise NotAcceptable(f"The answer is {JSON}, {GEOJSON} or {CSV}; the request accepts none of them.")
    model = service().model
    # Read before anything is done, so that a mistake in the query costs nothing.
    selection = selection_from_query(request.args.to_dict(flat=False), Selection(model.contract.thresholds))
    options = JobOptions(gsd_m=_gsd())
    with part("receive"):
        image = _image()
    owner = current_owner()
    with part("job"):
        job = service().submit_image(image, request.args.get("name", "image"), owner, options)
    _require_success(job)
    if answer == GEOJSON:
        return export_response(job, "geojson", "polygons")
    with part("polygons"):
        summary, polygons = service().results.outlines(job.id, selection)
    with part("table"):
        records = dataframe(job, polygons, selection, summary)
    if answer == CSV:
        return _csv(records)
    return {"job": job_json(job, owner), "statistics": [row.to_dict() for row in summary], "dataframe": records}


def dataframe(
    job: Job, polygons: Sequence[Polygons], selection: Selection, summary: Sequence[ClassSummary]
) -> list[dict[str, Any]]:
    """One record per class that is switched on, with `COLUMNS`.

    Args:
        job: The job.
        polygons: Its polygons.
        selection: What is shown.
        summary: Numbers of all classes.
    """
    import shapely

    found: dict[int, list[shapely.Polygon]] = {c.id: [] for c in selection.classes}
    for batch in polygons:
        found[batch.land_cover.id].extend(batch.geometry)
    records = []
    for c in selection.classes:
        parts = np.array(found[c.id], dtype=object)
        # 1e-9 of a degree or metre is far below what the pixels mean.
        outline = shapely.to_wkt(shapely.multipolygons(parts), rounding_precision=9) if parts.size else _NO_OUTLINE
        values = (job.name, c.id, len(found[c.id]), outline, c.name, summary[c.id - 1].area_m2)
        records.append(dict(zip(COLUMNS, values, strict=True)))
    return records


def _require_success(job: Job) -> None:
    if job.status == "failed":
        raise SueloError(job.message)
    if job.status != "succeeded":
        raise ConflictError(f"The same image is {job.status} as job {job.id}; look there.")


def _gsd() -> float | None:
    text = request.args.get("gsd_m")
    try:
        return None if text is None else float(text)
    except ValueError:
        raise InputError(f"The ground sampling distance gsd_m is a number of metres; {text!r} is not.") from None


def _image() -> bytes:
    """The TIFF in the body; base64 is decoded."""
    if request.mimetype == "multipart/form-data":
        raise UnsupportedMediaType("The body is the TIFF itself, not a form: curl --data-binary @image.tif")
    request.max_content_length = _most_bytes()
    body = request.get_data(cache=False)
    if body[:4] in _TIFF:
        return body
    text = _DATA_URL.sub(b"", body.strip(), count=1)
    try:
        return binascii.a2b_base64(b"".join(text.split()), strict_mode=True) or body
    except binascii.Error:
        return body


def _csv(records: Sequence[dict[str, Any]]) -> Response:
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(records)
    return Response(text.getvalue(), mimetype=CSV)
