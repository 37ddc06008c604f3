"""Text goes out compressed with gzip to those who take that, as it is made, whatever its size."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from flask import Blueprint, Response, request

_SMALLEST = 1000
"""Below so many bytes a packet holds the whole answer anyway."""
_LEVEL = 5
_GZIP_WINDOW = 31  # zlib's largest window, and gzip's header and trailer
_PIECE = 64 * 1024
_TEXT = (
    "application/json",
    "application/problem+json",
    "application/geo+json",
    "text/csv",
    "text/html",
)


def compress_answers(api: Blueprint) -> None:
    """Make a blueprint compress text."""

    @api.after_request
    def _compress(response: Response) -> Response:
        if response.mimetype not in _TEXT:
            return response
        response.vary.add("Accept-Encoding")
        small = response.content_length is not None and response.content_length < _SMALLEST
        # Parts of a file are parts of what lies in the store, so they go out as they are.
        asked = request.method != "HEAD" and "Range" not in request.headers
        if small or not asked or response.status_code != 200 or response.content_encoding:
            return response
        if request.accept_encodings.quality("gzip") <= 0:
            return response
        plain = response.response
        response.direct_passthrough = False
        response.response = _Compressed([plain] if isinstance(plain, str | bytes) else plain)
        response.headers.pop("Content-Length", None)
        response.headers.pop("Accept-Ranges", None)
        response.content_encoding = "gzip"
        tag, weak = response.get_etag()
        if tag is not None and not weak:
            # The bytes are others than those of the file; what they say is the same.
            response.set_etag(tag, weak=True)
        return response


class _Compressed:
    """The body of an answer, compressed piece by piece."""

    def __init__(self, plain: Iterable[bytes | str]) -> None:
        self._plain = plain
        self._pieces = _compressed(plain)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        close = getattr(self._plain, "close", None)
        if close is not None:
            close()


def _compressed(plain: Iterable[bytes | str]) -> Iterator[bytes]:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    waiting = bytearray()
    for piece in plain:
        waiting += packer.compress(piece.encode() if isinstance(piece, str) else piece)
        if len(waiting) >= _PIECE:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting) + packer.flush()
