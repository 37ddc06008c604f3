"""Names of the parts of the page that callbacks and scripts meet."""

from __future__ import annotations

from typing import Any

from dash import ALL
from dash.dependencies import _Wildcard as Wildcard

LOCATION = "location"
CONTENT = "content"
NOTICE = "notice"

RESULTS = "results"
RESULTS_REFRESH = "results-refresh"
RESULTS_POLL = "results-poll"
RESULTS_OLDER = "results-older"

JOB = "job"
JOB_POLL = "job-poll"
JOB_PROGRESS = "job-progress"

MODEL = "model"
QUERY = "query"
ALL_ON = "all-on"
ALL_THRESHOLD = "all-threshold"
ALL_THRESHOLD_TEXT = "all-threshold-text"
RESET = "reset"
MEASURE = "measure"
CHART = "chart"
TABLE = "table"
NUMBERS = "numbers"

MAP = "map"
IMAGE_LAYER = "image-layer"
CLASSES_LAYER = "classes-layer"
BASEMAP_LAYER = "basemap-layer"
COMPOSITE = "composite"
OPACITY = "opacity"
BASEMAP = "basemap"
FIT = "fit"


def per_class(kind: str, key: str | Wildcard) -> dict[str, Any]:
    """Name of a control that exists once per class."""
    return {"type": kind, "key": key}


def download(file: str) -> dict[str, str]:
    """Name of the link to a file; Dash reserves the dot in names."""
    return {"type": "download", "file": file.replace(".", "|")}


def any_download() -> dict[str, Any]:
    """All links to files."""
    return {"type": "download", "file": ALL}
