"""What a result is made of, and how far it can be trusted."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from suelo.jobs.job import Job
from suelo.landcover import CLASSES
from suelo.model.contract import Metrics, ModelContract
from suelo.segmentation.selection import Selection
from suelo.web import formats
from suelo.web.attributes import dashed
from suelo.web.language import class_name, job_name
from suelo.web.smallest import smallest_objects
from suelo.web.tables import swatch
from suelo.web.texts import Texts


def about(job: Job, contract: ModelContract | None, selection: Selection, texts: Texts) -> Component:
    """Facts of the image and the model, and a note on trust.

    Args:
        job: A finished job.
        contract: Contract of the model that made it, or None if that model is not here any more.
        selection: What is shown.
        texts: Texts of the reader's language.
    """
    return html.Div(
        [
            html.P(texts("classes.help")),
            html.P(smallest_objects(selection, texts)),
            html.H3(texts("about.image")),
            _facts(_image_facts(job, texts)),
            html.H3(texts("about.model")),
            _facts([(texts("about.name"), job.model_name)]),
            html.H3(texts("about.trust")),
            *trust(contract, texts),
        ],
        className="about",
    )


def _image_facts(job: Job, texts: Texts) -> list[tuple[str, Component | str]]:
    moment = job.finished_at or job.created_at
    date = html.Time(formats.utc_time(moment), dateTime=formats.iso_time(moment), className="local")
    return [
        (texts("about.name"), job_name(job, texts)),
        (texts("about.size"), texts("about.pixels", width=job.width, height=job.height)),
        (texts("about.gsd"), formats.metres(job.gsd_m, texts.language)),
        (texts("about.crs"), job.crs if job.georeferenced else texts("about.no_crs")),
        (texts("about.date"), date),
    ]


def _facts(pairs: list[tuple[str, Component | str]]) -> Component:
    return html.Dl([part for name, value in pairs for part in (html.Dt(name), html.Dd(value))], className="facts")


def trust(contract: ModelContract | None, texts: Texts) -> list[Component]:
    """How good the model is, from its own contract, and what that does not cover."""
    advice = html.P(texts("about.trust_advice"))
    if contract is None:
        return [html.P(texts("about.other_model")), advice]
    link = html.P(html.A(texts("about.contract"), href="/v1/model"))
    metrics = contract.metrics
    if metrics is None or metrics.mean_jaccard is None:
        return [html.P(texts("about.trust_none")), advice, link]
    mean = formats.percent(metrics.mean_jaccard, texts.language)
    return [
        html.P(texts("about.trust_mean", mean=mean)),
        html.Ul([_class_metric(metrics, key, texts) for key in metrics.jaccard], className="metrics"),
        # The model file says it in English.
        html.P([texts("about.measured_on"), " ", html.Span(metrics.measured_on, lang="en")], className="hint"),
        advice,
        link,
    ]


def _class_metric(metrics: Metrics, key: str, texts: Texts) -> Component:
    land_cover = next(c for c in CLASSES if c.key == key)
    value = metrics.jaccard[key]
    shown = texts("about.not_measured") if value is None else formats.percent(value, texts.language)
    bar = html.Span(className="meter", style={"--share": f"{100 * (value or 0):.1f}%"}, **dashed(aria_hidden="true"))
    return html.Li([swatch(land_cover.hex_colour), class_name(land_cover, texts.language), bar, html.Span(shown)])
