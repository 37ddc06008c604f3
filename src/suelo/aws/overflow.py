"""Answers that are too large for Lambda go through S3: the client is sent on to an address that holds for an hour."""

from __future__ import annotations

import io
import json
import mimetypes
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import Headers
from werkzeug.http import parse_options_header

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_ANSWER = 4_000_000
"""Largest body in bytes that is answered directly. Lambda takes 6 MB with everything, and base64 adds a third."""

Lend = Callable[[Path, str, str], str | None]
"""Puts a file where others can fetch it: takes its path, name and media type, gives its address or None."""


def redirect_large_answers(app: WSGIApplication, lend: Lend) -> WSGIApplication:
    """Answer what is too large with 303 See Other.

    Args:
        app: Makes the answers.
        lend: Stores one.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        first = _Answer(app, environ, body)
        with closing(first):
            start = first.read(MAX_ANSWER + 1)
            if len(start) <= MAX_ANSWER:
                start_response(first.status, first.headers)
                return [start]
        # Again without what made only a part or a packed form of it: S3 serves parts of the whole itself.
        plain = {k: v for k, v in environ.items() if k not in {"HTTP_RANGE", "HTTP_ACCEPT_ENCODING"}}
        whole = _Answer(app, plain, body)
        with closing(whole):
            location = _store(whole, lend) if whole.status.startswith("200") else None
        if location is None:
            return _too_large(start_response)
        # The cookie of a new visitor, for one, must not get lost.
        kept = [(k, v) for k, v in first.headers if k.lower() in {"set-cookie", "x-request-id", "server-timing"}]
        start_response("303 See Other", [*kept, ("Location", location), ("Cache-Control", "no-store")])
        return []

    return answer


class _Answer:
    """What an app answers, read bit by bit."""

    def __init__(self, app: WSGIApplication, environ: WSGIEnvironment, body: bytes) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self._chunks: Iterable[bytes] = app(environ | {"wsgi.input": io.BytesIO(body)}, self._start)
        self._iterator = iter(self._chunks)

    def _start(self, status: str, headers: list[tuple[str, str]], _exc: Any = None) -> Any:  # noqa: ANN401  (WSGI)
        self.status, self.headers = status, headers
        return lambda _data: None

    def read(self, most: int) -> bytes:
        """Bytes up to the end, or somewhat more than `most`."""
        parts = bytearray()
        for chunk in self._iterator:
            parts += chunk
            if len(parts) >= most:
                break
        return bytes(parts)

    def __iter__(self) -> Iterator[bytes]:
        return self._iterator

    def close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()


def _store(answer: _Answer, lend: Lend) -> str | None:
    headers = Headers(answer.headers)
    media_type = headers.get("Content-Type", "application/octet-stream")
    _, options = parse_options_header(headers.get("Content-Disposition"))
    name = options.get("filename") or f"answer{mimetypes.guess_extension(media_type.partition(';')[0]) or ''}"
    with tempfile.NamedTemporaryFile(prefix="suelo-") as file:
        for chunk in answer:
            file.write(chunk)
        file.flush()
        return lend(Path(file.name), name, media_type)


def _too_large(start_response: StartResponse) -> Iterable[bytes]:
    document = {
        "type": "about:blank",
        "title": "Content Too Large",
        "status": 413,
        "detail": "This answer is larger than can be sent from here; ask for less of it, or for a file of the result.",
    }
    start_response("413 Content Too Large", [("Content-Type", "application/problem+json")])
    return [json.dumps(document).encode()]
