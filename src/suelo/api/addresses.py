"""Which addresses are the API's: at all that begin like them the API answers, whatever else an app serves."""

from __future__ import annotations

from flask import Flask, request
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

PREFIXES = ("/v1", "/segment_tiff", "/healthz", "/openapi.json", "/docs")
"""Beginnings of the addresses that answer with problem documents."""

API = "api"
"""Name of the blueprint with all routes of the API."""

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def keep_addresses(app: Flask) -> None:
    """Make an app answer at addresses of the API by the API's routes alone.

    A page takes any address that is left to it, so that without this one that does not exist would seem to.
    """

    @app.before_request
    def _check() -> None:
        own = request.blueprint == API or not request.path.startswith(PREFIXES)
        if own or isinstance(request.routing_exception, RequestRedirect):
            return
        methods = [method for method in _METHODS if _is_route(app, method)]
        if methods:
            raise MethodNotAllowed([*methods, "OPTIONS"])
        raise NotFound("There is nothing at this address.")


def _is_route(app: Flask, method: str) -> bool:
    """Whether a route of the API takes a method at the address of the current request."""
    adapter = app.create_url_adapter(request)
    assert adapter is not None
    try:
        rule, _ = adapter.match(method=method, return_rule=True)
    except (NotFound, MethodNotAllowed, RequestRedirect):
        return False
    return str(rule.endpoint).startswith(f"{API}.")
