"""Who runs a job: a process of a host, and whether it still lives."""

from __future__ import annotations

import os
import re
import secrets
import socket
from dataclasses import dataclass
from typing import Self

_SAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class Worker:
    """A process that runs jobs.

    Attributes:
        host: Name of the machine.
        pid: Process id there.
        token: Tells processes apart that had the same id one after the other.
    """

    host: str
    pid: int
    token: str

    @classmethod
    def here(cls) -> Self:
        """A new identity for this process."""
        # The machines of AWS Lambda share a few host names and process ids; each has a log stream of its own.
        stream = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "").rpartition("]")[2]
        host = f"lambda-{stream}" if stream else socket.gethostname()
        return cls(_SAFE.sub("-", host)[:64], os.getpid(), secrets.token_hex(4))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what `str` wrote; None if it is something else."""
        parts = text.split("~")
        if len(parts) != 3 or not parts[1].isdigit():
            return None
        return cls(parts[0], int(parts[1]), parts[2])

    def __str__(self) -> str:
        """A name that can be a file name too."""
        return f"{self.host}~{self.pid}~{self.token}"

    def surely_dead(self, me: Worker) -> bool:
        """True if this process has ended; False if it lives or if nobody here can know.

        Args:
            me: The identity of the process that asks.
        """
        if self.host != me.host or os.name != "posix":
            return False
        if self.pid == me.pid:
            # A container's first process always has the same id.
            return self.token != me.token
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False
