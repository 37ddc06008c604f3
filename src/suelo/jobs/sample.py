"""The sample that everybody sees: a simulated scene, segmented by the model of this server."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from suelo.progress import Report

if TYPE_CHECKING:
    from suelo.jobs.job import Job
    from suelo.jobs.records import Records
    from suelo.model.session import Model

_SIZE = 1024
_SEED = 7


class Sample:
    """Makes the shared job where the model has none yet, and removes those of other models."""

    def __init__(
        self,
        records: Records,
        model: Callable[[], Model],
        submit: Callable[[bytes, str], Job],
        delete: Callable[[str], None],
        delete_lost: Callable[[Job], bool],
        folder: Path,
    ) -> None:
        """Use the parts of a service.

        Args:
            records: Where jobs are recorded.
            model: Gives the model.
            submit: Makes a shared job of the bytes and the file name of an image.
            delete: Removes a job.
            delete_lost: Removes a job whose result is lost; see `Removal.delete_lost`.
            folder: Where the scene is drawn; it is removed afterwards.
        """
        self._records = records
        self._model = model
        self._submit = submit
        self._delete = delete
        self._delete_lost = delete_lost
        self._folder = folder
        self._lock = threading.Lock()

    def ensure(self, report: Report) -> Job:
        """The shared job of the model; `report` hears how far it is while it is made."""
        with self._lock:
            for job in self._records.shared():
                fits = job.model_sha256 == self._model().sha256 and job.status not in {"failed", "cancelled"}
                if fits and not self._delete_lost(job):
                    return job
            job = self._make(report)
            for old in self._records.shared():
                if old.id != job.id and old.finished:
                    self._delete(old.id)
            return job

    def _make(self, report: Report) -> Job:
        from suelo.simulation import simulate

        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            path = self._folder / "Sample.tif"
            simulate(
                path,
                height=_SIZE,
                width=_SIZE,
                seed=_SEED,
                progress=lambda share: report("drawing", round(share * 1000), 1000),
            )
            report("segmenting", 0, 1000)
            return self._submit(path.read_bytes(), path.name)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
