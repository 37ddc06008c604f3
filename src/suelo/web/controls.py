"""The class switches and thresholds beside the map."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from suelo.landcover import CLASSES, LandCover
from suelo.segmentation.selection import Selection
from suelo.web import formats, ids
from suelo.web.attributes import dashed
from suelo.web.language import class_name
from suelo.web.tables import swatch
from suelo.web.texts import Texts

LOWEST_THRESHOLD = 0.05
HIGHEST_THRESHOLD = 0.95


def class_controls(selection: Selection, texts: Texts) -> Component:
    """One row per class: switch, colour, name, threshold, and room for objects and hectares.

    Args:
        selection: What is shown when the page opens.
        texts: Texts of the reader's language.
    """
    rows = [_class_row(c, selection, texts) for c in CLASSES]
    return html.Section(
        [_head(texts), _all_row(selection, texts), html.Ul(rows, className="class-rows")],
        className="classes",
        **dashed(aria_label=texts("classes.title")),
    )


def _head(texts: Texts) -> Component:
    return html.Div(
        [
            html.Span(texts("classes.class"), className="class-name"),
            html.Span(texts("classes.threshold"), className="class-threshold"),
            html.Span(texts("classes.objects"), className="class-number"),
            html.Span(texts("classes.hectares"), className="class-number"),
        ],
        className="class-row class-head",
        **dashed(aria_hidden="true"),
    )


def _all_row(selection: Selection, texts: Texts) -> Component:
    shown = len(selection.class_ids)
    mean = sum(selection.thresholds) / len(selection.thresholds)
    return html.Div(
        [
            html.Div(
                dmc.Checkbox(
                    id=ids.ALL_ON,
                    label=texts("classes.all"),
                    checked=shown == len(CLASSES),
                    indeterminate=0 < shown < len(CLASSES),
                    size="xs",
                ),
                className="class-name",
            ),
            html.Div(
                [
                    _slider(ids.ALL_THRESHOLD, mean, texts("classes.threshold_all")),
                    html.Span("", id=ids.ALL_THRESHOLD_TEXT, className="threshold-text"),
                ],
                className="class-threshold",
            ),
            dmc.Button(
                texts("classes.reset"),
                id=ids.RESET,
                size="compact-xs",
                variant="subtle",
                className="class-reset",
                **dashed(aria_label=texts("classes.reset_label")),
            ),
        ],
        className="class-row class-all",
    )


def _class_row(land_cover: LandCover, selection: Selection, texts: Texts) -> Component:
    key, name = land_cover.key, class_name(land_cover, texts.language)
    threshold = selection.thresholds[land_cover.id - 1]
    return html.Li(
        [
            html.Div(
                [
                    dmc.Checkbox(
                        id=ids.per_class("on", key),
                        label=html.Span([swatch(land_cover.hex_colour), name], className="class-label"),
                        checked=land_cover.id in selection.class_ids,
                        size="xs",
                        **dashed(aria_label=texts("classes.show", name=name)),
                    ),
                    html.Button(
                        texts("classes.only"),
                        id=ids.per_class("only", key),
                        className="only",
                        type="button",
                        **dashed(aria_label=texts("classes.only_label", name=name)),
                    ),
                ],
                className="class-name",
            ),
            html.Div(
                [
                    _slider(
                        ids.per_class("threshold", key),
                        threshold,
                        texts("classes.threshold_of", name=name),
                    ),
                    html.Span(
                        formats.threshold(threshold, texts.language),
                        id=ids.per_class("threshold-text", key),
                        className="threshold-text",
                    ),
                ],
                className="class-threshold",
            ),
            html.Span("–", id=ids.per_class("objects", key), className="class-number"),
            html.Span("–", id=ids.per_class("hectares", key), className="class-number"),
        ],
        id=ids.per_class("row", key),
        className="class-row",
    )


def _slider(control_id: str | dict[str, str], value: float, label: str) -> Component:
    slider: Component = dmc.Slider(
        id=control_id,
        value=value,
        min=LOWEST_THRESHOLD,
        max=HIGHEST_THRESHOLD,
        step=0.01,
        precision=2,
        size="xs",
        thumbSize=14,
        thumbLabel=label,
        label={"function": "sueloThreshold"},
        className="threshold",
    )
    return slider
