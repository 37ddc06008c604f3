"""What a dead process left: its jobs go back into the queue or fail with a reason, its files are swept away."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from suelo.jobs.identity import Worker
from suelo.jobs.job import Status
from suelo.jobs.objects import ADDRESS_LIFETIME, INPUT, Objects, key
from suelo.jobs.parts import drop_unfinished
from suelo.jobs.records import Records, Unfinished, stale
from suelo.jobs.uploads import Uploads

_log = logging.getLogger(__name__)

MAX_TRIES = 3
"""A job that was being run when its process died so often is not run again: it may be what kills the process."""
SILENCE = timedelta(minutes=1)
"""A worker of another machine that was not heard of for so long is taken for dead."""
UPLOAD_AGE = timedelta(days=1)
"""An upload that nobody made a job of is forgotten after this time."""
EXPORT_AGE = timedelta(days=1)
"""Exports in S3 are given away for this time, then put again; they can be made again."""
EXPORT_SWEEP_AGE = EXPORT_AGE + 2 * ADDRESS_LIFETIME
"""Older exports are removed: the last address of them has run out, and a transfer that began under it is done."""
WORK_AGE = timedelta(days=1)
"""Files of a process that cannot be asked after from here are removed when they have not changed for this time: those
of another container, or from before this machine was started."""
ORPHAN_AGE = timedelta(hours=1)
"""Objects without a record are removed when they have not changed for this time."""


def recover(
    records: Records,
    objects: Objects,
    me: Worker,
    active: Callable[[], frozenset[str]],
    believe_silence: bool = True,
) -> list[str]:
    """Take up running jobs whose process is dead.

    Args:
        records: The records.
        objects: The store.
        me: Identity of this process.
        active: Gives the jobs that this process is running.
        believe_silence: False if other workers could not be heard of lately, since the database was away.

    Returns:
        Jobs that are in the queue again.
    """
    requeued = []
    rows = records.unfinished()
    # Asked for after the records, so that no job that begins here in between is taken for one that nobody runs.
    running_here = active()
    for row in rows:
        if row.status == "running" and row.id not in running_here and _abandoned(row, me, believe_silence):
            _log.warning("Job %s was left by %s", row.id, row.worker)
            if _take_up(records, objects, row):
                requeued.append(row.id)
    return requeued


def _abandoned(row: Unfinished, me: Worker, believe_silence: bool) -> bool:
    worker = Worker.parse(row.worker)
    if worker is None or worker == me or worker.surely_dead(me):
        return True
    return believe_silence and stale(row, SILENCE)


def _take_up(records: Records, objects: Objects, row: Unfinished) -> bool:
    """Go on with a job if that makes sense; True if it is in the queue again."""
    status: Status = "failed"
    if row.cancel_requested:
        status, message = "cancelled", "It was cancelled."
    elif objects.size(key(row.id, INPUT)) != row.image_bytes:
        message = "The server stopped before it had stored the image; send the image again."
    elif row.attempts >= MAX_TRIES:
        message = f"The server stopped {row.attempts} times while it worked on this image; it is not tried again."
    else:
        records.requeue(row.id, row.worker, counted=True, reason="The process that ran it stopped.")
        return True
    if records.finish(row.id, row.worker, status, message):
        drop_unfinished(objects, row.id)
    return False


def sweep(
    records: Records,
    uploads: Uploads,
    objects: Objects,
    work_folder: Path,
    me: Worker,
    orphan_age: timedelta = ORPHAN_AGE,
) -> None:
    """Remove old uploads and exports, objects without a record, and unfinished files of dead processes.

    Args:
        records: The records.
        uploads: Images that no job was made of.
        objects: The store.
        work_folder: Where processes of this machine keep files that they are making.
        me: Identity of this process.
        orphan_age: How long objects without a record must not have changed.

    Raises:
        UnavailableError: The store is away.
        OperationalError: The database is away.
    """
    if work_folder.is_dir():
        for folder in work_folder.iterdir():
            owner = Worker.parse(folder.name)
            if owner is None:
                continue
            if owner.surely_dead(me) or (owner.host != me.host and _untouched(folder, WORK_AGE)):
                shutil.rmtree(folder, ignore_errors=True)
    uploads.sweep(UPLOAD_AGE)
    # Objects are listed before records are asked for: a job that begins in between has its record first.
    with_objects = objects.job_ids(orphan_age)
    for job_id in set(with_objects) - records.known(with_objects):
        _log.info("Objects without a record are removed: job %s", job_id)
        objects.delete_job(job_id)
    objects.sweep_unfinished(orphan_age)
    objects.sweep_exports(EXPORT_SWEEP_AGE)


def _untouched(folder: Path, age: timedelta) -> bool:
    """True if neither a folder nor anything below it has changed for a time."""
    limit = time.time() - age.total_seconds()
    for path in (folder, *folder.rglob("*")):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime > limit:
                return False
    return True
