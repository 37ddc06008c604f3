"""Values that were worked out lately, in memory, bounded in number."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """Values of jobs; the ones used longest ago go first. Safe to use from several threads."""

    def __init__(self, size: int) -> None:
        """Keep up to `size` values."""
        self._size = size
        self._values: OrderedDict[tuple[str, Hashable], V] = OrderedDict()
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
        """The value of a key of a job, or None if it is not there."""
        with self._lock:
            if (job_id, key) not in self._values:
                return None
            self._values.move_to_end((job_id, key))
            return self._values[job_id, key]

    def put(self, job_id: str, key: Hashable, value: V) -> None:
        """Keep a value."""
        with self._lock:
            self._values[job_id, key] = value
            self._values.move_to_end((job_id, key))
            while len(self._values) > self._size:
                self._values.popitem(last=False)

    def forget(self, job_id: str) -> None:
        """Drop all values of a job."""
        with self._lock:
            for key in [key for key in self._values if key[0] == job_id]:
                del self._values[key]
