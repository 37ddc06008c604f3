"""The OpenAPI 3.1 document, made from the routes themselves: a route that is not described stops it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from flask import Flask

from suelo.api.operation import FILE, PROBLEM, Content, Operation, operation_of
from suelo.api.parameters import HEADER_PROBLEMS, HEADERS, PATH, QUERY

_VARIABLE = re.compile(r"<(?:[^:<>]+:)?(\w+)>")
_REF = "#/components/schemas/{model}"
_CHANGES = {"post", "put", "delete"}
TAGS = {
    "Chips": "Images of up to a megapixel, answered at once.",
    "Jobs": "Images of any size: upload, make a job, watch it.",
    "Results": "Files of a finished job, with exactly what the query selects.",
    "Maps": "A result on a map.",
    "Service": "The model, and the service itself.",
}
"""Groups of routes, in the order in which they are shown."""
_ABOUT = (
    "Land cover from WorldView-3 8-band satellite images: ten classes as probabilities, polygons and areas. "
    "Errors are problem documents (RFC 9457): `detail` says in a sentence what was found and what is needed."
)


def make_document(app: Flask, *, signed: bool) -> dict[str, Any]:
    """Make the document.

    Args:
        app: The app; the routes of its blueprint `api` are described.
        signed: True if its users sign in with tokens.

    Raises:
        LookupError: A route or one of its parameters is not described.
    """
    paths: dict[str, dict[str, Any]] = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if not rule.endpoint.startswith("api."):
            continue
        noted = operation_of(view)
        if noted is None:
            raise LookupError(f"The route {rule.rule} is not described.")
        path = _VARIABLE.sub(r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            described = _describe(noted, view, method.lower(), rule.rule, signed)
            described["operationId"] = rule.endpoint.removeprefix("api.")
            paths.setdefault(path, {})[method.lower()] = described
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Suelo",
            "version": version("suelo"),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": _schemas()},
    }
    if signed:
        document["components"]["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer", "description": "A token that `suelo user add` has printed."}
        }
        document["security"] = [{"token": []}]
    return document


def _describe(noted: Operation, view: Any, method: str, rule: str, signed: bool) -> dict[str, Any]:  # noqa: ANN401
    summary, _, rest = (inspect.getdoc(view) or "").partition("\n\n")
    described: dict[str, Any] = {
        "tags": [noted.tag],
        "summary": " ".join(summary.split()),
        "description": " ".join(rest.split()),
        "parameters": [
            *(_path_parameter(name, noted) for name in _VARIABLE.findall(rule)),
            *({"in": "query", "name": name, **_with_example(QUERY[name], name, noted)} for name in noted.query),
            *({"in": "header", "name": name, **HEADERS[name]} for name in noted.headers),
        ],
        "responses": _responses(noted, method, signed),
    }
    if noted.body is not None:
        described["requestBody"] = {"required": True, "content": _content(noted.body)}
    if signed and noted.open:
        described["security"] = []
    return {name: value for name, value in described.items() if value not in ("", [])} | (
        {"security": []} if signed and noted.open else {}
    )


def _path_parameter(name: str, noted: Operation) -> dict[str, Any]:
    description, schema, example = PATH[name]
    text = noted.example.get(name, example)
    value = int(text) if schema["type"] == "integer" else text
    return {
        "in": "path",
        "name": name,
        "required": True,
        "description": description,
        "schema": schema,
        "example": value,
    }


def _with_example(described: Mapping[str, Any], name: str, noted: Operation) -> dict[str, Any]:
    return {**described, "example": noted.example[name]} if name in noted.example else dict(described)


def _responses(noted: Operation, method: str, signed: bool) -> dict[str, Any]:
    always = {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE}
    if method in _CHANGES:
        always.add(HTTPStatus.FORBIDDEN)
    if signed and not noted.open:
        always.add(HTTPStatus.UNAUTHORIZED)
    for header in noted.headers:
        always.update(HEADER_PROBLEMS.get(header, ()))
    responses = {}
    for status, content in noted.answers.items():
        answer: dict[str, Any] = {"description": HTTPStatus(status).phrase, "headers": {"X-Request-Id": _header("id")}}
        if content:
            answer["content"] = _content(content)
        if status == HTTPStatus.CREATED:
            answer["headers"]["Location"] = _header("Address of what was made.", format="uri-reference")
        if FILE in content.values() or status in {HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED}:
            answer["headers"]["ETag"] = _header("Changes when the content does.")
        responses[str(status)] = answer
    problem = {PROBLEM: {"schema": {"$ref": _REF.format(model="Problem")}}}
    for status in sorted({*noted.problems, *always}):
        responses[str(int(status))] = {
            "description": HTTPStatus(status).phrase,
            "headers": {"X-Request-Id": _header("id")},
            "content": problem,
        }
    return dict(sorted(responses.items()))


def _header(description: str, **schema: Any) -> dict[str, Any]:  # noqa: ANN401  (parts of a JSON schema)
    text = "Number of the request in the log." if description == "id" else description
    return {"description": text, "schema": {"type": "string", **schema}}


def _content(content: Content) -> dict[str, Any]:
    return {
        media_type: {} if name == FILE else {"schema": {"$ref": _REF.format(model=name)}}
        for media_type, name in content.items()
    }


def _schemas() -> dict[str, Any]:
    from pydantic.json_schema import models_json_schema

    from suelo.api.documents import DOCUMENTS

    _, found = models_json_schema([(model, "validation") for model in DOCUMENTS], ref_template=_REF)
    schemas: dict[str, Any] = _tidy(found["$defs"])
    return schemas


def _tidy(value: Any) -> Any:  # noqa: ANN401  (any JSON)
    """Leave out the titles that pydantic makes of names, and defaults of members that may be missing."""
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, item in value.items():
        made_up = (name == "title" and isinstance(item, str)) or (name == "default" and item is None)
        if not made_up:
            # Examples are data, whatever their members are called.
            kept[name] = item if name in {"examples", "example"} else _tidy(item)
    return kept
