"""Running one job: image in, display image, probabilities and result file out, record brought up to date."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError

from suelo.errors import CancelledError, FullDiskError, ImageError, SueloError, UnavailableError
from suelo.imagery.room import lacks_room
from suelo.imagery.scene import open_scene
from suelo.imagery.statistics import BandStatistics
from suelo.jobs import objects as names
from suelo.jobs.job import Job, Status, now
from suelo.jobs.objects import Objects, key
from suelo.jobs.parts import Parts, drop_unfinished
from suelo.jobs.patience import patiently
from suelo.jobs.records import Records
from suelo.jobs.uploads import digest_of
from suelo.jobs.watch import Wait, Watch
from suelo.landcover import CLASSES
from suelo.segmentation.raster import ArrayProbabilities, opened
from suelo.segmentation.result import describe_selection
from suelo.segmentation.selection import Selection
from suelo.segmentation.summary import summarise_class, valid_area_m2

if TYPE_CHECKING:
    from suelo.imagery.scene import Scene
    from suelo.model.session import Model

_log = logging.getLogger(__name__)

KeepChip = Callable[[str, ArrayProbabilities], None]
"""Takes the id of a job and its probabilities."""

CHIP_PIXELS = 1 << 20
"""The numbers of images of up to so many pixels are worked out when somebody asks for them."""


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
        self._watches: dict[str, Watch] = {}

    def look(self, job_id: str) -> None:
        """Make a job that runs here look at its record now: somebody wants it to stop."""
        watch = self._watches.get(job_id)
        if watch is not None:
            watch.look()

    def run(
        self,
        job: Job,
        stopping: Callable[[], bool],
        scene: Scene | None = None,
        statistics: BandStatistics | None = None,
        store_image: Callable[[], None] | None = None,
        keep_chip: KeepChip | None = None,
        patience_s: float = 0.0,
    ) -> Job:
        """Run a job that this process holds; whatever happens, its record says so afterwards.

        Args:
            job: The job, running.
            stopping: Says that the process wants to end: the job then goes back into the queue.
            scene: The image, if it is open already; it stays open.
            statistics: Band statistics, if they are known already.
            store_image: Puts the image into the store first, where it is not there yet.
            keep_chip: Takes the probabilities of a chip, where somebody will ask for them at once. The image for
                looking at is then made when somebody looks: see `Results`.
            patience_s: How many seconds to wait for a database or a store that is away.

        Returns:
            The job as it is afterwards.

        Raises:
            UnavailableError: The store is away, so the image is not in it: the job has failed.
            OperationalError: The database is away; recovery takes the job up.
        """
        watch = Watch(self._records, job.id, self._worker, stopping)
        self._watches[job.id] = watch
        wait = Wait(patience_s, watch.cancelled)
        try:
            if store_image is not None:
                self._store(job, store_image)
            if scene is None:
                path = wait(lambda: self._objects.local(key(job.id, names.INPUT)))
                if digest_of(path) != job.image_sha256:
                    raise ImageError("The image in the store is damaged, or not the one announced; send it again.")
                with open_scene(path, gsd_m=job.options.gsd_m, name=job.name) as opened:
                    job = self._make(job, opened, statistics, keep_chip, watch, wait)
            else:
                job = self._make(job, scene, statistics, keep_chip, watch, wait)
        except UnavailableError as error:
            if store_image is not None and self._records.get(job.id).finished:
                raise
            end = partial(self._requeue, job, str(error))
        except OperationalError:
            end = partial(self._requeue, job, "The database could not be reached.")
        except CancelledError:
            watch.note()
            end = partial(self._requeue, job, "The server was stopped.")
        except Exception as error:
            end = partial(self._finish, job, "failed", _reason(job, error))
        else:
            ended = replace(job, status="succeeded", progress=1.0, stage="", finished_at=now())
            end = partial(self._finish, ended, "succeeded", "")
        finally:
            del self._watches[job.id]
        return patiently(end, patience_s, stopping)

    def statistics(self, job: Job, scene: Scene) -> BandStatistics:
        """What normalises a scene: what its job asks for, or the scene's own percentiles that the model wants.

        Raises:
            ImageError: No pixel of the scene is valid.
            ModelError: The model cannot be used.
        """
        return job.options.statistics or self._model().contract.normalisation.measure(scene)

    def _store(self, job: Job, store_image: Callable[[], None]) -> None:
        try:
            store_image()
        except UnavailableError as error:
            self._records.finish(job.id, self._worker, "failed", str(error))
            raise

    def _finish(self, job: Job, status: Status, message: str) -> Job:
        held = self._records.finish(job.id, self._worker, status, message, job.finished_at)
        if held and status == "succeeded":
            return job
        if held:
            self._drop_unfinished(job)
        elif status == "succeeded":
            return self._requeue(job, "")  # which somebody cancelled, or which is not held here any more
        return self._records.get(job.id)

    def _drop_unfinished(self, job: Job) -> None:
        if job.width * job.height > CHIP_PIXELS:
            drop_unfinished(self._objects, job.id)

    def _requeue(self, job: Job, reason: str) -> Job:
        """End work that was interrupted: cancelled if somebody asked for it, otherwise it goes back into the queue."""
        current = self._records.get(job.id)
        if current.cancel_requested:
            if self._records.finish(job.id, self._worker, "cancelled", "It was cancelled."):
                self._drop_unfinished(job)
        else:
            self._records.requeue(job.id, self._worker, counted=False, reason=reason)
        return self._records.get(job.id)

    def _make(
        self,
        job: Job,
        scene: Scene,
        statistics: BandStatistics | None,
        keep_chip: KeepChip | None,
        watch: Watch,
        wait: Wait,
    ) -> Job:
        from suelo.imagery.display import write_display
        from suelo.segmentation.engine import predict, predict_to_file, probability_writer

        folder = self._folder / job.id
        folder.mkdir(parents=True, exist_ok=True)
        try:
            model = self._model()
            if statistics is None:
                statistics = self.statistics(job, scene)
                wait(partial(self._records.note_statistics, job.id, statistics))
            large = scene.grid.height * scene.grid.width > CHIP_PIXELS
            # A scene may be interrupted and go on later, here or elsewhere: what is finished is stored at once.
            if large and wait(lambda: self._objects.size(key(job.id, names.DISPLAY))):
                watch.reading(1, 1)
            elif large or keep_chip is None:
                write_display(
                    scene,
                    folder / names.DISPLAY,
                    statistics,
                    progress=watch.reading,
                    cancelled=watch.cancelled,
                )
                wait(partial(self._objects.put_file, key(job.id, names.DISPLAY), folder / names.DISPLAY))
            parts = Parts(self._objects, job.id)
            if large:
                with parts:
                    predict_to_file(
                        scene,
                        model,
                        statistics,
                        folder / names.PROBABILITIES,
                        progress=watch.network,
                        cancelled=watch.cancelled,
                        keeper=lambda fingerprint: wait(lambda: parts.open(fingerprint)),
                    )
            else:
                values = predict(scene, model, statistics, watch.network, watch.cancelled)
                with probability_writer(folder / names.PROBABILITIES, scene, model) as writer:
                    writer.write(values)
                if keep_chip is not None:
                    keep_chip(job.id, ArrayProbabilities(values, scene.grid))
            result = describe(job, model, scene, statistics)
            if large:
                # Of a large scene the numbers take seconds; whoever opens the result first should not wait for them.
                result |= _numbers(folder / names.PROBABILITIES, Selection(model.contract.thresholds), watch)
                watch.look()
            if watch.cancelled():
                raise CancelledError("It was cancelled.")
            put = partial(self._objects.put_file, key(job.id, names.PROBABILITIES), folder / names.PROBABILITIES)
            wait(partial(put, f"{job.name}-{names.PROBABILITIES}", names.MEDIA_TYPE))
            wait(partial(self._objects.put, key(job.id, names.RESULT), json.dumps(result).encode()))
            if large:
                wait(parts.clear)
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


def _reason(job: Job, error: Exception) -> str:
    """What who sent the image is told; the log has the rest."""
    if isinstance(error, SueloError):
        if error.outside != str(error):
            _log.error("Job %s failed: %s", job.id, error)
        return error.outside
    _log.exception("Job %s failed", job.id)
    if lacks_room(error):
        return FullDiskError.OUTSIDE
    if isinstance(error, MemoryError):
        return "The server has too little memory for this image; the operator needs to give it more."
    return "Something went wrong inside Suelo; the operator finds the reason in the log under the number of the job."
