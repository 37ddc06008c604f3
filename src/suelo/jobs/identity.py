"""Who runs a job: a process of a host, and whether it still lives."""

from __future__ import annotations

import os
import re
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_SAFE = re.compile(r"[^A-Za-z0-9._-]")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Another one at each start of a machine."""
_PROCESSES = Path("/proc/self/ns/pid")
"""Its inode is another one wherever process ids are counted anew, as in each container."""


@dataclass(frozen=True)
class Worker:
    """A process that runs jobs.

    Attributes:
        host: Name of the machine; with it what tells apart machines and containers that share one, and starts of each.
        pid: Process id there.
        token: Tells processes apart that had the same id one after the other.
    """

    host: str
    pid: int
    token: str

    @classmethod
    def here(cls) -> Self:
        """A new identity for this process."""
        return cls(_SAFE.sub("-", _host())[:64], os.getpid(), secrets.token_hex(4))

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


def _host() -> str:
    # The machines of AWS Lambda share a few host names and process ids; each has a log stream of its own.
    stream = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "").rpartition("]")[2]
    if stream:
        return f"lambda-{stream}"
    # Clones of a machine share its name, and so may containers; a process id means nothing to the others.
    parts = [socket.gethostname()[:40]]
    with suppress(OSError):  # not on every system
        parts.append(_BOOT_ID.read_text()[:8])
    with suppress(OSError):
        parts.append(str(_PROCESSES.stat().st_ino))
    return "-".join(parts)
