"""`suelo serve --processes`: several processes answer what comes to the same sockets, and replace those that die."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait

from suelo.cli.process import write_log
from suelo.cli.server import Server
from suelo.errors import SueloError
from suelo.settings import read_settings

_log = logging.getLogger(__name__)
_PAUSE_S = 3.0
"""How long to wait before a process that could not start is started again."""


class Processes:
    """Processes that answer together. The first one makes the sample and runs queued jobs; the others only answer."""

    def __init__(self, count: int, server: Server, sockets: Sequence[socket.socket]) -> None:
        """Choose how many processes there are, what they do, and where requests come from."""
        self._servers = [server] + [replace(server, sample=False, run_jobs=False)] * (count - 1)
        self._sockets = list(sockets)
        # A forked copy of a process with threads, such as those of OpenVINO and GDAL, may hang.
        self._context = multiprocessing.get_context("spawn")
        self._running: dict[int, multiprocessing.process.BaseProcess] = {}

    def run(self, ready: Callable[[], None]) -> None:
        """Start the processes and keep them running until SystemExit or KeyboardInterrupt is raised in this thread.

        Args:
            ready: Called when all of them answer.

        Raises:
            SueloError: One of them cannot start.
        """
        try:
            # One after the other: the first brings the database up to date.
            for number in range(len(self._servers)):
                self._start(number)
            ready()
            while True:
                self._replace_dead()
        finally:
            self._stop()

    def _start(self, number: int) -> None:
        here, there = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_answer, args=(self._servers[number], self._sockets, there))
        process.start()
        self._running[number] = process
        there.close()
        with here:
            try:
                problem = here.recv()
            except EOFError:
                process.join()
                problem = SueloError(
                    f"A process of the server ended before it answered (exit code {process.exitcode})."
                )
        if problem is not None:
            del self._running[number]
            process.join()
            raise problem

    def _replace_dead(self) -> None:
        wait([process.sentinel for process in self._running.values()], _PAUSE_S)
        for number in range(len(self._servers)):
            process = self._running.get(number)
            if process is not None and process.is_alive():
                continue
            if process is not None:
                _log.warning(
                    "Process %d of the server ended (exit code %s); another takes its place",
                    process.pid,
                    process.exitcode,
                )
                del self._running[number]
            try:
                self._start(number)
            except SueloError as error:
                _log.warning("A process of the server could not be replaced yet: %s", error)

    def _stop(self) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            process.join()


def _answer(server: Server, sockets: Sequence[socket.socket], told: Connection) -> None:
    """What a process does; it tells None when it answers, or the error that keeps it from that."""
    # Ctrl-C goes to all processes of a terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end_once)
    threading.Thread(target=_end_with_parent, name="suelo-parent", daemon=True).start()
    try:
        write_log(read_settings().log_level)
        server.run(sockets, lambda: told.send(None))
    except SueloError as error:
        told.send(error)
        sys.exit(error.exit_code)


def _end_once(*_: object) -> None:
    # A service manager tells every process, and so does the first one: the second time must not disturb the end.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit()


def _end_with_parent() -> None:
    """A process that nobody would end or replace any more ends."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
