"""Between a running job and its record: progress goes one way, the wish to stop the other; and waiting for both."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.exc import OperationalError

from suelo.errors import CancelledError
from suelo.jobs.patience import AWAY, patiently
from suelo.jobs.records import Records

if TYPE_CHECKING:
    from suelo.segmentation.engine import Progress

_log = logging.getLogger(__name__)

T = TypeVar("T")

SYNC_SECONDS = 0.4
"""Least time between two looks at the record of a running job."""

_SHARES = {"reading": (0.0, 0.1), "network": (0.1, 0.96), "polygons": (0.96, 0.99)}
"""Where each stage begins and ends on the way from 0 to 1."""


class Watch:
    """Carries progress from the engine to the record, and the wish to stop from the record to the engine."""

    def __init__(self, records: Records, job_id: str, worker: str, stopping: Callable[[], bool]) -> None:
        """Watch over one job that a worker holds; `stopping` says that the process wants to end."""
        self._records = records
        self._job_id = job_id
        self._worker = worker
        self._stopping = stopping
        self._fraction = 0.0
        self._stage = "reading"
        self._synced = time.monotonic()
        self._lost = False

    def reading(self, done: int, total: int) -> None:
        """Progress of the display image."""
        self._advance("reading", done, total)

    def network(self, progress: Progress) -> None:
        """Progress of the network."""
        self._advance("network", progress.done, progress.total)

    def polygons(self, done: int, total: int) -> None:
        """Progress of counting and measuring."""
        self._advance("polygons", done, total)

    def _advance(self, stage: str, done: int, total: int) -> None:
        start, end = _SHARES[stage]
        self._stage = stage
        self._fraction = start + (end - start) * done / max(1, total)
        self._sync()

    def cancelled(self) -> bool:
        """True if the work should stop."""
        self._sync()
        return self._lost or self._stopping()

    def look(self) -> None:
        """Look at the record at the next opportunity: it was changed by this process."""
        self._synced = -math.inf  # a monotonic clock may start anywhere

    def note(self) -> None:
        """Note the progress at once: nobody will for a while."""
        self._synced = -math.inf
        self._sync()

    def _sync(self) -> None:
        moment = time.monotonic()
        if self._lost or moment - self._synced < SYNC_SECONDS:
            return
        self._synced = moment
        try:
            self._lost = not self._records.advance(self._job_id, self._worker, self._fraction, self._stage)
        except OperationalError:
            # The database is away; hours of work need not be lost for that.
            _log.warning("The progress of job %s could not be noted", self._job_id)


class Wait:
    """Does something that needs the database or the store; waits while they are away, unless the work should stop."""

    def __init__(self, seconds: float, cancelled: Callable[[], bool]) -> None:
        """Wait so many seconds at a time, or until `cancelled` says True."""
        self._seconds = seconds
        self._cancelled = cancelled

    def __call__(self, work: Callable[[], T]) -> T:
        """Do it.

        Raises:
            CancelledError: The work should stop.
            UnavailableError: The store was away for too long.
            OperationalError: The database was.
        """
        try:
            return patiently(work, self._seconds, self._cancelled)
        except AWAY:
            if self._cancelled():
                raise CancelledError("It was cancelled.") from None
            raise
