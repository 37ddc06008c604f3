"""What a dead process left: its jobs go back into the queue or fail with a reason, its files are swept away."""

from __future__ import annotations

import logging
import shutil
from datetime import timedelta
from pathlib import Path

from suelo.jobs.identity import Worker
from suelo.jobs.objects import INPUT, Objects, key
from suelo.jobs.records import Records, Unfinished, stale
from suelo.jobs.uploads import Uploads

_log = logging.getLogger(__name__)

MAX_TRIES = 3
"""A job that was being run when its process died so often is not run again: it may be what kills the process."""
SILENCE = timedelta(minutes=1)
"""A worker of another machine that was not heard of for so long is taken for dead."""
UPLOAD_AGE = timedelta(days=1)
"""An upload that nobody made a job of is forgotten after this time."""
ORPHAN_AGE = timedelta(hours=1)
"""Objects without a record are removed when they have not changed for this time."""


def recover(records: Records, objects: Objects, me: Worker, active: frozenset[str]) -> None:
    """Take up running jobs whose process is dead.

    Args:
        records: The records.
        objects: The store.
        me: Identity of this process.
        active: Jobs that this process is running.
    """
    for row in records.unfinished():
        if row.status == "running" and row.id not in active and _abandoned(row, me):
            _log.warning("Job %s was left by %s", row.id, row.worker)
            _take_up(records, objects, row)


def _abandoned(row: Unfinished, me: Worker) -> bool:
    worker = Worker.parse(row.worker)
    if worker is None or worker == me or worker.surely_dead(me):
        return True
    return stale(row, SILENCE)


def _take_up(records: Records, objects: Objects, row: Unfinished) -> None:
    if row.cancel_requested:
        records.finish(row.id, row.worker, "cancelled", "It was cancelled.")
    elif objects.size(key(row.id, INPUT)) != row.image_bytes:
        message = "The server stopped before it had stored the image; send the image again."
        records.finish(row.id, row.worker, "failed", message)
    elif row.attempts >= MAX_TRIES:
        message = f"The server stopped {row.attempts} times while it worked on this image; it is not tried again."
        records.finish(row.id, row.worker, "failed", message)
    else:
        records.requeue(row.id, row.worker, counted=True, reason="The process that ran it stopped.")


def sweep(records: Records, uploads: Uploads, objects: Objects, work_folder: Path, me: Worker) -> None:
    """Remove old uploads, objects without a record, and unfinished files of dead processes."""
    uploads.sweep(UPLOAD_AGE)
    with_objects = objects.job_ids(ORPHAN_AGE)
    for job_id in set(with_objects) - records.known(with_objects):
        objects.delete_job(job_id)
    if work_folder.is_dir():
        for folder in work_folder.iterdir():
            owner = Worker.parse(folder.name)
            if owner is not None and owner.surely_dead(me):
                shutil.rmtree(folder, ignore_errors=True)
