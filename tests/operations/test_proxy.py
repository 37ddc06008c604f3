"""The shipped Caddyfile in front of a real server: TLS outside, and the server knows it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

CADDYFILE = Path(__file__).resolve().parents[2] / "deploy" / "Caddyfile"


@pytest.fixture
def ports() -> tuple[int, int]:
    """Two ports that nobody uses."""
    with socket.socket() as one, socket.socket() as two:
        for probe in (one, two):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


@pytest.fixture
def behind_caddy(start_suelo, until, ports: tuple[int, int], tmp_path: Path) -> Iterator[tuple]:
    """A function that asks a server over HTTPS, and its address outside; skips where Caddy is not installed."""
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.skip("caddy is not installed")
    suelo = start_suelo()
    suelo.start("serve", "--proxy", "127.0.0.1")
    https, plain = ports
    # What a test needs besides: no port below 1024, and no change of this machine's trust.
    head = f"{{\n\thttp_port {plain}\n\tadmin off\n\tskip_install_trust\n}}\n"
    (tmp_path / "Caddyfile").write_text(head + CADDYFILE.read_text())
    environment = {
        "SUELO_SITE": f"localhost:{https}",
        "SUELO_UPSTREAM": f"127.0.0.1:{suelo.port}",
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    command = [caddy, "run", "--config", tmp_path / "Caddyfile", "--adapter", "caddyfile"]
    with (tmp_path / "caddy.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=log)
    root = tmp_path / "data" / "caddy" / "pki" / "authorities" / "local" / "root.crt"

    def ask(
        method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        trust = ssl.create_default_context(cafile=root)
        connection = http.client.HTTPSConnection("localhost", https, timeout=60, context=trust)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    def answers() -> bool:
        assert process.poll() is None, (tmp_path / "caddy.log").read_text()
        with contextlib.suppress(OSError):
            return root.exists() and ask("GET", "/healthz")[0].status == 200
        return False

    try:
        until(answers, "the start of Caddy")
        yield ask, f"https://localhost:{https}"
    finally:
        process.kill()
        process.wait()


def test_visitors_over_tls_are_known_as_such(behind_caddy: tuple, draw_image, tmp_path: Path) -> None:
    ask, site = behind_caddy
    answer, _ = ask("GET", "/v1/jobs")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    # A browser names the page that a change comes from; the server has to know its own name from outside.
    image = draw_image(tmp_path / "chip.tif").read_bytes()
    answer, body = ask("POST", "/segment_tiff?threshold=0.1", image, Origin=site)
    assert (answer.status, json.loads(body)["job"]["status"]) == (200, "succeeded")
    answer, _ = ask("POST", "/segment_tiff", image, Origin="https://elsewhere.example")
    assert answer.status == 403
    answer, body = ask("POST", "/v1/uploads", b"{}", **{"Content-Type": "application/json"})
    assert json.loads(body)["url"] == site + answer.headers["Location"]


def test_headers_of_a_proxy_are_believed_only_if_there_is_one(start_suelo) -> None:
    suelo = start_suelo()
    suelo.start("serve")
    connection = http.client.HTTPConnection("127.0.0.1", suelo.port, timeout=60)
    connection.request("GET", "/v1/jobs", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert "Secure" not in answer.headers["Set-Cookie"]
