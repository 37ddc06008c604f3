"""How long a request took, and its parts, in the header `Server-Timing` (W3C Server Timing)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, g


def time_requests(api: Blueprint) -> None:
    """Make a blueprint measure its requests."""

    @api.before_request
    def _start() -> None:
        g.suelo_started = time.perf_counter()
        g.suelo_parts = []

    @api.after_request
    def _finish(response: Response) -> Response:
        total = time.perf_counter() - g.suelo_started
        parts = [*g.suelo_parts, ("total", total)]
        response.headers["Server-Timing"] = ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in parts)
        return response


@contextmanager
def part(name: str) -> Iterator[None]:
    """Measure a part of the current request."""
    started = time.perf_counter()
    try:
        yield
    finally:
        g.suelo_parts.append((name, time.perf_counter() - started))
