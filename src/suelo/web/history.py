"""The list of results on the first page."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from suelo.jobs.job import Job
from suelo.web import formats, links
from suelo.web.attributes import dashed
from suelo.web.language import job_name
from suelo.web.texts import Texts


def result_list(jobs: Sequence[Job], texts: Texts) -> Component:
    """Results as a list, in the order given; a sentence if there is none."""
    if not jobs:
        return html.P(texts("home.empty"), className="empty")
    return html.Ul([_item(job, texts) for job in jobs], className="result-list")


def _item(job: Job, texts: Texts) -> Component:
    opening = html.A(
        [_picture(job), html.Div([html.Span(_name(job, texts), className="result-title"), _facts(job, texts)])],
        href=links.result_path(job.id),
        className="result-link",
        **dashed(aria_label=texts("row.open_name", name=job_name(job, texts))),
    )
    return html.Li(
        [opening, _state(job, texts), _action(job, texts)], className="result-item", **dashed(data_job=job.id)
    )


def _name(job: Job, texts: Texts) -> list[Component | str]:
    name = job_name(job, texts)
    return [name, html.Span(texts("row.sample"), className="badge")] if job.shared else [name]


def _picture(job: Job) -> Component:
    if job.status != "succeeded":
        return html.Span(className="thumbnail none", **dashed(aria_hidden="true"))
    return html.Img(src=links.thumbnail_path(job.id), alt="", className="thumbnail")


def _facts(job: Job, texts: Texts) -> Component:
    size = texts("about.pixels", width=job.width, height=job.height)
    return html.Span(
        [
            html.Time(formats.utc_time(job.created_at), dateTime=formats.iso_time(job.created_at), className="local"),
            f" · {size} · {formats.metres(job.gsd_m, texts.language)}",
        ],
        className="hint",
    )


def _state(job: Job, texts: Texts) -> Component:
    status = html.Span(texts(f"status.{job.status}"), className=f"status {job.status}")
    if job.status == "running":
        percent = int(job.progress * 100)
        bar = html.Progress(value=str(percent), max="100", **dashed(aria_label=texts("job.progress", percent=percent)))
        return html.Div([status, bar], className="state")
    if job.status == "failed":
        return html.Div(
            [status, html.Span(texts("job.reason", reason=job.message), className="hint")], className="state"
        )
    return html.Div(status, className="state")


def _action(job: Job, texts: Texts) -> Component:
    if job.shared:
        return html.Span()
    if not job.finished:
        return html.Button(
            texts("job.cancel"),
            type="button",
            className="quiet-button",
            disabled=job.cancel_requested,
            **dashed(data_cancel=job.id, aria_label=texts("upload.cancel_file", name=job.name)),
        )
    return html.Button(
        texts("row.delete"),
        type="button",
        className="quiet-button",
        **dashed(data_delete=job.id, data_name=job.name, aria_label=texts("row.delete_name", name=job.name)),
    )
