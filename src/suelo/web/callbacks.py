"""What happens on the page: which content an address has, news of jobs, and numbers that follow the selection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dash_leaflet as dl
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, no_update
from dash.development.base_component import Component
from flask import request

from suelo.web import ids
from suelo.web.charts import Measure
from suelo.web.history import result_list
from suelo.web.home import PAGE
from suelo.web.language import language_of
from suelo.web.result import job_progress
from suelo.web.texts import Texts
from suelo.web.views import Views


def register_callbacks(app: Dash, views: Views) -> None:
    """Connect the parts of the page.

    Args:
        app: The Dash application.
        views: Content of the pages.
    """
    _register_pages(app, views)
    _register_results(app, views)
    _register_numbers(app, views)
    _register_selection(app)
    _register_map(app, views)


def _in_browser(app: Dash) -> Callable[..., None]:
    """How functions of the page's scripts are connected; Dash has no types for it."""
    connect: Callable[..., None] = app.clientside_callback
    return connect


def _texts() -> Texts:
    return Texts(language_of(request))


def _register_pages(app: Dash, views: Views) -> None:
    @app.callback(Output(ids.CONTENT, "children"), Input(ids.LOCATION, "pathname"), State(ids.LOCATION, "search"))
    def content(path: str, search: str | None) -> list[Component]:
        return views.content(path, search or "", _texts())

    # The content comes as an output: parts that `set_props` brings would not call their own callbacks.
    @app.callback(
        Output(ids.JOB_PROGRESS, "children"),
        Output(ids.CONTENT, "children", allow_duplicate=True),
        Input(ids.JOB_POLL, "n_intervals"),
        State(ids.LOCATION, "pathname"),
        State(ids.LOCATION, "search"),
        prevent_initial_call=True,
    )
    def progress(_ticks: int, path: str, search: str | None) -> tuple[Any, Any]:
        job = views.job_at(path)
        if job is not None and not job.finished:
            return job_progress(job, _texts()), no_update
        return no_update, views.content(path, search or "", _texts())


def _register_results(app: Dash, views: Views) -> None:
    @app.callback(
        Output(ids.RESULTS, "children"),
        Output(ids.RESULTS_POLL, "disabled"),
        Output(ids.RESULTS_OLDER, "hidden"),
        Input(ids.RESULTS_REFRESH, "data"),
        Input(ids.RESULTS_POLL, "n_intervals"),
        Input(ids.RESULTS_OLDER, "n_clicks"),
    )
    def results(_refresh: int, _ticks: int | None, pages: int | None) -> tuple[Component, bool, bool]:
        wanted = PAGE * (1 + (pages or 0))
        jobs = views.jobs(wanted + 1)
        shown = jobs[:wanted]
        return result_list(shown, _texts()), all(job.finished for job in shown), len(jobs) <= wanted


def _register_numbers(app: Dash, views: Views) -> None:
    @app.callback(
        Output(ids.CHART, "figure"),
        Output(ids.TABLE, "children"),
        Output(ids.per_class("objects", ALL), "children"),
        Output(ids.per_class("hectares", ALL), "children"),
        Input(ids.QUERY, "data"),
        Input(ids.MEASURE, "value"),
        State(ids.LOCATION, "pathname"),
        running=[(Output(ids.NUMBERS, "className"), "panel busy", "panel")],
        prevent_initial_call=True,
    )
    def numbers(query: str | None, measure: Measure, path: str) -> tuple[Any, ...]:
        return views.numbers(path, query or "", measure, _texts())


def _register_selection(app: Dash) -> None:
    _in_browser(app)(
        ClientsideFunction("suelo", "update"),
        Output(ids.ALL_THRESHOLD, "value"),
        Output(ids.ALL_THRESHOLD_TEXT, "children"),
        Output(ids.ALL_ON, "checked"),
        Output(ids.ALL_ON, "indeterminate"),
        Output(ids.per_class("threshold", ALL), "value"),
        Output(ids.per_class("threshold-text", ALL), "children"),
        Output(ids.per_class("on", ALL), "checked"),
        Output(ids.per_class("row", ALL), "className"),
        Output(ids.QUERY, "data"),
        Input(ids.ALL_THRESHOLD, "value"),
        Input(ids.ALL_ON, "checked"),
        Input(ids.per_class("threshold", ALL), "value"),
        Input(ids.per_class("on", ALL), "checked"),
        Input(ids.per_class("only", ALL), "n_clicks"),
        Input(ids.RESET, "n_clicks"),
        State(ids.MODEL, "data"),
    )
    _in_browser(app)(
        ClientsideFunction("suelo", "follow"),
        Output(ids.CLASSES_LAYER, "url"),
        Output(ids.any_download(), "href"),
        Input(ids.QUERY, "data"),
        State(ids.any_download(), "id"),
        State(ids.JOB, "data"),
        prevent_initial_call=True,
    )


def _register_map(app: Dash, views: Views) -> None:
    _in_browser(app)(
        ClientsideFunction("suelo", "composite"),
        Output(ids.IMAGE_LAYER, "url"),
        Input(ids.COMPOSITE, "value"),
        State(ids.JOB, "data"),
        prevent_initial_call=True,
    )
    _in_browser(app)(
        ClientsideFunction("suelo", "opacity"),
        Output(ids.CLASSES_LAYER, "opacity"),
        Input(ids.OPACITY, "value"),
        prevent_initial_call=True,
    )

    @app.callback(Output(ids.BASEMAP_LAYER, "children"), Input(ids.BASEMAP, "checked"), prevent_initial_call=True)
    def basemap(wanted: bool) -> list[Component]:
        # The layer exists only while it is wanted, so that nothing is asked of another host before.
        if not wanted:
            return []
        return [
            dl.TileLayer(
                url=views.basemap.url, attribution=views.basemap.attribution, zIndex=1, maxZoom=24, maxNativeZoom=19
            )
        ]
