"""The job service: segmentations that are remembered, from upload to deletion."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial

from suelo.jobs.cache import FileCache
from suelo.jobs.database import open_database
from suelo.jobs.dispatch import Dispatcher
from suelo.jobs.downloads import Downloads
from suelo.jobs.events import Event, events_of
from suelo.jobs.idempotency import IdempotencyKeys
from suelo.jobs.identity import Worker
from suelo.jobs.intake import Intake
from suelo.jobs.job import Job, JobOptions, Upload
from suelo.jobs.objects import Objects
from suelo.jobs.parts import drop_unfinished
from suelo.jobs.patience import AWAY
from suelo.jobs.place import Place
from suelo.jobs.queue import SqsQueue
from suelo.jobs.records import Records
from suelo.jobs.recovery import ORPHAN_AGE
from suelo.jobs.removal import Removal
from suelo.jobs.results import Results
from suelo.jobs.runner import Runner
from suelo.jobs.sample import Sample
from suelo.jobs.uploads import Uploads
from suelo.jobs.users import Users
from suelo.model.session import Model, shared_model
from suelo.progress import Report, unwatched
from suelo.settings import Settings

_log = logging.getLogger(__name__)


class JobService:
    """Everything that the API and the page do with jobs. One per process; safe to use from several threads.

    Attributes:
        settings: What it was made with.
        results: Summaries, files and pixels of finished jobs.
        downloads: Addresses of S3 for large files.
        users: Who may use a server that asks for tokens.
        idempotency: Answers that are kept under keys.
    """

    def __init__(self, settings: Settings) -> None:
        """Open the records and the objects. Nothing runs in the background before `start`.

        Raises:
            InputError: The database or the store is of a kind that Suelo does not use, or in a folder that it may not
                write to.
        """
        self.settings = settings
        home = settings.home.expanduser().resolve()
        self._worker = Worker.here()
        name = str(self._worker)
        self._own_folder = home / "work" / name
        self._cache = FileCache(home / "cache", settings.cache_mb * 1_000_000)
        self._engine = open_database(
            settings.database_url,
            iam=settings.database_iam,
            connections=settings.database_connections,
            up_to_date=settings.database_migrate,
        )
        queue = SqsQueue(settings.queue) if settings.queue else None
        self._records = Records(self._engine)
        self._objects = Objects(settings.store_url, self._cache)
        self._uploads = Uploads(self._engine, self._objects, settings.max_upload_mb * 1_000_000, settings.presign)
        self.results = Results(self._records, self._objects, self._cache)
        self._removal = Removal(
            self._records,
            self._objects,
            self._uploads,
            self.results,
            home / "work",
            self._worker,
            settings.retention_days,
        )
        runner = Runner(self._records, self._objects, self._load_model, self._own_folder, name)
        self._intake = Intake(
            self._records,
            self._objects,
            self._uploads,
            runner,
            self._load_model,
            self.results.keep_chip,
            self._removal.delete_lost,
            name,
            settings.max_direct_pixels,
            settings.max_scene_pixels,
        )
        self.users = Users(self._engine)
        self.idempotency = IdempotencyKeys(self._engine, self._worker)
        self.downloads = Downloads(self._objects, settings.presign)
        self._dispatcher = Dispatcher(
            self._records, self._objects, self._intake, queue, self._worker, self._removal.tidy
        )
        self._sample = Sample(
            self._records,
            self._load_model,
            partial(self.submit_image, owner="", shared=True),
            self._removal.delete,
            self._removal.delete_lost,
            self._own_folder / "sample",
        )

    def start(self, run_jobs: bool = True) -> None:
        """Take up what dead processes left, sweep leftovers, load the model, and serve the queue in the background.

        Args:
            run_jobs: False to leave the queue to other processes.

        Raises:
            ModelError: The model or the provider that the settings name cannot be used.
        """
        if self.settings.model is not None or self.settings.provider:
            self._load_model()  # or every job that is taken would fail
        try:
            self.recover()
            self.tidy()
        except AWAY as error:
            _log.warning("Left for later: %s", str(error).partition("\n")[0])
        self._cache.sweep()
        threading.Thread(target=self._warm_up, name="suelo-warm-up", daemon=True).start()
        self._dispatcher.start(run_jobs)

    def stop(self) -> None:
        """Stop serving the queue: a running job ends its strip and goes back into the queue."""
        self._dispatcher.stop()
        self.results.close()
        if not self._intake.active():
            # A chip that a request still works on keeps its folder; the next process sweeps it.
            shutil.rmtree(self._own_folder, ignore_errors=True)
        self._engine.dispose()

    def recover(self) -> None:
        """Put running jobs of dead processes back into the queue, or fail them with a reason."""
        self._dispatcher.recover()

    def tidy(self, orphan_age: timedelta = ORPHAN_AGE) -> None:
        """Delete results that are older than they should be kept, and what nothing refers to any more.

        Args:
            orphan_age: How long objects without a record must not have changed before they are removed.

        Raises:
            UnavailableError: The store is away.
            OperationalError: The database is away.
        """
        self._removal.tidy(orphan_age)

    def announce_lost(self) -> int:
        """Announce queued jobs again if no message waits in SQS, so that theirs were lost or failed.

        Returns:
            The number of jobs.

        Raises:
            UnavailableError: SQS cannot be reached.
        """
        return self._dispatcher.announce_lost()

    def run_announced(self, job_id: str, stopping: Callable[[], bool]) -> Job | None:
        """Run a job that a message of the queue announced.

        Args:
            job_id: The job.
            stopping: Says that time is up: the job keeps its progress and is announced to the next worker.

        Returns:
            The job as it is afterwards; None if there is nothing to do, since messages may come twice or late.

        Raises:
            UnavailableError: The store or the queue is away; the message should come again.
            sqlalchemy.exc.OperationalError: The database is.
        """
        return self._dispatcher.run_announced(job_id, stopping)

    def _load_model(self) -> Model:
        return shared_model(self.settings.model, self.settings.threads, self.settings.provider)

    def _warm_up(self) -> None:
        try:
            self._load_model()
        except Exception:
            _log.exception("The model could not be loaded")

    @property
    def model(self) -> Model:
        """The model that segments; loaded at the first use.

        Raises:
            ModelError: It cannot be used.
        """
        return self._load_model()

    def ping(self) -> None:
        """Make sure that the records can be reached.

        Raises:
            sqlalchemy.exc.OperationalError: They cannot.
        """
        self._records.page("", 1)

    def create_upload(self, name: str, size: int | None, owner: str, sha256: str | None = None) -> Upload:
        """Make room for an image; see `Uploads.create`."""
        return self._uploads.create(name, size, owner, sha256)

    def upload_address(self, upload: Upload) -> str | None:
        """Where the image may be PUT straight into S3; None if it has to come through this server."""
        return self._uploads.address(upload)

    def receive_upload(self, upload_id: str, chunks: Iterable[bytes]) -> Upload:
        """Store the bytes of an image; see `Uploads.receive`."""
        return self._uploads.receive(upload_id, chunks)

    def submit(self, upload_id: str, owner: str, options: JobOptions | None = None) -> Job:
        """Make a job of an upload: a chip is segmented before this returns, a scene is queued.

        Args:
            upload_id: An upload that has arrived.
            owner: Whose job it will be.
            options: What to heed.

        Returns:
            The job; if the owner has one of the same image, model and options already, that one; if it was made before
            with the same options, as it is now.

        Raises:
            NotFoundError: There is no such upload.
            ConflictError: The upload has not arrived, or somebody else used it at the same moment; or a job of the same
                image is being cancelled, and the upload is kept.
            ImageError: The image cannot be segmented; the upload is forgotten.
            UnavailableError: The store is away; the upload is kept.
        """
        job = self._intake.from_upload(upload_id, owner, options or JobOptions())
        if job.status == "queued":
            self._dispatcher.announce(job.id)
        return job

    def submit_image(
        self, image: bytes, name: str, owner: str, options: JobOptions | None = None, *, shared: bool = False
    ) -> Job:
        """Segment a chip that is in memory.

        Args:
            image: The bytes of a TIFF.
            name: Its file name.
            owner: Whose job it will be.
            options: What to heed.
            shared: True to show it in everybody's list.

        Returns:
            The finished job; if the owner has one of the same image, model and options already, that one.

        Raises:
            ImageError: The image cannot be segmented; nothing of it is kept.
            ImageTooLargeError: It has more pixels than `settings.max_direct_pixels`.
            ConflictError: A job of the same image is being cancelled.
        """
        job = self._intake.from_bytes(image, name, owner, options or JobOptions(), shared)
        self.results.note(job)
        return job

    def wait(self, job_id: str, seconds: float = 120.0) -> Job:
        """Wait until a job is finished, or for some time; the job as it is then."""
        return self._intake.wait(job_id, seconds)

    def get(self, job_id: str) -> Job:
        """Read a job.

        Raises:
            NotFoundError: There is no such job.
        """
        return self._records.get(job_id)

    def events(self, job_id: str) -> Sequence[Event]:
        """What happened to a job, oldest first.

        Raises:
            NotFoundError: There is no such job.
        """
        found = events_of(self._engine, job_id)
        if not found:
            self._records.get(job_id)
        return found

    def cancel(self, job_id: str) -> Job:
        """Cancel a job: a queued one at once, a running one within a strip; a finished one stays as it is."""
        job = self._records.cancel(job_id)
        self._intake.look(job_id)
        if job.status == "cancelled":
            drop_unfinished(self._objects, job_id)
        return job

    def delete(self, job_id: str) -> None:
        """Remove a finished job: its record, then its objects.

        Raises:
            NotFoundError: There is no such job.
            ConflictError: It is not finished.
        """
        self._removal.delete(job_id)

    def ensure_sample(self, report: Report = unwatched) -> Job:
        """The shared sample job; it is made of a simulated scene if the model has none yet.

        Args:
            report: Hears how far it is while it is made.
        """
        return self._sample.ensure(report)

    def list(self, owner: str, limit: int = 50, before: Place | str | None = None) -> Sequence[Job]:
        """Jobs of an owner and shared samples, newest first.

        Args:
            owner: Whose.
            limit: At most so many.
            before: Place or id of the last job of the page before.

        Raises:
            NotFoundError: There is no job with that id.
        """
        return self._records.page(owner, limit, before)
