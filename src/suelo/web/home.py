"""The first page: send images, try the sample, and find earlier results."""

from __future__ import annotations

import json

from dash import dcc, html
from dash.development.base_component import Component

from suelo.imagery.georeference import MAX_GSD_M, MIN_GSD_M
from suelo.imagery.grid import DEFAULT_GSD_M
from suelo.landcover import CLASSES
from suelo.web import formats, ids
from suelo.web.attributes import dashed
from suelo.web.language import class_name
from suelo.web.shell import header
from suelo.web.tables import swatch
from suelo.web.texts import Texts

POLL_MS = 1500
"""How often the list asks for news while something in it is unfinished."""
PAGE = 25
"""Results per page of the list."""


def home_page(texts: Texts, signed: bool = False, digest_above: int | None = None) -> list[Component]:
    """Content of the first page.

    Args:
        texts: Texts of the reader's language.
        signed: True if the reader has signed in.
        digest_above: The API wants to be told the SHA-256 of images of more bytes than these.
    """
    return [
        header(texts, signed=signed),
        html.Main(
            [
                html.Div([html.H1(texts("home.title")), html.P(texts("home.lede"))], className="hero"),
                html.Div(
                    [_upload(texts, digest_above), html.Div([_sample(texts), _legend(texts)], className="side")],
                    className="doors",
                ),
                _results(texts),
                _delete_dialog(texts),
            ],
            id="main",
            className="home",
        ),
    ]


def _upload(texts: Texts, digest_above: int | None) -> Component:
    return html.Section(
        [
            html.Div(
                [
                    html.Img(src="/assets/drop.svg", alt="", width=56, height=56),
                    html.Strong(texts("home.drop"), className="drop-title"),
                    html.Button(texts("home.choose"), id="choose", type="button", className="button"),
                    html.Span(texts("home.formats"), className="hint"),
                ],
                id="drop",
                className="drop",
            ),
            html.Div(
                [
                    html.Label(texts("home.gsd"), htmlFor="gsd"),
                    dcc.Input(
                        id="gsd",
                        type="text",
                        placeholder=formats.number(DEFAULT_GSD_M, 2, texts.language),
                        autoComplete="off",
                        className="gsd",
                    ),
                    html.Span(texts("home.gsd_unit")),
                ],
                className="gsd-row",
            ),
            html.P("", id="upload-error", className="error", role="alert"),
            html.Div(
                [html.H2(texts("upload.uploads")), html.Ul(id="upload-list", className="upload-list")],
                id="uploads",
                hidden=True,
            ),
        ],
        id="upload",
        className="card",
        **dashed(
            data_texts=json.dumps({**texts.section("upload"), "sign_in": texts("sign_in.button")}),
            data_gsd=json.dumps({"least": MIN_GSD_M, "most": MAX_GSD_M}),
            data_digest_above=digest_above,
        ),
    )


def _sample(texts: Texts) -> Component:
    return html.Section(
        [
            html.H2(texts("home.sample")),
            html.P(texts("home.sample_text")),
            html.Button(
                texts("home.sample_button"),
                id="sample",
                type="button",
                className="button secondary",
                **dashed(data_busy=texts("home.sample_busy")),
            ),
        ],
        className="card sample",
    )


def _legend(texts: Texts) -> Component:
    names = [html.Li([swatch(c.hex_colour), class_name(c, texts.language)]) for c in CLASSES]
    return html.Section(
        [html.H2(texts("home.finds")), html.Ul(names, className="legend")], className="card legend-card"
    )


def _results(texts: Texts) -> Component:
    return html.Section(
        [
            html.H2(texts("home.results")),
            html.P(texts("home.results_note"), className="hint"),
            html.Div(id=ids.RESULTS, tabIndex=-1),
            html.Button(
                texts("home.older"), id=ids.RESULTS_OLDER, type="button", className="quiet-button", hidden=True
            ),
            dcc.Store(id=ids.RESULTS_REFRESH, data=0),
            dcc.Interval(id=ids.RESULTS_POLL, interval=POLL_MS, disabled=True),
        ],
        className="past",
    )


def _delete_dialog(texts: Texts) -> Component:
    return html.Dialog(
        [
            html.H2(texts("delete.title"), id="delete-title"),
            html.P("", id="delete-text"),
            html.Div(
                [
                    html.Button(texts("delete.keep"), id="delete-no", type="button", className="button secondary"),
                    html.Button(texts("row.delete"), id="delete-yes", type="button", className="button danger"),
                ],
                className="buttons",
            ),
        ],
        id="delete",
        className="dialog",
        **dashed(aria_labelledby="delete-title", data_text=texts("delete.text")),
    )
