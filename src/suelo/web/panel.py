"""The panel beside the map: classes, then chart, table, downloads and facts in tabs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from suelo.jobs.job import Job
from suelo.model.contract import ModelContract
from suelo.segmentation.selection import Selection
from suelo.web import formats, ids, links
from suelo.web.about import about
from suelo.web.attributes import dashed
from suelo.web.charts import MEASURES, blank_chart
from suelo.web.controls import class_controls
from suelo.web.texts import Texts


@dataclass(frozen=True)
class Shown:
    """What is shown when the page of a result opens.

    Attributes:
        selection: The selection.
        query: The same as a query.
        unusual: What is not as usual in it and has no controls, in sentences.
        complaint: Why the address was not heeded; empty if it was.
    """

    selection: Selection
    query: str
    unusual: Sequence[str] = ()
    complaint: str = ""


def panel(job: Job, contract: ModelContract | None, shown: Shown, texts: Texts) -> Component:
    """The panel of a finished job.

    Args:
        job: The job.
        contract: Contract of the model that made it, or None if that model is not here any more.
        shown: What is shown when the page opens.
        texts: Texts of the reader's language.
    """
    tabs = {
        "chart": _chart(texts),
        "table": html.Div(id=ids.TABLE, className="table-room"),
        "download": _downloads(job, shown.query, texts),
        "about": about(job, contract, shown.selection, texts),
    }
    return html.Aside(
        [
            *_notes(job, shown, texts),
            class_controls(shown.selection, texts),
            dmc.Tabs(
                [
                    dmc.TabsList([dmc.TabsTab(texts(f"tab.{name}"), value=name) for name in tabs]),
                    *(dmc.TabsPanel(content, value=name) for name, content in tabs.items()),
                ],
                value="chart",
                className="tabs",
            ),
        ],
        className="panel",
        id=ids.NUMBERS,
    )


def _notes(job: Job, shown: Shown, texts: Texts) -> list[Component]:
    notes: list[Component] = []
    if not job.georeferenced:
        gsd = formats.metres(job.gsd_m, texts.language)
        notes.append(html.P(texts("classes.no_crs", gsd=gsd), className="note"))
    if shown.complaint:
        notes.append(html.P(texts("classes.mangled", reason=shown.complaint), className="note", role="alert"))
    if shown.unusual:
        said = " ".join([texts("classes.asked"), *shown.unusual])
        button = html.Button(texts("classes.as_usual"), id="as-usual", type="button", className="quiet-button")
        notes.append(html.Div([html.P(said), button], className="note"))
    return notes


def _chart(texts: Texts) -> Component:
    return html.Div(
        [
            dmc.SegmentedControl(
                id=ids.MEASURE,
                data=[{"value": measure, "label": texts(f"chart.{measure}")} for measure in MEASURES],
                value=MEASURES[0],
                size="xs",
                fullWidth=True,
                **dashed(aria_label=texts("chart.measure")),
            ),
            html.Div(
                dcc.Graph(
                    id=ids.CHART,
                    figure=blank_chart(texts),
                    config={"displayModeBar": False, "responsive": True},
                    className="chart",
                ),
                role="img",
                **dashed(aria_label=texts("chart.label")),
            ),
        ]
    )


def _downloads(job: Job, query: str, texts: Texts) -> Component:
    shown = [_download(job, file, query, texts) for file in links.SELECTED_FILES]
    whole = [_download(job, file, "", texts) for file in links.WHOLE_FILES]
    return html.Div(
        [
            html.P(texts("download.intro"), className="hint"),
            html.Ul(shown, className="downloads"),
            html.P(texts("download.whole"), className="hint"),
            html.Ul(whole, className="downloads"),
        ]
    )


_FORMAT_NAMES = {
    "gpkg": "GeoPackage",
    "geojson": "GeoJSON",
    "fgb": "FlatGeobuf",
    "csv": "CSV",
    "xlsx": "Excel",
    "png": "PNG",
    "json": "JSON",
    "tif": "GeoTIFF",
}


def _download(job: Job, file: str, query: str, texts: Texts) -> Component:
    name = _FORMAT_NAMES[file.rpartition(".")[2]]
    named: dict[str, Any] = {"id": ids.download(file)} if file in links.SELECTED_FILES else {}
    link = html.A(
        [html.Strong(name), html.Span(texts(f"download.{file}"))],
        href=links.file_path(job.id, file, query),
        download="",
        **named,
    )
    return html.Li(link)
