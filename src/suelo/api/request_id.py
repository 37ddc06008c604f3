"""A number for each request: in the header `X-Request-Id` of request and answer, and in each line of the log."""

from __future__ import annotations

import logging
import re
import time
import uuid

from flask import Flask, Response, g, has_request_context, request

from suelo.api.addresses import API

HEADER = "X-Request-Id"
_GIVEN = re.compile(r"[A-Za-z0-9._:=+/-]{1,128}")
_READING = {"GET", "HEAD", "OPTIONS"}

_log = logging.getLogger(__name__)


def request_id() -> str:
    """The number of the current request: the one that it came with, or a new one."""
    number: str | None = g.get("suelo_request_id")
    if number is None:
        given = request.headers.get(HEADER, "")
        number = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
        g.suelo_request_id = number
    return number


def number_requests(app: Flask) -> None:
    """Make an app give its requests numbers and write those that change something, or fail, into the log."""

    @app.before_request
    def _begin() -> None:
        g.suelo_begun = time.perf_counter()
        request_id()

    @app.after_request
    def _end(response: Response) -> Response:
        response.headers[HEADER] = request_id()
        seconds = time.perf_counter() - g.get("suelo_begun", time.perf_counter())
        # The page asks for each of its changes with a POST; only the API's change anything.
        changes = request.blueprint == API and request.method not in _READING
        told = changes or response.status_code >= 400
        place = response.headers.get("Location", "")
        _log.log(
            logging.INFO if told else logging.DEBUG,
            "%s %s %d in %.0f ms%s",
            request.method,
            request.path,
            response.status_code,
            seconds * 1000,
            f" -> {place}" if place else "",
        )
        return response


class RequestIdFilter(logging.Filter):
    """Gives each record of a log the attribute `request_id`: the number of the request, or `-` outside of one."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the number; no record is left out."""
        record.request_id = request_id() if has_request_context() else "-"
        return True
