"""Saving in the background: a thread puts one thing away while the next one is being made."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec

P = ParamSpec("P")


class Background:
    """A thread that saves one thing at a time, so that at most one waits in memory."""

    def __init__(self, name: str) -> None:
        """Be ready; the thread starts with the first thing to save.

        Args:
            name: What the thread is called.
        """
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._pending: Future[None] | None = None

    def save(self, put: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call `put` in the thread, after what was saved before is in its place.

        Raises:
            Exception: What the call before raised; this one is not made.
        """
        self.settle()
        self._pending = self._executor.submit(put, *args, **kwargs)

    def settle(self) -> None:
        """Wait until the last call is done.

        Raises:
            Exception: What it raised, which is said once.
        """
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def close(self) -> None:
        """End the thread."""
        self._executor.shutdown()
