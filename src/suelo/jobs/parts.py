"""Finished strips of an unfinished job, in the object store: a job that is interrupted goes on where it was."""

from __future__ import annotations

import logging
from contextlib import suppress
from types import TracebackType
from typing import Self

from suelo.errors import SueloError, UnavailableError
from suelo.jobs.objects import DISPLAY, PROBABILITIES, RESULT, Objects, key
from suelo.segmentation.background import Background
from suelo.segmentation.keeping import KeptStrip

_log = logging.getLogger(__name__)

FOLDER = "parts"
"""Where strips lie among the objects of a job."""


def drop_unfinished(objects: Objects, job_id: str) -> None:
    """Remove what a job that did not succeed has stored besides its image; the rest goes with the job later."""
    with suppress(UnavailableError):
        objects.delete_below(key(job_id, FOLDER))
        for name in (DISPLAY, PROBABILITIES, RESULT):
            objects.delete(key(job_id, name))


class Parts:
    """Strips of one job: a store for the engine, see `suelo.segmentation.keeping`.

    A thread puts a strip away while the network is busy with the next one. Strips that cannot be stored are only a
    loss if the job is interrupted, so the job goes on.
    """

    def __init__(self, objects: Objects, job_id: str) -> None:
        """Keep strips of a job."""
        self._objects = objects
        self._folder = key(job_id, FOLDER)
        self._job_id = job_id
        self._fingerprint = ""
        self._background = Background("suelo-parts")
        self._whole = True
        self.kept = range(0)

    def open(self, fingerprint: str) -> Self:
        """Look for strips that were made in the way that a fingerprint stands for."""
        self._fingerprint = fingerprint
        count = 0
        while self._objects.size(self._name(count)) is not None:
            count += 1
        if count:
            _log.info("Job %s goes on after %d strips", self._job_id, count)
        self.kept = range(count)
        return self

    def load(self, index: int) -> KeptStrip:
        """A strip that an earlier run stored."""
        return KeptStrip.from_bytes(self._objects.fetch(self._name(index)))

    def save(self, index: int, strip: KeptStrip) -> None:
        """Store a strip, in the background."""
        self._settle()
        if self._whole:
            self._background.save(self._store, index, strip)

    def clear(self) -> None:
        """Remove all strips: the job is done with."""
        self._settle()
        self._objects.delete_below(self._folder)

    def __enter__(self) -> Self:
        """The strips themselves."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until the last strip is stored."""
        self._settle()
        self._background.close()

    def _store(self, index: int, strip: KeptStrip) -> None:
        self._objects.put(self._name(index), strip.to_bytes())

    def _settle(self) -> None:
        try:
            self._background.settle()
        except (SueloError, OSError) as error:
            _log.warning("Progress of job %s is not kept from here on: %s", self._job_id, error)
            self._whole = False

    def _name(self, index: int) -> str:
        return f"{self._folder}/{self._fingerprint}-{index:05d}.npy"
