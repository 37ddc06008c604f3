"""A real server for the client, and a client of it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ports import free_port

import suelo

StartServer = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture(scope="session")
def start_server() -> Iterator[StartServer]:
    """A function that starts `suelo serve` on a port; it answers when the function returns."""
    running = []

    def start(home: Path, port: int, **environment: str) -> subprocess.Popen[bytes]:
        home.mkdir(exist_ok=True)
        log = home / "log"
        settings = {"SUELO_HOME": str(home), "SUELO_MAX_DIRECT_PIXELS": "40000"} | environment
        command = [Path(sys.executable).with_name("suelo"), "serve", "--port", str(port)]
        with log.open("ab") as file:
            process = subprocess.Popen(command, env=os.environ | settings, stdout=file, stderr=file)
        running.append(process)
        for _ in range(1200):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz"):
                return process
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        raise AssertionError("the server does not answer")

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def url(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a server in which images of more than 200 × 200 pixels are queued."""
    number = free_port()
    start_server(tmp_path_factory.mktemp("server"), number)
    return f"http://127.0.0.1:{number}"


@pytest.fixture
def client(url: str) -> Iterator[suelo.Client]:
    with suelo.Client(url, patience_s=5) as client:
        yield client
