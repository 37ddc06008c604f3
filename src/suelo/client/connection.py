"""Requests to a server: tried again while it is away, and problem documents as Suelo's own errors."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests

from suelo.errors import (
    ConflictError,
    ImageError,
    ImageTooLargeError,
    InputError,
    KeyInUseError,
    NotAllowedError,
    NotFoundError,
    SueloError,
    UnavailableError,
)

_ERRORS: dict[int, type[SueloError]] = {
    400: InputError,
    401: NotAllowedError,
    403: NotAllowedError,
    404: NotFoundError,
    409: ConflictError,
    413: ImageTooLargeError,
    422: ImageError,
    429: UnavailableError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}
_KEY_IN_USE = "urn:problem-type:suelo:key-in-use"
_CONNECT_TIMEOUT_S = 10.0
_LONGEST_PAUSE_S = 8.0
_PIECE = 1 << 20

T = TypeVar("T")
Body = Callable[[], Any]
"""Opens what a request carries, anew for each try."""


class _Session(requests.Session):
    """A session that takes no password of ~/.netrc along to where it is sent on."""

    def __init__(self, auth: Callable[[requests.PreparedRequest], requests.PreparedRequest] | None = None) -> None:
        super().__init__()
        self.auth = auth

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        if self.should_strip_auth(str(response.request.url), str(prepared_request.url)):
            prepared_request.headers.pop("Authorization", None)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave a request alone, which keeps `requests` from putting a password of ~/.netrc in place of its token."""
    return request


class Connection:
    """A server and who asks. For one thread."""

    def __init__(self, url: str, token: str | None, timeout_s: float, patience_s: float) -> None:
        """Nothing is sent yet.

        Args:
            url: Address of the server.
            token: Bearer token, where the server asks for one.
            timeout_s: How long the server may be silent.
            patience_s: How long to try again while the server cannot be reached.

        Raises:
            InputError: The address is not one of HTTP.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise InputError(f"A server has an address such as http://127.0.0.1:8050; {url!r} is none.")
        self.url = url.rstrip("/")
        self._timeout = (_CONNECT_TIMEOUT_S, timeout_s)
        self._patience_s = patience_s
        self._session = _Session()
        if token is not None:
            self._session.headers["Authorization"] = f"Bearer {token}"
            self._session.auth = _as_it_is

    def address(self, path: str) -> str:
        """The full address of a path of the server; full addresses stay as they are."""
        return urljoin(f"{self.url}/", path)

    def json(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Send a request; the JSON document of the answer, or None if there is none.

        Raises:
            SueloError: The server says no; the error is that which the same mistake raises without a server.
            UnavailableError: It cannot be reached.
        """
        with self._ask(method, path, document=document) as answer:
            return answer.json() if answer.content else None

    def send(self, method: str, path: str, body: Body) -> None:
        """Send bytes, as they are read.

        Raises:
            SueloError: The server says no.
            UnavailableError: It cannot be reached.
        """
        self._ask(method, path, body=body).close()

    def fetch(self, path: str, target: Path) -> None:
        """Download a file, which appears when it is whole.

        Raises:
            SueloError: The server says no.
            UnavailableError: It cannot be reached, or breaks off again and again.
        """
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex}")

        def attempt() -> None:
            with self._try("GET", path, None, None, {}) as answer, part.open("wb") as file:
                for piece in answer.iter_content(_PIECE):
                    file.write(piece)

        try:
            self._patiently(attempt)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def close(self) -> None:
        """Close connections that are kept open."""
        self._session.close()

    def _ask(
        self, method: str, path: str, document: Mapping[str, Any] | None = None, body: Body | None = None
    ) -> requests.Response:
        # Several tries of a POST are one request to the server.
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        return self._patiently(lambda: self._try(method, path, document, body, headers))

    def _try(
        self,
        method: str,
        path: str,
        document: Mapping[str, Any] | None,
        body: Body | None,
        headers: Mapping[str, str],
    ) -> requests.Response:
        address = self.address(path)
        # The token is for the server alone: addresses of S3 carry their own permission.
        own = address.startswith(f"{self.url}/")
        session = self._session if own else _Session(auth=_as_it_is)
        data = body() if body is not None else None
        try:
            answer = session.request(
                method, address, json=document, data=data, headers=dict(headers), timeout=self._timeout, stream=True
            )
        finally:
            if data is not None:
                data.close()
        if answer.ok:
            return answer
        with answer:
            raise _error(answer)

    def _patiently(self, attempt: Callable[[], T]) -> T:
        end, pause = math.inf, 0.5
        while True:
            try:
                return attempt()
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                # Patience begins with the first failure: a chip may take a minute before its server dies.
                end = min(end, time.monotonic() + self._patience_s)
                if time.monotonic() + pause > end:
                    raise UnavailableError(f"The server at {self.url} cannot be reached.") from error
            except (UnavailableError, KeyInUseError):
                # The server works on an earlier try whose answer got lost.
                end = min(end, time.monotonic() + self._patience_s)
                if time.monotonic() + pause > end:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)


def _error(answer: requests.Response) -> SueloError:
    """What a refusal means: its problem document's sentence, as the error that a program here would raise."""
    try:
        problem = answer.json()
        detail, kind = problem["detail"], problem.get("type")
    except (ValueError, KeyError, TypeError):
        detail = kind = ""
    sentence = detail or f"The server answered {answer.status_code} {answer.reason}."
    if kind == _KEY_IN_USE:
        return KeyInUseError(sentence)
    return _ERRORS.get(answer.status_code, SueloError)(sentence)
