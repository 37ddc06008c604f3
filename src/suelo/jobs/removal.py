"""Results that go: those that somebody deletes, those that are too old, and what nothing refers to any more."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from suelo.errors import ConflictError, NotFoundError, UnavailableError
from suelo.jobs.job import now
from suelo.jobs.objects import PROBABILITIES, key
from suelo.jobs.recovery import ORPHAN_AGE, sweep

if TYPE_CHECKING:
    from suelo.jobs.identity import Worker
    from suelo.jobs.job import Job
    from suelo.jobs.objects import Objects
    from suelo.jobs.records import Records
    from suelo.jobs.results import Results
    from suelo.jobs.uploads import Uploads

_log = logging.getLogger(__name__)


class Removal:
    """Deletes jobs with all that belongs to them, and tidies up."""

    def __init__(
        self,
        records: Records,
        objects: Objects,
        uploads: Uploads,
        results: Results,
        work_folder: Path,
        worker: Worker,
        retention_days: float,
    ) -> None:
        """Use the parts of a service.

        Args:
            records: Where jobs are recorded.
            objects: Where their files are kept.
            uploads: Images that no job was made of.
            results: What is remembered of finished jobs.
            work_folder: Where processes of this machine keep files that they are making.
            worker: Identity of this process.
            retention_days: How long results are kept; 0 for ever.
        """
        self._records = records
        self._objects = objects
        self._uploads = uploads
        self._results = results
        self._work_folder = work_folder
        self._worker = worker
        self._retention_days = retention_days

    def delete(self, job_id: str) -> None:
        """Remove a finished job; see `JobService.delete`."""
        self._records.delete(job_id)
        self._results.forget(job_id)
        try:
            self._objects.delete_job(job_id)
        except UnavailableError:
            _log.warning("The objects of job %s could not be removed; the sweep will do it", job_id)

    def delete_lost(self, job: Job) -> bool:
        """Remove a job that has succeeded and whose result is not in the store any more; True if it was removed.

        Raises:
            UnavailableError: The store is away.
        """
        if job.status != "succeeded" or self._objects.size(key(job.id, PROBABILITIES)) is not None:
            return False
        _log.warning("The result of job %s is not in the store any more; the job is removed", job.id)
        with suppress(NotFoundError):  # somebody else was quicker
            self.delete(job.id)
        return True

    def tidy(self, orphan_age: timedelta = ORPHAN_AGE) -> None:
        """Delete what is old or left over; see `JobService.tidy`."""
        if self._retention_days:
            for job_id in self._records.expired(now() - timedelta(days=self._retention_days)):
                with suppress(NotFoundError, ConflictError):  # somebody else was quicker
                    self.delete(job_id)
        self._results.tidy()
        sweep(self._records, self._uploads, self._objects, self._work_folder, self._worker, orphan_age)
