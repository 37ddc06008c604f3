"""Queued jobs: announced to who runs them, run when their turn comes, queued again when their process has died."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from suelo.errors import UnavailableError
from suelo.jobs.parts import drop_unfinished
from suelo.jobs.recovery import MAX_TRIES, SILENCE, recover
from suelo.jobs.worker import BackgroundWorker

if TYPE_CHECKING:
    from suelo.jobs.identity import Worker
    from suelo.jobs.intake import Intake
    from suelo.jobs.job import Job
    from suelo.jobs.objects import Objects
    from suelo.jobs.queue import SqsQueue
    from suelo.jobs.records import Records

_log = logging.getLogger(__name__)

_LEAST_ADVANCE = 0.01
"""A worker that gets no further with a scene in all its time has failed to run it."""


class Dispatcher:
    """Sees to it that queued jobs are run: by threads of this process, or through SQS by workers elsewhere."""

    def __init__(
        self,
        records: Records,
        objects: Objects,
        intake: Intake,
        queue: SqsQueue | None,
        worker: Worker,
        tidy: Callable[[], None],
    ) -> None:
        """Use the parts of a service; nothing runs in the background before `start`.

        Args:
            records: Where jobs are recorded.
            objects: Where images are kept.
            intake: Runs jobs that this process has claimed.
            queue: Where jobs are announced; None if this process runs them itself.
            worker: Identity of this process.
            tidy: Removes what is old or left over, now and then.
        """
        self._records = records
        self._objects = objects
        self._intake = intake
        self._queue = queue
        self._worker = worker
        self._background = BackgroundWorker(self._run_next, self._tend, tidy)
        self._hard_of_hearing_until = 0.0

    def start(self, run_jobs: bool = True) -> None:
        """Start the background threads; see `JobService.start`."""
        self._background.start(run_jobs and self._queue is None)

    def stop(self) -> None:
        """Stop the background threads: a running job ends its strip and goes back into the queue."""
        self._background.stop()

    def announce(self, job_id: str) -> None:
        """Say that a job is queued."""
        if self._queue is None:
            self._background.wake()
            return
        try:
            self._queue.announce(job_id)
        except UnavailableError:
            _log.warning("Job %s could not be announced; that is done again when the queue is empty", job_id)

    def announce_lost(self) -> int:
        """Announce queued jobs again if their messages were lost or failed; see `JobService.announce_lost`."""
        if self._queue is None or not self._queue.empty:
            return 0
        waiting = [row.id for row in self._records.unfinished() if row.status == "queued"]
        for job_id in waiting:
            self._queue.announce(job_id)
        return len(waiting)

    def recover(self) -> None:
        """Put running jobs of dead processes back into the queue, or fail them with a reason."""
        believe_silence = time.monotonic() >= self._hard_of_hearing_until
        for job_id in recover(self._records, self._objects, self._worker, self._intake.active, believe_silence):
            self.announce(job_id)

    def run_announced(self, job_id: str, stopping: Callable[[], bool]) -> Job | None:
        """Run a job that a message of the queue announced; see `JobService.run_announced`."""
        job = self._intake.take(job_id)
        if job is None:
            # It is done, deleted or in work; or its worker died, which recovery finds out.
            self.recover()
            return None
        before = job.progress
        self._background.start(run_jobs=False)
        try:
            job = self._intake.run_queued(job, stopping)
        finally:
            self._background.stop()
        if job.status != "queued":
            return job
        if job.progress - before < _LEAST_ADVANCE and not self._records.try_again(job_id, MAX_TRIES):
            job = self._records.get(job_id)
            if job.status == "failed":
                drop_unfinished(self._objects, job_id)
            return job
        if self._queue is not None:
            self._queue.announce(job_id)
        return job

    def _run_next(self, stopping: Callable[[], bool]) -> bool:
        job = self._intake.take()
        if job is None:
            return False
        self._intake.run_queued(job, stopping)
        return True

    def _tend(self) -> None:
        try:
            self._records.beat(str(self._worker))
        except OperationalError:
            # Nobody else could say that they live either.
            self._hard_of_hearing_until = time.monotonic() + SILENCE.total_seconds()
            raise
        self.recover()
