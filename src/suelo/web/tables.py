"""The table of what is shown: the same numbers as the chart and the CSV file."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from suelo.landcover import CLASSES
from suelo.segmentation.summary import ClassSummary
from suelo.web import formats
from suelo.web.attributes import dashed
from suelo.web.language import class_name
from suelo.web.texts import Texts

_COLUMNS = ("class", "threshold", "objects", "hectares", "share", "mean")


def class_table(rows: Sequence[ClassSummary], query: str, texts: Texts) -> Component:
    """An HTML table with a caption, one row per class.

    Args:
        rows: Classes that are switched on, in the order of the legend.
        query: Selection query that the numbers belong to; it stays with the table as `data-query`.
        texts: Texts of the reader's language.
    """
    head = html.Tr([html.Th(texts(f"classes.{column}"), scope="col") for column in _COLUMNS])
    return html.Table(
        [html.Caption(texts("table.caption")), html.Thead(head), html.Tbody([_row(row, texts) for row in rows])],
        className="numbers",
        **dashed(data_query=query),
    )


def _row(row: ClassSummary, texts: Texts) -> Component:
    language = texts.language
    cells = (
        formats.threshold(row.threshold, language),
        formats.number(row.polygons, 0, language),
        formats.exact_hectares(row.area_m2, language),
        formats.percent(row.area_share, language),
        "–" if row.mean_probability is None else formats.number(row.mean_probability, 2, language),
    )
    land_cover = CLASSES[row.class_id - 1]
    name = html.Th([swatch(land_cover.hex_colour), class_name(land_cover, language)], scope="row")
    return html.Tr([name, *(html.Td(cell) for cell in cells)], **dashed(data_class=row.key))


def swatch(colour: str) -> Component:
    """A small square in the colour of a class; screen readers skip it, the name stands beside it."""
    return html.Span(className="swatch", style={"backgroundColor": colour}, **dashed(aria_hidden="true"))
