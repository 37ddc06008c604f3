"""What the OpenAPI document says of a route, written next to the function that answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

JSON = "application/json"
PROBLEM = "application/problem+json"
FILE = ""
"""In place of the name of a schema: the bytes of a file."""
_NOTE = "_suelo_operation"

F = TypeVar("F", bound=Callable[..., Any])
Content = Mapping[str, str]
"""Name of the schema, or `FILE`, by media type."""


@dataclass(frozen=True)
class Operation:
    """One route.

    Attributes:
        tag: Group that it belongs to.
        answers: Content by status; an empty mapping for an answer without a body.
        query: Names of query parameters, or groups of them; see `suelo.api.parameters`.
        headers: Names of request headers that matter.
        body: Content of the request body by media type.
        problems: Statuses of the problem documents that it may answer with, besides those that every route has.
        example: Values of path and query parameters for the example.
        open: True if it can be used without signing in.
    """

    tag: str
    answers: Mapping[int, Content]
    query: Sequence[str] = ()
    headers: Sequence[str] = ()
    body: Content | None = None
    problems: Sequence[int] = ()
    example: Mapping[str, str] = field(default_factory=dict)
    open: bool = False


def operation(tag: str, **details: Any) -> Callable[[F], F]:  # noqa: ANN401  (the fields of `Operation`)
    """Note what the OpenAPI document says of a route; its first sentences come from the docstring."""

    def note(view: F) -> F:
        setattr(view, _NOTE, Operation(tag, **details))
        return view

    return note


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """What was noted; None if nothing was."""
    found: Operation | None = getattr(view, _NOTE, None)
    return found


def json_of(schema: str) -> Content:
    """Content that is JSON with a schema."""
    return {JSON: schema}


def file_of(*media_types: str) -> Content:
    """Content that is the bytes of a file."""
    return dict.fromkeys(media_types, FILE)
