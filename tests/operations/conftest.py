"""Real servers that can be stopped, killed and started again: PostgreSQL, S3, `suelo serve` and `suelo worker`."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

POSTGRESQL = Path("/usr/lib/postgresql/15/bin")
SUELO = Path(sys.executable).with_name("suelo")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(done: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """Ask until the answer is true; the answer."""
    end = time.monotonic() + seconds
    while not (answer := done()):
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)
    return answer


class Postgres:
    """A PostgreSQL server of one test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # PostgreSQL refuses to run as root.
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(folder, self._user)
        self.url = f"postgresql+psycopg://suelo@/postgres?host={folder}"
        self._run("initdb", "-U", "suelo", "-A", "trust", "--no-sync")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(POSTGRESQL / program), "-D", str(self._folder / "data"), *arguments]
        subprocess.run(command, user=self._user, cwd=self._folder, check=True, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self._folder} -c fsync=off"
        self._run("pg_ctl", "-o", options, "-l", str(self._folder / "log"), "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-m", "fast", "-w", "stop")


class S3:
    """An S3 server of one test, which checks signatures."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "results").mkdir()
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = {
            "AWS_ACCESS_KEY_ID": "suelo-tests",
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT": f"http://127.0.0.1:{self._port}",
            "AWS_ALLOW_HTTP": "true",
        }
        self.url = "s3://results/suelo"

    def start(self) -> None:
        address = ["--host", "127.0.0.1", "--port", str(self._port)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nanio", "serve", "--data-dir", self._folder, *address],
            env=os.environ
            | {
                "NANIO_ACCESS_KEY": self.environment["AWS_ACCESS_KEY_ID"],
                "NANIO_SECRET_KEY": self.environment["AWS_SECRET_ACCESS_KEY"],
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._answers, "the start of the S3 server")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
            return True
        return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


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
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL server of this test's own; skips where there is none."""
    if not (POSTGRESQL / "initdb").exists():
        pytest.skip(f"PostgreSQL 15 is not installed in {POSTGRESQL}")
    folder = Path(tempfile.mkdtemp(prefix="suelo-pg-"))
    server = Postgres(folder)
    server.start()
    try:
        yield server
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def s3_server(tmp_path: Path) -> Iterator[S3]:
    """A running S3 server of this test's own."""
    folder = tmp_path / "s3"
    folder.mkdir()
    server = S3(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


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
