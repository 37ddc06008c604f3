"""Making jobs: an image is checked before anything is written, chips are segmented at once, scenes are queued."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from suelo.errors import ConflictError, ImageError, ImageTooLargeError, InputError, NotFoundError
from suelo.imagery.scene import open_scene
from suelo.imagery.source import NEEDED
from suelo.jobs.job import Job, JobOptions, new_id, now
from suelo.jobs.objects import INPUT, Objects, key
from suelo.jobs.records import Records
from suelo.jobs.runner import KeepChip, Runner
from suelo.jobs.uploads import LARGE_BYTES, Uploads, clean_name

if TYPE_CHECKING:
    from suelo.imagery.scene import Scene
    from suelo.jobs.job import Upload
    from suelo.model.session import Model

_log = logging.getLogger(__name__)

PATIENCE_S = 900.0
"""A job of the queue waits so long for a database or a store that is away, before its turn ends without a result."""


class Intake:
    """Makes jobs, and runs those that this process holds."""

    def __init__(
        self,
        records: Records,
        objects: Objects,
        uploads: Uploads,
        runner: Runner,
        model: Callable[[], Model],
        keep_chip: KeepChip,
        delete_lost: Callable[[Job], bool],
        worker: str,
        max_direct_pixels: int,
        max_scene_pixels: int,
    ) -> None:
        """Use the parts of a service.

        Args:
            records: Where jobs are recorded.
            objects: Where images are kept.
            uploads: What has arrived.
            runner: Runs jobs.
            model: Gives the model.
            keep_chip: Takes the probabilities of chips that are answered at once.
            delete_lost: Removes a job whose result is lost; see `Removal.delete_lost`.
            worker: Name of this process in the records.
            max_direct_pixels: Images of up to so many pixels are segmented at once.
            max_scene_pixels: Images of more pixels are refused.
        """
        self._records = records
        self._objects = objects
        self._uploads = uploads
        self._runner = runner
        self._model = model
        self._keep_chip = keep_chip
        self._delete_lost = delete_lost
        self._worker = worker
        self._max_direct_pixels = max_direct_pixels
        self._max_scene_pixels = max_scene_pixels
        self._active: set[str] = set()
        self._taking = threading.Lock()
        # More chips than cores at once are slower together than in turn: their threads only get in each other's way.
        self._turns = threading.BoundedSemaphore(os.cpu_count() or 1)

    def active(self) -> frozenset[str]:
        """Jobs that this process is running: among them all that the records, read before, say it has."""
        with self._taking:
            return frozenset(self._active)

    def from_upload(self, upload_id: str, owner: str, options: JobOptions) -> Job:
        """Make a job of an upload; see `JobService.submit`."""
        try:
            return self._from_upload(upload_id, owner, options)
        except (NotFoundError, ConflictError):
            # Its sender may not have heard of the job: the server died, the answer got lost, or another request for
            # it came at the same moment.
            with suppress(NotFoundError):
                made = self._records.get(upload_id)
                if made.owner == owner and made.options == _heeded(options, made.georeferenced):
                    return made
            raise

    def _from_upload(self, upload_id: str, owner: str, options: JobOptions) -> Job:
        upload = self._uploads.whole(upload_id)
        assert upload.sha256 is not None
        assert upload.received is not None
        same = self._same(owner, upload.sha256, options)
        if same is not None:
            self._uploads.discard(upload_id)
            return same
        try:
            with self._open(upload, upload.received, options) as scene:
                heeded = _heeded(options, scene.grid.crs is not None)
                if heeded != options and (same := self._same(owner, upload.sha256, heeded)) is not None:
                    self._uploads.discard(upload_id)
                    return same
                job = self._describe(upload_id, owner, scene, upload.sha256, upload.received, heeded)
                if self._is_chip(scene):
                    return self._run_chip(job, scene, None)
        except InputError:
            self._uploads.discard(upload_id)
            raise
        added = self._records.add(job, from_upload=True)
        if added.id != job.id:
            self._uploads.discard(upload_id)
        return added

    def _same(self, owner: str, image_sha256: str, options: JobOptions) -> Job | None:
        """The job that an owner already has of an image; one whose result is lost makes room.

        Raises:
            ConflictError: It is being cancelled, so it will not do and yet stands in the way of another.
        """
        same = self._records.find_same(owner, image_sha256, self._model().sha256, options)
        if same is not None and same.cancel_requested and not same.finished:
            raise ConflictError("A job of the same image is being cancelled; send it again in a moment.")
        return None if same is None or self._delete_lost(same) else same

    def _open(self, upload: Upload, size: int, options: JobOptions) -> Scene:
        """Open an image as a file, or a large one in S3 by an address, so that only its headers are fetched."""
        stored, name = key(upload.id, INPUT), PurePosixPath(upload.name).stem
        if size <= LARGE_BYTES or (address := self._objects.address_for_download(stored)) is None:
            return open_scene(self._objects.local(stored), gsd_m=options.gsd_m, name=name)
        try:
            return open_scene(address, gsd_m=options.gsd_m, name=name)
        except ImageError:
            # GDAL does not tell a bad image from a store that is away. This call does; and it waits a little.
            self._objects.size(stored)
        try:
            return open_scene(address, gsd_m=options.gsd_m, name=name)
        except ImageError as error:
            if address.partition("?")[0] not in str(error):
                raise
            _log.warning("Upload %s is refused: %s", upload.id, error)
            raise ImageError(f"The image is damaged or not a TIFF; {NEEDED}.") from error

    def from_bytes(self, image: bytes, name: str, owner: str, options: JobOptions, shared: bool) -> Job:
        """Segment a chip that is in memory; see `JobService.submit_image`."""
        digest = hashlib.sha256(image).hexdigest()
        same = self._same(owner, digest, options)
        if same is not None:
            self._require_chip(same.height, same.width, shared)
            return self.wait(same.id)
        with open_scene(image, gsd_m=options.gsd_m, name=PurePosixPath(clean_name(name)).stem) as scene:
            self._require_chip(scene.grid.height, scene.grid.width, shared)
            heeded = _heeded(options, scene.grid.crs is not None)
            if heeded != options and (same := self._same(owner, digest, heeded)) is not None:
                return self.wait(same.id)
            job = replace(self._describe(new_id(), owner, scene, digest, len(image), heeded), shared=shared)
            return self._run_chip(job, scene, lambda: self._objects.put(key(job.id, INPUT), image))

    def run_queued(self, job: Job, stopping: Callable[[], bool]) -> Job:
        """Run a job that this process has taken from the queue."""
        try:
            return self._runner.run(job, stopping, statistics=job.statistics, patience_s=PATIENCE_S)
        finally:
            self._active.discard(job.id)

    def look(self, job_id: str) -> None:
        """Make a job that runs here look at its record now: somebody wants it to stop."""
        self._runner.look(job_id)

    def wait(self, job_id: str, seconds: float = 120.0) -> Job:
        """Wait until a job is finished, or for some time; the job as it is then."""
        end = time.monotonic() + seconds
        while not (job := self._records.get(job_id)).finished and time.monotonic() < end:
            time.sleep(0.02)
        return job

    def take(self, job_id: str | None = None) -> Job | None:
        """Take the oldest queued job (or a given one), to be given to `run_queued`; None if none is queued."""
        # Between the record and the set, recovery would take the job for one that nobody runs.
        with self._taking:
            job = self._records.claim(self._worker, job_id)
            if job is not None:
                self._active.add(job.id)
            return job

    def _is_chip(self, scene: Scene) -> bool:
        return scene.grid.height * scene.grid.width <= self._max_direct_pixels

    def _require_chip(self, height: int, width: int, shared: bool) -> None:
        """Refuse a larger image than one that is segmented while a request waits, unless it is everyone's sample."""
        if not shared and height * width > self._max_direct_pixels:
            raise ImageTooLargeError(
                f"This image has {width} × {height} pixels; images of up to {self._max_direct_pixels} pixels are "
                "segmented at once, larger ones through /v1/uploads."
            )

    def _run_chip(self, job: Job, scene: Scene, store_image: Callable[[], None] | None) -> Job:
        scene.load()
        # Measured before anything is written: an image without a valid pixel is refused like any other bad one.
        statistics = self._runner.statistics(job, scene)
        job = replace(job, status="running", started_at=job.created_at, statistics=statistics)
        self._active.add(job.id)
        try:
            added = self._records.add(job, self._worker, from_upload=store_image is None)
            if added.id != job.id:
                same = self.wait(added.id)
                if store_image is None:
                    self._uploads.discard(job.id)
                return same
            keep_chip = None if store_image is None else self._keep_chip
            with self._turns:
                return self._runner.run(job, lambda: False, scene, statistics, store_image, keep_chip)
        finally:
            self._active.discard(job.id)

    def _describe(self, job_id: str, owner: str, scene: Scene, sha256: str, size: int, options: JobOptions) -> Job:
        if scene.grid.height * scene.grid.width > self._max_scene_pixels:
            # A file of a few bytes may declare as many pixels as it likes.
            raise ImageTooLargeError(
                f"This image has {scene.grid.width} × {scene.grid.height} pixels; images of up to "
                f"{self._max_scene_pixels} pixels are segmented here."
            )
        model = self._model()
        crs = scene.grid.crs
        return Job(
            id=job_id,
            owner=owner,
            shared=False,
            name=scene.name,
            status="queued",
            progress=0.0,
            stage="",
            message="",
            created_at=now(),
            started_at=None,
            finished_at=None,
            width=scene.grid.width,
            height=scene.grid.height,
            gsd_m=scene.grid.gsd_m,
            crs="" if crs is None else crs.to_string(),
            georeferenced=crs is not None,
            image_sha256=sha256,
            image_bytes=size,
            model_name=f"{model.contract.name} {model.contract.version}",
            model_sha256=model.sha256,
            model_thresholds=model.contract.thresholds,
            statistics=options.statistics,
            options=options,
        )


def _heeded(options: JobOptions, georeferenced: bool) -> JobOptions:
    """The options that matter to an image: one with a CRS says itself how large its pixels are."""
    return replace(options, gsd_m=None) if georeferenced else options
