"""What each address shows, from the job service: the page's only way to jobs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import rasterio
from dash.development.base_component import Component

from suelo.api.query import selection_from_query, selection_to_query
from suelo.errors import InputError, NotFoundError
from suelo.imagery.display import render
from suelo.jobs.job import Job
from suelo.jobs.png import encode_png
from suelo.jobs.service import JobService
from suelo.jobs.uploads import LARGE_BYTES
from suelo.model.contract import ModelContract
from suelo.segmentation.selection import Selection
from suelo.web import formats
from suelo.web.charts import Measure, bar_chart
from suelo.web.home import home_page
from suelo.web.mapview import Basemap
from suelo.web.panel import Shown
from suelo.web.result import Finished, ended_page, finished_page, unfinished_page
from suelo.web.shell import missing
from suelo.web.smallest import unusual
from suelo.web.tables import class_table
from suelo.web.texts import Texts

THUMBNAIL = 128
"""Longest side of a thumbnail in pixels."""

_RESULT = re.compile(r"/results/([0-9A-Za-z_-]{1,64})/?")


class Views:
    """Content of the pages.

    Attributes:
        basemap: Background map that is offered for georeferenced results.
        signed: True if readers sign in with tokens.
    """

    def __init__(self, service: JobService, owner: Callable[[], str]) -> None:
        """Use a job service.

        Args:
            service: Where jobs are.
            owner: Tells who asks; called during a request.
        """
        self._service = service
        self._owner = owner
        self.basemap = Basemap(service.settings.basemap_url, service.settings.basemap_attribution)
        self.signed = service.settings.auth == "token"

    def job_at(self, path: str) -> Job | None:
        """The job that an address is about; None if it is about none or the job is gone."""
        match = _RESULT.fullmatch(path)
        if match is None:
            return None
        try:
            return self._service.get(match[1])
        except NotFoundError:
            return None

    def exists(self, path: str) -> bool:
        """Whether there is something at an address."""
        return path == "/" or self.job_at(path) is not None

    def jobs(self, limit: int) -> Sequence[Job]:
        """Newest jobs of who asks, and the shared samples."""
        return self._service.list(self._owner(), limit)

    def content(self, path: str, search: str, texts: Texts) -> list[Component]:
        """What stands at an address.

        Args:
            path: Path of the address.
            search: Query of the address, with its question mark.
            texts: Texts of the reader's language.
        """
        if path == "/":
            return home_page(texts, self.signed, LARGE_BYTES if self._service.settings.presign else None)
        job = self.job_at(path)
        if job is None:
            return missing(texts, self.signed)
        if not job.finished:
            return unfinished_page(job, texts, self.signed)
        if job.status != "succeeded":
            return ended_page(job, texts, self.signed)
        return finished_page(job, self._finished(job, search, texts), texts, self.signed)

    def numbers(self, path: str, query: str, measure: Measure, texts: Texts) -> tuple[Any, ...]:
        """Figure, table, and objects and hectares per class, for what is shown.

        Raises:
            NotFoundError: The job is gone.
            InputError: The query is none.
        """
        job = self.job_at(path)
        if job is None:
            raise NotFoundError("There is no such result; it may have been deleted.")
        selection = selection_from_query(query, default_selection(job))
        rows = self._service.results.summary(job.id, selection)
        shown = [row for row in rows if row.class_id in selection.class_ids]
        return (
            bar_chart(shown, measure, texts),
            class_table(shown, query, texts),
            [formats.number(row.polygons, 0, texts.language) for row in rows],
            [formats.hectares(row.area_m2, texts.language) for row in rows],
        )

    def thumbnail(self, job_id: str) -> bytes:
        """A small picture of the image of a finished job, as PNG.

        Raises:
            NotFoundError: There is no such job.
            ConflictError: It has no result (yet).
        """
        with rasterio.open(self._service.results.raster(job_id, "display")) as dataset:
            shrink = max(1.0, max(dataset.shape) / THUMBNAIL)
            shape = tuple(max(1, round(side / shrink)) for side in dataset.shape)
            display = dataset.read(out_shape=(dataset.count, *shape))
        return encode_png(np.moveaxis(render(display, "true-colour"), 0, -1))

    def _finished(self, job: Job, search: str, texts: Texts) -> Finished:
        default = default_selection(job)
        selection, complaint = default, ""
        try:
            selection = selection_from_query(search.removeprefix("?"), default)
        except InputError as error:  # the address may have been mangled on its way here
            complaint = str(error)
        return Finished(
            map=self._service.results.place(job.id).to_json(),
            contract=self._contract(job),
            shown=Shown(
                selection, selection_to_query(selection, default), unusual(selection, default, texts), complaint
            ),
            fixed_query=selection_to_query(
                replace(default, min_area_m2=selection.min_area_m2, simplify_m=selection.simplify_m), default
            ),
            basemap=self.basemap,
        )

    def _contract(self, job: Job) -> ModelContract | None:
        model = self._service.model
        return model.contract if model.sha256 == job.model_sha256 else None


def default_selection(job: Job) -> Selection:
    """What is shown of a job unless the reader says otherwise: all classes at its model's thresholds."""
    return Selection(job.model_thresholds)
