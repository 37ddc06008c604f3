"""Functions in AWS's own Lambda emulator, which runs awslambdaric and a handler in a process; no Docker."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ports import free_port

START_S = 60


def emulator_binary() -> Path:
    """The emulator, which comes in the wheel of aws-sam-cli; the test skips where that is not installed."""
    from tools import tool_environment

    found = sorted(tool_environment("sam").glob("lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64"))
    if not found:
        pytest.skip("the Lambda emulator of aws-sam-cli is not here")
    return found[0]


class Function:
    """A function that takes one event at a time."""

    def __init__(self, handler: str, environment: Mapping[str, str], log: Path, *, timeout_s: int = 60) -> None:
        """Start the emulator; the handler is imported with the first event, as in Lambda.

        Args:
            handler: As the template names it.
            environment: Variables that the function has besides those of Lambda.
            log: Takes what the function prints.
            timeout_s: Time that an invocation may take.
        """
        api, front = free_port(), free_port()
        self._url = f"http://127.0.0.1:{front}/2015-03-31/functions/function/invocations"
        self._front = front
        temporary = log.with_name(f"{log.name}-tmp")
        temporary.mkdir(exist_ok=True)
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [
                    str(emulator_binary()),
                    "--runtime-api-address",
                    f"127.0.0.1:{api}",
                    "--runtime-interface-emulator-address",
                    f"127.0.0.1:{front}",
                    sys.executable,
                    "-m",
                    "awslambdaric",
                    handler,
                ],
                env=inherited
                | {
                    "AWS_LAMBDA_FUNCTION_NAME": "suelo-test",
                    "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_s),
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",
                    "TMPDIR": str(temporary),  # a function takes all of it for its own
                    "LAMBDA_TASK_ROOT": str(Path(__file__).parent),
                    "AWS_REGION": "us-east-1",
                    "AWS_DEFAULT_REGION": "us-east-1",
                }
                | environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._front), timeout=1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"The Lambda emulator did not start: {self.log.read_text()}")

    def invoke(self, event: Mapping[str, Any], timeout_s: float = 300) -> Any:
        """Send an event; what the function answers, or the error document that Lambda makes of an exception."""
        request = urllib.request.Request(self._url, json.dumps(event).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return json.loads(response.read() or b"null")

    def records(self) -> Iterator[dict[str, Any]]:
        """What the function logged as JSON."""
        for line in self.log.read_text().splitlines():
            with contextlib.suppress(ValueError):
                document = json.loads(line)
                if isinstance(document, dict):
                    yield document

    def stop(self) -> None:
        """End the emulator and the function."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
