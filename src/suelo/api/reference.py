"""`/openapi.json` and `/docs`: what the API is, for programs and for people."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, current_app, request

from suelo.api.context import service
from suelo.api.operation import file_of, json_of, operation

_KEPT = "suelo.openapi"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"


def add_routes(api: Blueprint) -> None:
    """Add the routes of this module."""
    api.get("/openapi.json")(show_document)
    api.get("/v1/openapi.json", endpoint="show_document_v1")(show_document)
    api.get("/docs")(show_reference)


def document_of(app: Flask) -> dict[str, Any]:
    """The OpenAPI document of an app; made once."""
    from suelo.api.openapi import make_document

    document: dict[str, Any] | None = app.extensions.get(_KEPT)
    if document is None:
        document = app.extensions[_KEPT] = make_document(app, signed=service().settings.auth != "none")
    return document


@operation("Service", answers={200: json_of("OpenApi")}, open=True)
def show_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of this API."""
    return document_of(current_app)


@operation("Service", answers={200: file_of("text/html")}, open=True)
def show_reference() -> Response:
    """The same for people: every address with an example."""
    from suelo.api.reference_page import write_page

    page = Response(write_page(document_of(current_app), request.host_url.rstrip("/")), mimetype="text/html")
    page.headers["Content-Security-Policy"] = _POLICY
    return page
