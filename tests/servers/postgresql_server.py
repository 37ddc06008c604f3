"""A real PostgreSQL server that tests start, stop and throw away."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


class PostgreSQLServer:
    """A server in a folder of its own; `url` is its address while it runs, without TCP."""

    def __init__(self, folder: Path, owner: str) -> None:
        self.folder = folder
        self.url = f"postgresql+psycopg://{owner}@/postgres?host={folder}"
        # PostgreSQL refuses to run as root.
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(folder, self._user)
        self._run("initdb", "-U", owner, "-A", "trust", "--no-sync")

    def start(self, port: int | None = None) -> None:
        """Start it, with a port where it is to be reached by TCP, too."""
        tcp = "" if port is None else f"127.0.0.1 -p {port}"
        options = f"-c listen_addresses={tcp} -c unix_socket_directories={self.folder} -c fsync=off"
        self._run("pg_ctl", "-o", options, "-l", str(self.folder / "log"), "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-m", mode, "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(PROGRAMS / program), "-D", str(self.folder / "data"), *arguments]
        subprocess.run(command, user=self._user, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def own_postgresql(owner: str = "suelo") -> Iterator[PostgreSQLServer]:
    """A server that is not started yet and goes with all its data; skips where PostgreSQL is not installed."""
    if not (PROGRAMS / "initdb").exists():
        pytest.skip(f"PostgreSQL 15 is not installed in {PROGRAMS}")
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    folder = Path(tempfile.mkdtemp(prefix="suelo-pg-"))
    try:
        server = PostgreSQLServer(folder, owner)
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):  # a test may have stopped it
                server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
