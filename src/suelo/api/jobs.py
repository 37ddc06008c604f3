"""`/v1/jobs`: making, listing, watching, cancelling and deleting jobs."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, request, url_for

from suelo.api.context import MAX_JSON, checked_id, find_job, json_object, own_job, selection_for, service
from suelo.api.idempotent import idempotent
from suelo.api.operation import json_of, operation
from suelo.api.owner import current_owner
from suelo.api.parameters import SELECTION
from suelo.api.representation import job_json, moment_text
from suelo.api.timing import part
from suelo.errors import InputError, NotFoundError
from suelo.jobs.job import JobOptions
from suelo.jobs.place import Place

PAGE = 50
"""Jobs on a page of the list, unless `limit` says otherwise."""
MAX_PAGE = 200


def add_routes(api: Blueprint) -> None:
    """Add the routes of this module."""
    api.post("/v1/jobs")(create_job)
    api.post("/v1/jobs/sample")(create_sample)
    api.get("/v1/jobs")(list_jobs)
    api.get("/v1/jobs/<id:job_id>")(show_job)
    api.get("/v1/jobs/<id:job_id>/events")(list_events)
    api.post("/v1/jobs/<id:job_id>/cancel")(cancel_job)
    api.delete("/v1/jobs/<id:job_id>")(delete_job)


@operation(
    "Jobs",
    answers={201: json_of("Job"), 200: json_of("Job")},
    body=json_of("NewJob"),
    headers=("Idempotency-Key",),
    problems=(400, 404, 409, 413, 415, 422),
)
@idempotent(lambda: MAX_JSON)
def create_job() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Make a job of an upload; 201, or 200 where the owner has one of the same image, model and options already."""
    document = json_object()
    upload_id, options = document.get("upload"), document.get("options")
    if not isinstance(upload_id, str):
        raise InputError("A job needs the id of an upload as 'upload'.")
    if options is None:
        options = {}
    if not isinstance(options, dict):
        raise InputError("The options of a job are an object with gsd_m or statistics.")
    owner = current_owner()
    with part("job"):
        job = service().submit(checked_id(upload_id, "upload"), owner, JobOptions.from_json(options))
    headers = {"Location": url_for("api.show_job", job_id=job.id)}
    return job_json(job, owner), 201 if job.id == upload_id else 200, headers


@operation("Jobs", answers={200: json_of("Job")})
def create_sample() -> dict[str, Any]:
    """The sample job, which everybody shares; it is made if there is none."""
    with part("job"):
        job = service().ensure_sample()
    return job_json(job, current_owner())


@operation("Jobs", answers={200: json_of("JobList")}, query=("limit", "before"), problems=(400, 404))
def list_jobs() -> dict[str, Any]:
    """Jobs of the visitor and the shared sample, newest first, a page at a time."""
    owner = current_owner()
    limit = _limit(request.args.get("limit"))
    before = request.args.get("before")
    start = None if before is None else Place.parse(before) or checked_id(before, "job")
    found = service().list(owner, limit + 1, start)
    page = found[:limit]
    more = len(found) > limit
    following = url_for("api.list_jobs", limit=limit, before=Place.of(page[-1])) if more else None
    return {"jobs": [job_json(job, owner) for job in page], "next": following}


@operation("Jobs", answers={200: json_of("Job")}, query=SELECTION, problems=(400, 404))
def show_job(job_id: str) -> dict[str, Any]:
    """A job; once it has succeeded, with its numbers per class for the selection in the query."""
    job = find_job(job_id)
    selection = selection_for(job)
    summary = None
    if job.status == "succeeded":
        # A result that is lost is no reason to hide its job: it can still be deleted.
        with part("summary"), suppress(NotFoundError):
            summary = service().results.summary(job.id, selection)
    return job_json(job, current_owner(), summary)


@operation("Jobs", answers={200: json_of("Job")}, problems=(404,))
def cancel_job(job_id: str) -> dict[str, Any]:
    """Cancel a job: a queued one at once, a running one soon; one that is finished stays as it is.

    `status` and `cancel_requested` of the answer say which it was.
    """
    job = own_job(job_id)
    return job_json(service().cancel(job.id), current_owner())


@operation("Jobs", answers={202: json_of("Job"), 204: {}}, problems=(404, 409))
def delete_job(job_id: str) -> tuple[dict[str, Any], int] | Response:
    """Cancel a job that is not finished (202), delete a finished one (204)."""
    job = own_job(job_id)
    if not job.finished:
        return job_json(service().cancel(job.id), current_owner()), 202
    service().delete(job.id)
    return Response(status=204)


@operation("Jobs", answers={200: json_of("EventList")}, problems=(404,))
def list_events(job_id: str) -> dict[str, Any]:
    """The log of a job, oldest first."""
    events = service().events(checked_id(job_id, "job"))
    return {"events": [{"moment": moment_text(e.moment), "kind": e.kind, "detail": e.detail} for e in events]}


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE
    if not text.isdecimal() or not 1 <= int(text) <= MAX_PAGE:
        raise InputError(f"The limit of a page is a whole number from 1 to {MAX_PAGE}; {text!r} is not.")
    return int(text)
