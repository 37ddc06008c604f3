"""Errors as problem documents (RFC 9457): the one place that turns exceptions into answers."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus

from flask import Blueprint, Response, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from suelo.api.addresses import PREFIXES
from suelo.api.request_id import request_id
from suelo.errors import (
    CancelledError,
    ConflictError,
    FullDiskError,
    ImageError,
    ImageTooLargeError,
    InputError,
    KeyInUseError,
    KeyReusedError,
    ModelError,
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    SueloError,
    UnavailableError,
)

_log = logging.getLogger(__name__)

TITLES: dict[type[SueloError], tuple[str, str]] = {
    ImageError: ("unusable-image", "The image cannot be segmented"),
    KeyReusedError: ("key-reused", "The key stands for another request"),
    NotSignedInError: ("not-signed-in", "The request needs a token"),
    ImageTooLargeError: ("image-too-large", "The image is too large here"),
    ModelError: ("model", "The model cannot be used"),
    NotAllowedError: ("not-allowed", "This is not allowed"),
    NotFoundError: ("not-found", "There is no such thing"),
    KeyInUseError: ("key-in-use", "The same request is being carried out"),
    ConflictError: ("conflict", "The request does not fit the state"),
    CancelledError: ("cancelled", "The work was cancelled"),
    InputError: ("invalid-request", "The request cannot be understood"),
    UnavailableError: ("unavailable", "The service is not ready"),
    FullDiskError: ("full-disk", "There is no room left"),
    SueloError: ("failure", "The work failed"),
}
"""Short name and title of each error; subclasses come before their bases."""

_FULL = "disk is full", "No space left on device"
"""What SQLite and PostgreSQL say of a disk without room."""


def problem(status: int, kind: str, title: str, detail: str) -> Response:
    """A problem document.

    Args:
        status: HTTP status code.
        kind: Short name of the kind of problem; empty for one that the status code says all about.
        title: Sentence about the kind.
        detail: Sentence about this occurrence.
    """
    document = {
        "type": f"urn:problem-type:suelo:{kind}" if kind else "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "request_id": request_id(),
    }
    return Response(json.dumps(document, ensure_ascii=False), status, mimetype="application/problem+json")


def handle_errors(api: Blueprint) -> None:
    """Make a blueprint answer every error with a problem document."""
    api.register_error_handler(SueloError, _suelo)
    api.register_error_handler(OperationalError, _database)
    api.register_error_handler(Exception, _unexpected)
    api.app_errorhandler(HTTPException)(_http)


def _suelo(error: SueloError) -> Response:
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("%s %s: %s", request.method, request.path, error)
    kind, title = next(entry for cls, entry in TITLES.items() if isinstance(error, cls))
    answer = problem(error.status, kind, title, error.outside)
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = "5"
    if isinstance(error, KeyInUseError):
        answer.headers["Retry-After"] = "1"
    if error.status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="suelo"'
    return answer


def _http(error: HTTPException) -> HTTPException | Response:
    if not request.path.startswith(PREFIXES) or error.code is None:
        return error
    detail = error.description or ""
    if error.code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"This address does not take {request.method}."
    answer = problem(error.code, "", HTTPStatus(error.code).phrase, detail)
    if error.response is None:
        for name, value in error.get_headers():
            if name.lower() not in {"content-type", "content-length"}:
                answer.headers[name] = value
    return answer


def _database(error: OperationalError) -> Response:
    if any(words in str(error.orig) for words in _FULL):
        _log.error("%s %s: the disk of the database is full", request.method, request.path)
        return problem(FullDiskError.status, *TITLES[FullDiskError], FullDiskError.OUTSIDE)
    _log.exception("The database cannot be reached")
    answer = problem(503, "unavailable", "The service is not ready", "The records cannot be reached; try again soon.")
    answer.headers["Retry-After"] = "5"
    return answer


def _unexpected(error: Exception) -> Response | HTTPException:
    if isinstance(error, HTTPException):
        return _http(error)
    _log.exception("%s %s failed", request.method, request.path)
    return problem(
        500, "failure", "The work failed", "Something went wrong inside Suelo; the log of the server says what."
    )
