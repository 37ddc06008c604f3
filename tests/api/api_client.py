"""A visitor of the API, whatever carries the requests: what every test of the API talks through."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.cookies import Morsel, SimpleCookie
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from werkzeug.datastructures import Headers

from suelo.settings import Settings


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    headers: Headers
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0].strip()

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


Transport = Callable[[str, str, Headers, bytes], Response]
"""Carries a request, given as method, path with query, headers and body."""


@dataclass
class Client:
    """A visitor: keeps its cookies and sends its headers with every request."""

    transport: Transport
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, Morsel[str]] = field(default_factory=dict)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        body: bytes | Iterator[bytes] = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request to a path of the backend, or to a whole address that it gave out."""
        place = urlsplit(path)
        if place.netloc:
            headers = {"Host": place.netloc, **(headers or {})}
            path = path.partition(place.netloc)[2]
        sent = Headers(self.headers)
        if json is not None:
            body = _dumps(json)
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        response = self.transport(method, quote(path, safe="/?&=%:;,+{}@!$'()*~#[]-"), sent, body)
        for line in response.headers.getlist("Set-Cookie"):
            self.cookies.update(SimpleCookie(line))
        return response

    def get(self, path: str, **more: Any) -> Response:
        return self.request("GET", path, **more)

    def head(self, path: str, **more: Any) -> Response:
        return self.request("HEAD", path, **more)

    def post(self, path: str, **more: Any) -> Response:
        return self.request("POST", path, **more)

    def put(self, path: str, **more: Any) -> Response:
        return self.request("PUT", path, **more)

    def delete(self, path: str, **more: Any) -> Response:
        return self.request("DELETE", path, **more)


class Backend(Protocol):
    """A running API."""

    settings: Settings
    """Where it keeps records and objects, and its limits."""
    environment: Mapping[str, str]
    """What else reaches its store: the `AWS_*` variables."""
    https: bool
    """True if visitors come over an encrypted connection."""

    def visit(self) -> Client:
        """A new visitor, whom the API does not know."""

    def work(self, job_id: str) -> None:
        """Run a queued job to its end, as the backend's workers do."""


def over_http(address: str) -> Transport:
    """Requests to a server, each on a connection of its own."""
    place = urlsplit(address)

    def send(method: str, path: str, headers: Headers, body: bytes) -> Response:
        connection = http.client.HTTPConnection(place.netloc, timeout=300)
        try:
            connection.request(method, path, body or None, dict(headers.items()))
            answer = connection.getresponse()
            return Response(answer.status, Headers(answer.getheaders()), answer.read())
        finally:
            connection.close()

    return send


def send_image(client: Client, image: bytes, name: str = "chip.tif", **options: Any) -> Response:
    """Upload an image and make a job of it, as the page does; the answer to the last step."""
    made = client.post("/v1/uploads", json={"name": name, "size": len(image)})
    assert made.status == 201, made.text
    sent = client.request(made.json()["method"], made.json()["url"], body=image)
    assert sent.status == 200, sent.text
    return client.post("/v1/jobs", json={"upload": made.json()["id"], "options": options})


def own_ids(client: Client, address: str = "/v1/jobs") -> list[str]:
    """The visitor's own jobs in a list."""
    return [job["id"] for job in client.get(address).json()["jobs"] if job["mine"]]


def _dumps(document: object) -> bytes:
    return json.dumps(document).encode()
