"""The threads that run queued jobs, one after the other, pick up what dead processes left, and tidy up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from suelo.jobs.patience import AWAY

_log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
"""How often the queue is looked at for jobs that other processes put there."""
RECOVER_SECONDS = 15.0
"""How often this process says that it lives and looks for jobs of dead ones."""
TIDY_SECONDS = 900.0
"""How often what is old or left over is removed."""


class BackgroundWorker:
    """Threads: one for the queue, one that beats so that others know this process lives, and one that tidies up."""

    def __init__(
        self, run_next: Callable[[Callable[[], bool]], bool], tend: Callable[[], None], tidy: Callable[[], None]
    ) -> None:
        """Prepare; nothing runs before `start`.

        Args:
            run_next: Runs the oldest queued job and returns False if there was none; it is given a function that says
                whether to stop.
            tend: Beats and recovers.
            tidy: Removes what is old or left over.
        """
        self._run_next = run_next
        self._tend = tend
        self._tidy = tidy
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def stopping(self) -> bool:
        """True from `stop` on."""
        return self._stop.is_set()

    def start(self, run_jobs: bool = True) -> None:
        """Start the threads, that of the queue only if `run_jobs`; a second call does nothing."""
        if self._threads:
            return
        self._stop.clear()
        threads: dict[str, Callable[[], None]] = {
            "suelo-heartbeat": partial(self._repeat, RECOVER_SECONDS, self._tend),
            "suelo-tidy": partial(self._repeat, TIDY_SECONDS, self._tidy),
        }
        if run_jobs:
            threads["suelo-jobs"] = self._work
        for name, work in threads.items():
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
            except AWAY as error:
                # Recovery finds the job again.
                _log.warning("The queue cannot be served: %s", str(error).partition("\n")[0])
                found = False
            except Exception:
                _log.exception("The queue could not be served")
                found = False
            if not found:
                self._wake.wait(POLL_SECONDS)

    def _repeat(self, seconds: float, work: Callable[[], None]) -> None:
        while not self._stop.wait(seconds):
            try:
                work()
            except AWAY as error:
                _log.warning("%s", str(error).partition("\n")[0])
            except Exception:
                _log.exception("Looking after jobs failed")
