"""Who the client says that it is."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socket import gethostbyname

import pytest

import suelo


class _Server(HTTPServer):
    """Answers everything, some of it by sending on, and remembers who asked for what."""

    elsewhere = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str | None]] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._note()
        if self.path == "/v1/model" and self.server.elsewhere:
            self.send_response(303)
            self.send_header("Location", self.server.elsewhere)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._answer()

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._note()
        self._answer()

    def _note(self) -> None:
        self.server.seen.append((self.path, self.headers["Authorization"]))

    def _answer(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A .netrc with a password for every machine."""
    path = tmp_path / "netrc"
    path.write_text("default login ana password secret\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))


def test_a_token_goes_before_a_password_of_netrc(server: _Server) -> None:
    with suelo.Client(f"http://127.0.0.1:{server.server_port}", "token") as client:
        client.model()
    assert server.seen == [("/v1/model", "Bearer token")]


def test_neither_goes_to_where_results_and_images_are_kept(server: _Server) -> None:
    if gethostbyname("localhost") != "127.0.0.1":
        pytest.skip("localhost has another address")
    server.elsewhere = f"http://localhost:{server.server_port}/bucket/model"
    with suelo.Client(f"http://127.0.0.1:{server.server_port}", "token") as client:
        client.model()
        client._connection.send("PUT", server.elsewhere, lambda: io.BytesIO(b"image"))
    assert server.seen == [("/v1/model", "Bearer token"), ("/bucket/model", None), ("/bucket/model", None)]


def test_without_a_token_a_password_of_netrc_opens_a_proxy_in_front(server: _Server) -> None:
    with suelo.Client(f"http://127.0.0.1:{server.server_port}") as client:
        client.model()
    ((_, given),) = server.seen
    assert given is not None
    assert given.startswith("Basic ")
