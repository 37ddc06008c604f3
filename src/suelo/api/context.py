"""What every route needs: the service, the selection that was asked for, and checks of what came."""

from __future__ import annotations

import re
from typing import Any

from flask import request
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.routing import BaseConverter

from suelo.api.owner import current_owner
from suelo.api.query import selection_from_query
from suelo.api.state import service
from suelo.errors import InputError, NotAllowedError, NotFoundError
from suelo.jobs.job import Job
from suelo.segmentation.selection import Selection

__all__ = [
    "MAX_JSON",
    "IdConverter",
    "checked_id",
    "find_job",
    "finished_job",
    "json_object",
    "own_job",
    "selection_for",
    "service",
]

_ID = re.compile(r"[0-9a-f]{32}")
MAX_JSON = 1_000_000
"""Largest JSON document that is taken, in bytes."""


class IdConverter(BaseConverter):
    """The part of an address that is an id: `<id:job_id>`."""

    regex = _ID.pattern


def checked_id(text: str, what: str) -> str:
    """An id as the service makes them.

    Raises:
        NotFoundError: It is something else, so there cannot be such a thing.
    """
    if not _ID.fullmatch(text):
        raise NotFoundError(f"There is no such {what}.")
    return text


def find_job(job_id: str) -> Job:
    """The job of an address.

    Raises:
        NotFoundError: There is none.
    """
    return service().get(checked_id(job_id, "job"))


def finished_job(job_id: str) -> Job:
    """The job of an address, with a result.

    Raises:
        NotFoundError: There is none.
        ConflictError: It has no result (yet).
    """
    return service().results.finished(checked_id(job_id, "job"))


def own_job(job_id: str) -> Job:
    """The job of an address, which must be the visitor's.

    Raises:
        NotFoundError: There is none.
        NotAllowedError: It is somebody else's.
    """
    job = find_job(job_id)
    if job.owner != current_owner():
        raise NotAllowedError("Only the owner of a job may cancel or delete it; this one is somebody else's.")
    return job


def selection_for(job: Job) -> Selection:
    """The selection in the query of the current request; the model's thresholds where it is silent."""
    return selection_from_query(request.args.to_dict(flat=False), Selection(job.model_thresholds))


def json_object() -> dict[str, Any]:
    """The JSON object in the body of the current request.

    Raises:
        UnsupportedMediaType: The body is not declared as JSON.
        InputError: It is not a JSON object.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("This address takes JSON: set Content-Type to application/json.")
    request.max_content_length = MAX_JSON
    try:
        document = request.get_json(silent=True)
    except RecursionError:
        document = None
    if not isinstance(document, dict):
        raise InputError("The body is not a JSON object.")
    return document
