"""Requests with an `Idempotency-Key` are carried out once, however often they are sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from flask import Response, make_response, request

from suelo.api.context import service
from suelo.api.owner import current_owner
from suelo.errors import InputError
from suelo.jobs.idempotency import KeptAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
_KEY = re.compile(r"[!-~]{1,200}")
_KEPT_HEADERS = ("Content-Type", "Location", "Content-Disposition")

P = ParamSpec("P")


def idempotent(most_bytes: Callable[[], int]) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Make a view answer a request that comes again with the same key as before, without carrying it out.

    What counts as the same request is its method, address, query, body and `Accept`. Answers that say that the server
    is unwell are not kept.

    Args:
        most_bytes: Says how large the body may be.
    """

    def wrap(view: Callable[P, Any]) -> Callable[P, Any]:
        @wraps(view)
        def once(*args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401  (what a view may return)
            if HEADER not in request.headers:
                return view(*args, **kwargs)
            key = request.headers[HEADER]
            if not _KEY.fullmatch(key):
                raise InputError(f"An {HEADER} has 1 to 200 visible characters without spaces; this one does not.")
            request.max_content_length = most_bytes()
            keys, owner = service().idempotency, current_owner()
            before = keys.begin(owner, key, _digest())
            if before is not None:
                return Response(before.body, before.status, {**before.headers, REPLAYED: "true"})
            try:
                answer: Response = make_response(view(*args, **kwargs))
                answer.direct_passthrough = False
                body = answer.get_data()
            except BaseException:
                keys.release(owner, key)
                raise
            headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
            keys.keep(owner, key, KeptAnswer(answer.status_code, headers, body))
            return answer

        return once

    return wrap


def _digest() -> str:
    parts = (
        request.method.encode(),
        request.full_path.encode(),
        request.headers.get("Accept", "").encode(),
        request.mimetype.encode(),
        hashlib.sha256(request.get_data(cache=True)).digest(),
    )
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
