"""A small real S3 server, which checks signatures, that tests start and stop."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ports import free_port


class S3Server:
    """A server of a folder, in which each folder is a bucket; `environment` opens it to obstore."""

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
        """Start it; it answers when this returns."""
        address = ["--host", "127.0.0.1", "--port", str(self._port)]
        keys = {
            "NANIO_ACCESS_KEY": self.environment["AWS_ACCESS_KEY_ID"],
            "NANIO_SECRET_KEY": self.environment["AWS_SECRET_ACCESS_KEY"],
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nanio", "serve", "--data-dir", self._folder, *address],
            env=os.environ | keys,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 120
        while not self._answers():
            assert time.monotonic() < end, "the S3 server does not answer"
            time.sleep(0.05)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
            return True
        return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def own_s3(folder: Path) -> Iterator[S3Server]:
    """A running server with an empty bucket `results`; skips where nanio is not installed."""
    pytest.importorskip("nanio", reason="the S3 server nanio is not installed")
    server = S3Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
