"""Running one job: image in, display image, probabilities and result file out, record brought up to date."""

from __future__ import annotations

import errno
import json
import logging
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError

from suelo.errors import CancelledError, SueloError
from suelo.imagery.scene import open_scene
from suelo.imagery.statistics import BandStatistics, measure_statistics
from suelo.jobs import objects as names
from suelo.jobs.job import Job, now
from suelo.jobs.objects import Objects, key
from suelo.jobs.records import Records
from suelo.landcover import CLASSES
from suelo.segmentation.raster import opened
from suelo.segmentation.result import describe_selection
from suelo.segmentation.selection import Selection
from suelo.segmentation.summary import summarise_class, valid_area_m2

if TYPE_CHECKING:
    from suelo.imagery.scene import Scene
    from suelo.model.session import Model
    from suelo.segmentation.engine import Progress

_log = logging.getLogger(__name__)

SYNC_SECONDS = 0.4
"""Least time between two looks at the record of a running job."""

CHIP_PIXELS = 1 << 20
"""The numbers of images of up to so many pixels are worked out when somebody asks for them."""

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


class Runner:
    """Runs jobs in this process."""

    def __init__(
        self, records: Records, objects: Objects, model: Callable[[], Model], folder: Path, worker: str
    ) -> None:
        """Prepare to run.

        Args:
            records: Where progress and outcome are noted.
            objects: Where images come from and results go.
            model: Gives the model.
            folder: For files that are being made; it belongs to this process alone.
            worker: Name of this process in the records.
        """
        self._records = records
        self._objects = objects
        self._model = model
        self._folder = folder
        self._worker = worker

    def run(
        self,
        job: Job,
        stopping: Callable[[], bool],
        scene: Scene | None = None,
        statistics: BandStatistics | None = None,
        store_image: Callable[[], None] | None = None,
    ) -> Job:
        """Run a job that this process holds; whatever happens, its record says so afterwards.

        Args:
            job: The job, running.
            stopping: Says that the process wants to end: the job then goes back into the queue.
            scene: The image, if it is open already; it stays open.
            statistics: Band statistics, if they are known already.
            store_image: Puts the image into the store first, where it is not there yet.

        Returns:
            The job as it is afterwards.
        """
        try:
            watch = Watch(self._records, job.id, self._worker, stopping)
            if store_image is not None:
                store_image()
            if scene is None:
                with open_scene(
                    self._objects.local(key(job.id, names.INPUT)), gsd_m=job.options.gsd_m, name=job.name
                ) as opened:
                    job = self._make(job, opened, statistics, watch)
            else:
                job = self._make(job, scene, statistics, watch)
        except CancelledError:
            if stopping() and not self._records.get(job.id).cancel_requested:
                self._records.requeue(job.id, self._worker, counted=False, reason="The server was stopped.")
            else:
                self._records.finish(job.id, self._worker, "cancelled", "It was cancelled.")
        except SueloError as error:
            self._records.finish(job.id, self._worker, "failed", str(error))
        except Exception as error:
            _log.exception("Job %s failed", job.id)
            self._records.finish(job.id, self._worker, "failed", _sentence(error))
        else:
            ended = replace(job, status="succeeded", progress=1.0, stage="", finished_at=now())
            if self._records.finish(job.id, self._worker, "succeeded", moment=ended.finished_at):
                return ended
        return self._records.get(job.id)

    def _make(self, job: Job, scene: Scene, statistics: BandStatistics | None, watch: Watch) -> Job:
        from suelo.imagery.display import write_display
        from suelo.segmentation.engine import predict_to_file

        folder = self._folder / job.id
        folder.mkdir(parents=True, exist_ok=True)
        try:
            model = self._model()
            if statistics is None:
                statistics = job.options.statistics or measure_statistics(scene)
                self._records.note_statistics(job.id, statistics)
            write_display(
                scene,
                folder / names.DISPLAY,
                statistics,
                progress=watch.reading,
                cancelled=watch.cancelled,
            )
            predict_to_file(
                scene,
                model,
                statistics,
                folder / names.PROBABILITIES,
                progress=watch.network,
                cancelled=watch.cancelled,
            )
            result = describe(job, model, scene, statistics)
            if scene.grid.height * scene.grid.width > CHIP_PIXELS:
                # Of a large scene the numbers take seconds; whoever opens the result first should not wait for them.
                result |= _numbers(folder / names.PROBABILITIES, Selection(model.contract.thresholds), watch)
            if watch.cancelled():
                raise CancelledError("It was cancelled.")
            for name in (names.DISPLAY, names.PROBABILITIES):
                self._objects.put_file(key(job.id, name), folder / name)
            self._objects.put(key(job.id, names.RESULT), json.dumps(result).encode())
            return replace(job, statistics=statistics)
        finally:
            with suppress(OSError):
                shutil.rmtree(folder)


def describe(job: Job, model: Model, scene: Scene, statistics: BandStatistics) -> dict[str, Any]:
    """What `result.json` says of how a result was made, for somebody who wants to make it again."""
    grid = scene.grid
    return {
        "software": {"name": "suelo", "version": _version()},
        "created": now().isoformat(timespec="seconds"),
        "image": {
            "name": job.name,
            "sha256": job.image_sha256,
            "width": grid.width,
            "height": grid.height,
            "gsd_m": grid.gsd_m,
            "crs": job.crs or None,
            "transform": list(grid.transform[:6]),
        },
        "model": {"sha256": model.sha256, **model.contract.model_dump(mode="json")},
        "options": job.options.to_json(),
        "statistics": statistics.to_json(),
    }


def _numbers(probabilities: Path, selection: Selection, watch: Watch) -> dict[str, Any]:
    rows = []
    with opened(probabilities) as raster:
        valid_m2 = valid_area_m2(raster)
        for c in CLASSES:
            if watch.cancelled():
                raise CancelledError("It was cancelled.")
            watch.polygons(c.id - 1, len(CLASSES))
            rows.append(summarise_class(raster, selection, c, valid_m2).to_dict())
    return {"selection": describe_selection(selection), "classes": rows}


@cache
def _version() -> str:
    return version("suelo")


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "There is no room left where results are kept; the operator needs to make some."
    if isinstance(error, MemoryError):
        return "The server has too little memory for this image; the operator needs to give it more."
    return "Something went wrong inside Suelo; the operator finds the reason in the log under the number of the job."
