"""Values that were worked out lately, in memory, bounded in number."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from math import inf
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """Values of jobs; the ones used longest ago go first. Safe to use from several threads.

    Of a job that was forgotten nothing is kept any more: whoever read it before its end comes too late.
    """

    def __init__(self, size: int, seconds: float = inf) -> None:
        """Keep up to `size` values, each for so many seconds."""
        self._size = size
        self._seconds = seconds
        self._values: OrderedDict[tuple[str, Hashable], tuple[V, float]] = OrderedDict()
        self._forgotten: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, job_id: str, key: Hashable, make: Callable[[], V]) -> V:
        """The value of a key of a job, worked out if it is not there.

        Two threads that ask for a new key at the same moment both work it out.
        """
        known = self.peek(job_id, key)
        if known is not None:
            return known
        value = make()
        self.put(job_id, key, value)
        return value

    def peek(self, job_id: str, key: Hashable = None) -> V | None:
        """The value of a key of a job, or None if it is not there or too old."""
        with self._lock:
            if (job_id, key) not in self._values:
                return None
            value, moment = self._values[job_id, key]
            if time.monotonic() - moment >= self._seconds:
                return None
            self._values.move_to_end((job_id, key))
            return value

    def __contains__(self, job_id: str) -> bool:
        """True if a value of a job without a key is here, however old."""
        with self._lock:
            return (job_id, None) in self._values

    def put(self, job_id: str, key: Hashable, value: V) -> None:
        """Keep a value, unless the job was forgotten."""
        with self._lock:
            if job_id in self._forgotten:
                return
            self._values[job_id, key] = value, time.monotonic()
            self._values.move_to_end((job_id, key))
            while len(self._values) > self._size:
                self._values.popitem(last=False)

    def forget(self, job_id: str) -> None:
        """Drop all values of a job, for good."""
        with self._lock:
            self._forgotten[job_id] = None
            while len(self._forgotten) > self._size:
                self._forgotten.popitem(last=False)
            for key in [key for key in self._values if key[0] == job_id]:
                del self._values[key]
