"""The thread that runs queued jobs, one after the other, and picks up what dead processes left."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
"""How often the queue is looked at for jobs that other processes put there."""
RECOVER_SECONDS = 15.0
"""How often this process says that it lives and looks for jobs of dead ones."""


class BackgroundWorker:
    """A thread for the queue, and one that beats so that others know this process lives."""

    def __init__(self, run_next: Callable[[Callable[[], bool]], bool], tend: Callable[[], None]) -> None:
        """Prepare; nothing runs before `start`.

        Args:
            run_next: Runs the oldest queued job and returns False if there was none; it is given a function that says
                whether to stop.
            tend: Beats and recovers.
        """
        self._run_next = run_next
        self._tend = tend
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def stopping(self) -> bool:
        """True from `stop` on."""
        return self._stop.is_set()

    def start(self) -> None:
        """Start both threads; a second call does nothing."""
        if self._threads:
            return
        self._stop.clear()
        for name, work in (("suelo-jobs", self._work), ("suelo-heartbeat", self._beat)):
            thread = threading.Thread(target=work, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def wake(self) -> None:
        """Look at the queue now."""
        self._wake.set()

    def stop(self) -> None:
        """Stop: a running job ends its strip and goes back into the queue. Returns when the threads have ended."""
        self._stop.set()
        self._wake.set()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _work(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                found = self._run_next(self._stop.is_set)
            except Exception:
                # The database or the store may be away for a while; the job is found again by recovery.
                _log.exception("The queue could not be served")
                found = False
            if not found:
                self._wake.wait(POLL_SECONDS)

    def _beat(self) -> None:
        while not self._stop.wait(RECOVER_SECONDS):
            try:
                self._tend()
            except Exception:
                _log.exception("The heartbeat failed")
