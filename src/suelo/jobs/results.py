"""What finished jobs hold: numbers per class, files, tiles and single pixels, for any selection."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from suelo.errors import ConflictError, InputError, NotFoundError
from suelo.imagery.display import write_display
from suelo.imagery.geotiff import crs_of
from suelo.imagery.grid import Grid
from suelo.imagery.scene import open_scene
from suelo.jobs import objects as names
from suelo.jobs.cache import FileCache
from suelo.jobs.geometry import MapGeometry
from suelo.jobs.job import Job
from suelo.jobs.objects import Objects, key
from suelo.jobs.points import Point, look_at
from suelo.jobs.rasters import OpenRasters
from suelo.jobs.recent import Recent
from suelo.jobs.records import Records
from suelo.jobs.runner import CHIP_PIXELS
from suelo.jobs.tiles import CLASSES_LAYER, make_tile
from suelo.landcover import CLASSES, LandCover
from suelo.segmentation.components import Totals
from suelo.segmentation.polygons import Polygons, polygonise
from suelo.segmentation.raster import ArrayProbabilities, Probabilities, opened
from suelo.segmentation.result import describe_selection
from suelo.segmentation.selection import Selection
from suelo.segmentation.summary import ClassSummary, summarise_class, summary_of, valid_area_m2

_KEPT_CHIPS = 16
"""So many probability rasters of up to `CHIP_PIXELS` pixels, 10 bytes each, are kept in memory for a while."""
_OPEN_RASTERS = 32
"""So many raster files stay open between uses."""
TRUSTED_S = 5.0
"""After so many seconds the records are asked again whether a job is still there: any process may delete it."""

RASTERS = {"probabilities": names.PROBABILITIES, "display": names.DISPLAY}
"""Rasters of a finished job, by name."""


class Results:
    """Finished jobs. Safe to use from several threads."""

    def __init__(self, records: Records, objects: Objects, cache: FileCache) -> None:
        """Read records and objects, and keep exports in a cache."""
        self._records = records
        self._objects = objects
        self._cache = cache
        self._rasters = OpenRasters(_OPEN_RASTERS)
        self._jobs: Recent[Job] = Recent(1024, TRUSTED_S)
        self._summaries: Recent[ClassSummary] = Recent(4096)
        self._valid_m2: Recent[float] = Recent(512)
        self._chips: Recent[Probabilities] = Recent(_KEPT_CHIPS)
        self._descriptions: Recent[dict[str, Any]] = Recent(128)
        self._places: Recent[MapGeometry] = Recent(128)

    def note(self, job: Job) -> None:
        """Take note of a job as it is in the records, which saves asking them for one that has succeeded."""
        if job.status == "succeeded":
            self._jobs.put(job.id, None, job)

    def keep_chip(self, job_id: str, probabilities: Probabilities) -> None:
        """Keep the probabilities of a chip in memory for a while, which saves reading them from its file."""
        self._chips.put(job_id, None, probabilities)

    def finished(self, job_id: str) -> Job:
        """A job that has a result.

        Raises:
            NotFoundError: There is no such job.
            ConflictError: It has no result (yet).
        """
        known = self._jobs.peek(job_id)
        if known is not None:
            return known
        try:
            job = self._records.get(job_id)
        except NotFoundError:
            if job_id in self._jobs:  # another process deleted it
                self.forget(job_id)
            raise
        if job.status == "failed":
            raise ConflictError(f"This job failed and has no result: {job.message}")
        if job.status != "succeeded":
            raise ConflictError(f"This job is {job.status}; it has no result{'' if job.finished else ' yet'}.")
        # It can only be deleted now, and a map asks for dozens of its tiles at once.
        self.note(job)
        return job

    def raster(self, job_id: str, name: str) -> str:
        """What rasterio opens for a raster of a job, "probabilities" or "display".

        Raises:
            NotFoundError: There is no such job.
            ConflictError: It has no result (yet).
        """
        return self._raster(self.finished(job_id), name)

    def _raster(self, job: Job, name: str) -> str:
        place = key(job.id, RASTERS[name])
        try:
            return str(self._objects.local(place))
        except NotFoundError:
            if name != "display" or job.width * job.height > CHIP_PIXELS:
                raise
        # Few of the chips that programs send are ever looked at.
        return str(self._cache.get(place, lambda path: self._make_display(job, path)))

    def _make_display(self, job: Job, path: Path) -> None:
        assert job.statistics is not None
        with open_scene(self._objects.local(key(job.id, names.INPUT)), gsd_m=job.options.gsd_m) as scene:
            write_display(scene, path, job.statistics)

    def summary(self, job_id: str, selection: Selection) -> Sequence[ClassSummary]:
        """Numbers of all ten classes; only those whose threshold or smallest area is new are worked out."""
        with self.probabilities(job_id) as raster:
            return [self._class_summary(job_id, raster, selection, c) for c in CLASSES]

    def outlines(self, job_id: str, selection: Selection) -> tuple[Sequence[ClassSummary], Sequence[Polygons]]:
        """What `summary` says, and the polygons of the classes that are switched on, from one search for both."""
        with self.probabilities(job_id) as raster:
            totals = {c.id: Totals() for c in selection.classes}
            batches = list(polygonise(raster, selection, totals))
            valid_m2 = self._valid_area(job_id, raster)
            for c in selection.classes:
                row = summary_of(totals[c.id], selection, c, valid_m2)
                self._summaries.put(job_id, _summary_key(selection, c), row)
            return self.summary(job_id, selection), batches

    def _class_summary(self, job_id: str, raster: Probabilities, selection: Selection, c: LandCover) -> ClassSummary:
        known = self._summaries.get(
            job_id,
            _summary_key(selection, c),
            lambda: (
                self._stored_summary(job_id, selection, c)
                or summarise_class(raster, selection, c, self._valid_area(job_id, raster))
            ),
        )
        # Thresholds that fall between the same two stored values give the same objects.
        return replace(known, threshold=selection.thresholds[c.id - 1])

    def _stored_summary(self, job_id: str, selection: Selection, c: LandCover) -> ClassSummary | None:
        """Numbers that were worked out when the job ran, if they are those asked for."""
        stored = self._descriptions.get(job_id, None, lambda: self._read_description(job_id))
        if "classes" not in stored:
            return None
        row = ClassSummary(**stored["classes"][c.id - 1])
        then = selection.with_thresholds({c.key: row.threshold})
        same_area = stored["selection"]["min_area_m2"][c.key] == selection.min_area_m2[c.id - 1]
        return row if same_area and then.level(c) == selection.level(c) else None

    def _read_description(self, job_id: str) -> dict[str, Any]:
        stored: dict[str, Any] = json.loads(self._objects.read(key(job_id, names.RESULT)))
        return stored

    def _valid_area(self, job_id: str, raster: Probabilities) -> float:
        return self._valid_m2.get(job_id, None, lambda: valid_area_m2(raster))

    @contextmanager
    def probabilities(self, job_id: str) -> Iterator[Probabilities]:
        """The probabilities of a job, to be read from; those of a chip stay in memory for a while."""
        path = self.raster(job_id, "probabilities")
        chip = self._chips.peek(job_id)
        if chip is not None:
            yield chip
            return
        with opened(path) as raster:
            if raster.grid.height * raster.grid.width > CHIP_PIXELS:
                yield raster
                return
            chip = ArrayProbabilities(raster.read_all(), raster.grid)
        self.keep_chip(job_id, chip)
        yield chip

    def export(self, job_id: str, selection: Selection, fmt: str) -> Path:
        """A file with exactly what a selection shows.

        Args:
            job_id: A finished job.
            selection: What is shown.
            fmt: One of `suelo.segmentation.exports.FORMATS`, or "json" for the description of the result.

        Raises:
            InputError: There is no such format.
        """
        from suelo.segmentation.exports import FORMATS

        job = self.finished(job_id)
        if fmt not in (*FORMATS, "json"):
            raise InputError(f"There is no format {fmt!r}; the formats are {', '.join(FORMATS)} and json.")
        name = f"jobs/{job_id}/{digest(selection)}.{fmt}"
        return self._cache.get(name, lambda path: self._make(job, selection, fmt, path))

    def _make(self, job: Job, selection: Selection, fmt: str, path: Path) -> None:
        if fmt == "json":
            path.write_text(json.dumps(self.describe(job, selection), indent=2, ensure_ascii=False), encoding="utf-8")
            return
        from suelo.segmentation.exports import export
        from suelo.segmentation.vectors import date_gpkg

        export(
            self.raster(job.id, "probabilities"),
            selection,
            fmt,
            path,
            name=job.name,
            image=self.raster(job.id, "display") if fmt == "png" else None,
        )
        if fmt == "gpkg" and job.finished_at is not None:
            # Its tag says that it is the same file whenever it is made.
            date_gpkg(path, job.finished_at)

    def describe(self, job: Job, selection: Selection) -> dict[str, Any]:
        """How a result was made, what is shown of it, and its numbers."""
        return {
            **self._read_description(job.id),
            "selection": describe_selection(selection),
            "classes": [row.to_dict() for row in self.summary(job.id, selection)],
        }

    def place(self, job_id: str) -> MapGeometry:
        """Where a result lies on a map."""
        return self._place(self.finished(job_id))

    def _place(self, job: Job) -> MapGeometry:
        def look() -> MapGeometry:
            with self._rasters.use(self._raster(job, "display")) as dataset:
                return MapGeometry(Grid(dataset.height, dataset.width, dataset.transform, crs_of(dataset), job.gsd_m))

        return self._places.get(job.id, None, look)

    def tile(self, job_id: str, layer: str, z: int, x: int, y: int, selection: Selection) -> bytes:
        """A map tile as PNG; see `suelo.jobs.tiles.make_tile`."""
        job = self.finished(job_id)
        with self._rasters.use(self._raster(job, "probabilities" if layer == CLASSES_LAYER else "display")) as dataset:
            return make_tile(dataset, self._place(job), layer, z, x, y, selection)

    def point(self, job_id: str, lat: float, lng: float, selection: Selection) -> Point:
        """The classes at a point of the map; see `MapGeometry` for its coordinates.

        Raises:
            NotFoundError: The point is outside the image.
        """
        job = self.finished(job_id)
        pixel = self._place(job).pixel(lat, lng)
        if pixel is None:
            raise NotFoundError("This point is outside the image.")
        with self._rasters.use(self._raster(job, "probabilities")) as dataset:
            return look_at(dataset, self._place(job).grid, *pixel, selection)

    def forget(self, job_id: str) -> None:
        """Remove what was kept of a deleted job."""
        kept: tuple[Recent[Any], ...] = (
            self._jobs,
            self._summaries,
            self._valid_m2,
            self._chips,
            self._descriptions,
            self._places,
        )
        for values in kept:
            values.forget(job_id)
        self._rasters.close(job_id)
        self._cache.drop(f"jobs/{job_id}")

    def tidy(self) -> None:
        """Remove what was kept of jobs that other processes deleted.

        Raises:
            OperationalError: The database is away.
        """
        # Folders are listed before records are asked for: a job that begins in between has its record first.
        kept = self._cache.folders("jobs")
        for job_id in set(kept) - self._records.known(kept):
            self.forget(job_id)

    def close(self) -> None:
        """Close files that were kept open."""
        self._rasters.close()


def _summary_key(selection: Selection, c: LandCover) -> tuple[int, int, float]:
    return c.id, selection.level(c), selection.min_area_m2[c.id - 1]


def digest(selection: Selection) -> str:
    """A short name that is equal for selections that show the same."""
    levels = [selection.level(c) for c in CLASSES]
    # The thresholds themselves stand in tables, so they count too.
    text = repr((levels, selection.thresholds, selection.class_ids, selection.min_area_m2, selection.simplify_m))
    return hashlib.sha256(text.encode()).hexdigest()[:24]
