"""The page of one result: running, ended badly, or done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from suelo.jobs.job import Job
from suelo.landcover import CLASS_KEYS
from suelo.model.contract import ModelContract
from suelo.web import ids, links
from suelo.web.attributes import dashed
from suelo.web.language import job_name
from suelo.web.mapview import Basemap, map_frame
from suelo.web.panel import Shown, panel
from suelo.web.shell import header, message
from suelo.web.texts import Texts

POLL_MS = 1000
"""How often the page of an unfinished job asks for news."""


@dataclass(frozen=True)
class Finished:
    """What the page of a finished job shows besides the job.

    Attributes:
        map: Bounds and zoom levels as the API's `map` address gives them.
        contract: Contract of the model that made it, or None if that model is not here any more.
        shown: What is shown when the page opens.
        fixed_query: The part of its query that the page has no controls for.
        basemap: Background map.
    """

    map: dict[str, Any]
    contract: ModelContract | None
    shown: Shown
    fixed_query: str
    basemap: Basemap


def finished_page(job: Job, about: Finished, texts: Texts, signed: bool = False) -> list[Component]:
    """Content for a job that succeeded; `signed` says that the reader has signed in."""
    model = {
        "keys": list(CLASS_KEYS),
        "thresholds": list(job.model_thresholds),
        "fixed": about.fixed_query,
        "mixed": texts("classes.mixed"),
    }
    return [
        header(texts, job_name(job, texts), signed),
        html.Main(
            [
                map_frame(job, about.map, about.shown.query, about.basemap, texts),
                panel(job, about.contract, about.shown, texts),
            ],
            id="main",
            className="result",
        ),
        dcc.Store(id=ids.JOB, data=links.job_path(job.id)),
        dcc.Store(id=ids.MODEL, data=model),
        dcc.Store(id=ids.QUERY),
    ]


def unfinished_page(job: Job, texts: Texts, signed: bool = False) -> list[Component]:
    """Content for a job that waits or runs; `signed` says that the reader has signed in."""
    return [
        header(texts, job_name(job, texts), signed),
        html.Main(
            html.Div(
                [
                    html.Div(job_progress(job, texts), id=ids.JOB_PROGRESS),
                    html.P(texts("job.leave"), className="hint"),
                    html.Button(
                        texts("job.cancel"), type="button", className="button secondary", **dashed(data_cancel=job.id)
                    ),
                ],
                className="message",
            ),
            id="main",
            className="narrow",
        ),
        dcc.Interval(id=ids.JOB_POLL, interval=POLL_MS),
    ]


def job_progress(job: Job, texts: Texts) -> list[Component]:
    """How far an unfinished job is."""
    stage = f"stage.{job.stage}" if texts.has(f"stage.{job.stage}") else "stage.waiting"
    percent = int(job.progress * 100)
    said = texts("job.progress", percent=percent)
    return [
        html.H2(texts(stage), role="status"),
        html.Progress(value=str(percent), max="100", className="big-progress", **dashed(aria_label=said)),
        html.P(said, className="percent"),
    ]


def ended_page(job: Job, texts: Texts, signed: bool = False) -> list[Component]:
    """Content for a job that failed or was cancelled: why, and what to do; `signed` as for the others."""
    help_key = f"job.{job.status}_help"
    paragraphs = [texts("job.reason", reason=job.message)] if job.status == "failed" and job.message else []
    return [
        header(texts, job_name(job, texts), signed),
        message(texts(f"job.{job.status}"), [*paragraphs, texts(help_key)], texts("job.another")),
    ]
