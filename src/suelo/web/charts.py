"""The bar chart of what is shown: hectares, objects or share of the image per class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from suelo.landcover import CLASSES
from suelo.segmentation.summary import ClassSummary
from suelo.web import formats
from suelo.web.language import class_name
from suelo.web.texts import Texts

Measure = Literal["hectares", "objects", "share"]
MEASURES: tuple[Measure, ...] = get_args(Measure)

_BAR = 23
_MARGIN = {"l": 8, "r": 8, "t": 4, "b": 38}
_INK = "#24312c"
_QUIET = "#5d6a64"
_GRID = "#e6e9e6"


def measured(row: ClassSummary, measure: Measure) -> float:
    """Length of the bar of a class: hectares, objects, or percent of the image's area with data."""
    if measure == "objects":
        return float(row.polygons)
    return row.area_m2 / 10_000 if measure == "hectares" else row.area_share * 100


def shown_measure(row: ClassSummary, measure: Measure, texts: Texts) -> str:
    """What stands at the end of the bar of a class."""
    if measure == "objects":
        return formats.number(row.polygons, 0, texts.language)
    if measure == "hectares":
        return formats.hectares(row.area_m2, texts.language)
    return formats.percent(row.area_share, texts.language)


def bar_chart(rows: Sequence[ClassSummary], measure: Measure, texts: Texts) -> dict[str, Any]:
    """The figure.

    Args:
        rows: Classes that are switched on, in the order of the legend.
        measure: What the length of a bar says.
        texts: Texts of the reader's language.

    Returns:
        A Plotly figure as plain values: one horizontal bar per class, from the first at the top, in the class colour.
    """
    classes = [CLASSES[row.class_id - 1] for row in rows]
    lengths = [measured(row, measure) for row in rows]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": [class_name(c, texts.language) for c in classes],
        "x": lengths,
        "text": [shown_measure(row, measure, texts) for row in rows],
        "textposition": "outside",
        "textfont": {"color": _INK},
        "cliponaxis": False,
        # Pale classes need an outline on white.
        "marker": {"color": [c.hex_colour for c in classes], "line": {"color": "rgba(20, 30, 25, 0.45)", "width": 1}},
        "width": 0.68,
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }
    # Room at the right for the number of the longest bar.
    longest = max(lengths, default=0.0) * 1.2 or 1.0
    title = texts("chart.share_axis") if measure == "share" else texts(f"chart.{measure}")
    layout = _layout(len(rows), longest, title, texts)
    if not rows:
        layout["annotations"] = [{"text": texts("chart.empty"), "showarrow": False, "font": {"color": _QUIET}}]
    return {"data": [bars], "layout": layout}


def blank_chart(texts: Texts) -> dict[str, Any]:
    """The figure before there are numbers: nothing at all."""
    return {"data": [], "layout": _layout(0, 1.0, "", texts)}


def _layout(count: int, longest: float, title: str, texts: Texts) -> dict[str, Any]:
    return {
        "height": max(count, 2) * _BAR + _MARGIN["t"] + _MARGIN["b"],
        "margin": _MARGIN,
        "showlegend": False,
        "separators": ",." if texts.language == "es" else ".,",
        "font": {"family": "inherit", "size": 12, "color": _INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {
            "visible": count > 0,
            "range": [0, longest],
            "title": {"text": title, "font": {"size": 11, "color": _QUIET}, "standoff": 6},
            "tickfont": {"size": 11, "color": _QUIET},
            "gridcolor": _GRID,
            "zeroline": True,
            "zerolinecolor": "#b9c1bc",
            "nticks": 5,
            "fixedrange": True,
        },
        "yaxis": {
            "visible": count > 0,
            "autorange": "reversed",
            "automargin": True,
            "fixedrange": True,
            "ticks": "outside",
            "ticklen": 4,
            "tickcolor": "rgba(0,0,0,0)",
        },
        "hoverlabel": {"bgcolor": "#ffffff", "bordercolor": "#b9c1bc", "font": {"color": _INK}},
        "uirevision": "constant",
    }
