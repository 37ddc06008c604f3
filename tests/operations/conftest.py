"""Real servers that can be stopped, killed and started again: PostgreSQL, S3, `suelo serve` and `suelo worker`."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ports import free_port
from postgresql_server import PostgreSQLServer, own_postgresql
from s3_server import S3Server, own_s3

SUELO = Path(sys.executable).with_name("suelo")


def until(done: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """Ask until the answer is true; the answer."""
    end = time.monotonic() + seconds
    while not (answer := done()):
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)
    return answer


class Suelo:
    """`suelo serve` and `suelo worker`, each of which can be killed and started again."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.environment = environment
        self.port = free_port()
        self._log = log
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._cookie = f"suelo_owner={secrets.token_urlsafe(32)}"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *command: str) -> None:
        """Start a command; a server has answered when this returns."""
        arguments = [*command, "--port", str(self.port)] if command[0] == "serve" else list(command)
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [SUELO, *arguments], env=os.environ | self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        self._running[command[0]] = process
        if command[0] == "serve":
            until(self._answers, "the start of the server")

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def _answers(self) -> bool:
        assert self._running["serve"].poll() is None, self.log()
        with contextlib.suppress(OSError):
            return self.ask("GET", "/healthz")[0] == 200
        return False

    def kill(self, name: str) -> None:
        """SIGKILL: nothing of the process runs any more."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def end(self, name: str, seconds: float = 60) -> int:
        """SIGTERM, as a service manager sends it; the exit code."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(seconds)

    def stop(self) -> None:
        for name in list(self._running):
            self.kill(name)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a request as one visitor; status, and document or bytes. A dict goes as JSON."""
        headers = {"Cookie": self._cookie}
        if isinstance(body, dict):
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.status, json.loads(content) if is_json else content
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def submit(self, image: bytes, name: str = "scene.tif") -> dict[str, Any]:
        """Send an image as the page does; its job."""
        status, upload = self.ask("POST", "/v1/uploads", {"name": name, "size": len(image)})
        assert status == 201, upload
        status, sent = self.ask("PUT", upload["url"], image)
        assert status == 200, sent
        status, job = self.ask("POST", "/v1/jobs", {"upload": upload["id"]})
        assert status in {200, 201}, job
        return job

    def job(self, job_id: str) -> dict[str, Any]:
        status, job = self.ask("GET", f"/v1/jobs/{job_id}")
        assert status == 200, job
        return job

    def log(self) -> str:
        return self._log.read_text(errors="replace")


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., Any]:
    """A function that asks until the answer is true, and gives the answer."""
    return until


@pytest.fixture
def postgres() -> Iterator[PostgreSQLServer]:
    """A running PostgreSQL server of this test's own; skips where there is none."""
    with own_postgresql() as server:
        server.start()
        yield server


@pytest.fixture
def s3_server(tmp_path: Path) -> Iterator[S3Server]:
    """A running S3 server of this test's own."""
    folder = tmp_path / "s3"
    folder.mkdir()
    with own_s3(folder) as server:
        yield server


@pytest.fixture
def start_suelo(tmp_path: Path) -> Iterator[Callable[..., Suelo]]:
    """A function that makes a Suelo with the settings given; nothing of it runs before its `start`."""
    made: list[Suelo] = []

    def make(**settings: str) -> Suelo:
        environment = {"SUELO_HOME": str(tmp_path / "home"), "SUELO_MAX_DIRECT_PIXELS": "40000"} | settings
        made.append(Suelo(environment, tmp_path / "suelo.log"))
        return made[-1]

    yield make
    for suelo in made:
        suelo.stop()
