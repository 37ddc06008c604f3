"""The parameters of the API's addresses, queries and headers, as the OpenAPI document describes them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from suelo.api.examples import ID
from suelo.imagery.georeference import MAX_GSD_M, MIN_GSD_M
from suelo.jobs.tiles import LAYERS
from suelo.landcover import CLASS_KEYS

ID_PATTERN = "^[0-9a-f]{32}$"
_NUMBER = r"[0-9]{1,9}([.][0-9]{1,9})?"
_SHARE = r"(0[.][0-9]{0,8}[1-9]|1|1[.]0)"
_CLASSES = "|".join(CLASS_KEYS)

_COUNT = {"type": "integer", "minimum": 0}
PATH: dict[str, tuple[str, dict[str, Any], str]] = {
    "job_id": ("The job; whoever knows it may see the result.", {"type": "string", "pattern": ID_PATTERN}, ID),
    "upload_id": ("The upload.", {"type": "string", "pattern": ID_PATTERN}, ID),
    "fmt": ("Format.", {"type": "string", "enum": ["gpkg", "geojson", "fgb"]}, "gpkg"),
    "table": ("Format.", {"type": "string", "enum": ["csv", "xlsx"]}, "csv"),
    "layer": ("Layer of the map.", {"type": "string", "enum": list(LAYERS)}, "classes"),
    "z": ("Zoom level.", _COUNT, "17"),
    "x": ("Column of tiles.", _COUNT, "38535"),
    "y": ("Row of tiles.", _COUNT, "63805"),
}
"""Description, schema and example of each part of an address."""

SELECTION = ("threshold", "min_area", "classes", "simplify")
"""What is shown of a result."""

QUERY: dict[str, dict[str, Any]] = {
    "threshold": {
        "description": "Probability from which a pixel belongs to a class: a number for all classes, or `class=number` "
        "for one; may be repeated. The model's own thresholds hold otherwise.",
        "schema": {"type": "array", "items": {"type": "string", "pattern": f"^(({_CLASSES})=)?{_SHARE}$"}},
        "example": ["0.5", "buildings=0.4"],
    },
    "min_area": {
        "description": "Objects smaller than this many m² are left out: a number for all classes, or `class=number` "
        "for one; may be repeated.",
        "schema": {"type": "array", "items": {"type": "string", "pattern": f"^(({_CLASSES})=)?{_NUMBER}$"}},
        "example": ["trees=10"],
    },
    "classes": {
        "description": "Only these classes; an empty value leaves out all.",
        "schema": {"type": "array", "items": {"type": "string", "enum": list(CLASS_KEYS)}},
        "explode": False,
        "example": ["buildings", "roads"],
    },
    "simplify": {
        "description": "Simplify outlines within this many metres.",
        "schema": {"type": "number", "minimum": 0},
        "example": 1.5,
    },
    "name": {
        "description": "Name of the image.",
        "schema": {"type": "string", "maxLength": 255},
        "example": "usme.tif",
    },
    "gsd_m": {
        "description": "Metres per pixel of an image without a coordinate reference system.",
        "schema": {"type": "number", "minimum": MIN_GSD_M, "maximum": MAX_GSD_M},
        "example": 1.24,
    },
    "limit": {
        "description": "Jobs on a page.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
        "example": 20,
    },
    "before": {
        "description": "Only jobs that come after this place in the list; `next` of the page before has it. The id of "
        "a job that is still there will do too.",
        "schema": {"type": "string", "pattern": "^([0-9]{1,17}-)?[0-9a-f]{32}$"},
        "example": ID,
    },
    "lat": {
        "description": "Latitude; without a coordinate reference system the row with a minus sign.",
        "schema": {"type": "number"},
        "required": True,
        "example": 4.7645,
    },
    "lng": {
        "description": "Longitude; without a coordinate reference system the column.",
        "schema": {"type": "number"},
        "required": True,
        "example": -74.2145,
    },
}
"""Query parameters by name."""

HEADERS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "description": "A text of your own, new for each new request: the same request sent again with it is answered "
        "as before and not carried out again. Keys are kept for a day.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
        "example": "6d1a3a5e-0d2c-4c0b-9d7e-2f3f8f1b6f1a",
    },
    "If-None-Match": {
        "description": "`ETag` of a copy that you have: 304 without a body if it is still right.",
        "schema": {"type": "string"},
    },
    "If-Modified-Since": {
        "description": "`Last-Modified` of a copy that you have, where you have no `ETag`: 304 without a body if it is "
        "still right.",
        "schema": {"type": "string"},
    },
    "Range": {
        "description": "Only a part of the file, as `bytes=0-1023`.",
        "schema": {"type": "string"},
    },
}
"""Request headers by name."""

HEADER_PROBLEMS: dict[str, tuple[HTTPStatus, ...]] = {
    "Idempotency-Key": (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
}
"""Statuses of the problems that come of a request header."""
