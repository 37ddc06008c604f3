"""The map of a result: image and class tiles, and the controls that lie on it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import dash_leaflet as dl
import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from suelo.imagery.display import COMPOSITES
from suelo.jobs.job import Job
from suelo.landcover import CLASSES
from suelo.web import ids, links
from suelo.web.attributes import dashed
from suelo.web.language import class_name
from suelo.web.texts import Texts

OPACITY_PERCENT = 60
"""Opacity of the classes when the page opens."""


@dataclass(frozen=True)
class Basemap:
    """A background map from elsewhere.

    Attributes:
        url: Tile address with {z}, {x} and {y}; empty for none.
        attribution: Credit.
    """

    url: str
    attribution: str


def map_frame(job: Job, about: dict[str, Any], query: str, basemap: Basemap, texts: Texts) -> Component:
    """The map with everything on it.

    Args:
        job: A finished job.
        about: Bounds and zoom levels as the API's `map` address gives them.
        query: Selection query when the page opens.
        basemap: Background map; offered for georeferenced results only.
        texts: Texts of the reader's language.
    """
    offered = bool(basemap.url) and job.georeferenced
    return html.Div(
        [
            _map(job, about, query, basemap if offered else None),
            _toolbar(offered, texts),
            html.Div(html.Span("", id="scale", className="scale-bar"), className="scale"),
            html.Div(id="pointer", className="pointer", hidden=True, role="status"),
        ],
        className="map-frame",
        **dashed(data_map=json.dumps(script_facts(job, about, texts))),
    )


def script_facts(job: Job, about: dict[str, Any], texts: Texts) -> dict[str, Any]:
    """What the map's script needs to know."""
    return {
        "job": links.job_path(job.id),
        "georeferenced": job.georeferenced,
        "bounds": about["bounds"],
        "metres_per_unit": about["metres_per_unit"],
        "classes": {c.key: {"name": class_name(c, texts.language), "colour": c.hex_colour} for c in CLASSES},
        "texts": texts.section("map"),
    }


def _map(job: Job, about: dict[str, Any], query: str, basemap: Basemap | None) -> Component:
    zooms = {"minZoom": about["min_zoom"], "maxZoom": about["max_zoom"]}
    tiles = {**zooms, "maxNativeZoom": about["max_native_zoom"], "bounds": about["bounds"], "noWrap": True}
    layers = [
        dl.TileLayer(id=ids.IMAGE_LAYER, url=links.tile_template(job.id, next(iter(COMPOSITES))), zIndex=10, **tiles),
        dl.TileLayer(
            id=ids.CLASSES_LAYER,
            url=links.tile_template(job.id, "classes", query),
            zIndex=20,
            opacity=OPACITY_PERCENT / 100,
            **tiles,
        ),
    ]
    if basemap is not None:
        layers.insert(0, dl.LayerGroup(id=ids.BASEMAP_LAYER, children=[]))
    leaflet: Component = dl.Map(
        layers,
        id=ids.MAP,
        crs="EPSG3857" if job.georeferenced else "Simple",
        bounds=about["bounds"],
        # dash-leaflet raises in the browser when it tracks the view of a map that was opened by bounds.
        trackViewport=False,
        fadeAnimation=False,
        zoomSnap=0.25,
        zoomDelta=0.5,
        wheelPxPerZoomLevel=120,
        maxBoundsViscosity=0.6,
        className="map",
        **zooms,
    )
    return leaflet


def _toolbar(basemap_offered: bool, texts: Texts) -> Component:
    parts: list[Component] = [
        dmc.SegmentedControl(
            id=ids.COMPOSITE,
            data=[{"value": name, "label": texts(f"map.{name}")} for name in COMPOSITES],
            value=next(iter(COMPOSITES)),
            size="xs",
            **dashed(aria_label=texts("map.image")),
        ),
        html.Div(
            [
                html.Span(texts("map.opacity"), className="tool-label", **dashed(aria_hidden="true")),
                dmc.Slider(
                    id=ids.OPACITY,
                    value=OPACITY_PERCENT,
                    min=0,
                    max=100,
                    step=5,
                    size="xs",
                    thumbSize=14,
                    updatemode="drag",
                    thumbLabel=texts("map.opacity_label"),
                    className="opacity",
                ),
            ],
            className="tool",
        ),
        html.Button(
            texts("map.fit"),
            id=ids.FIT,
            type="button",
            className="tool-button",
            title=texts("map.fit_label"),
            **dashed(aria_label=texts("map.fit_label")),
        ),
    ]
    if basemap_offered:
        parts.append(dmc.Switch(id=ids.BASEMAP, label=texts("map.basemap"), size="xs", checked=False))
    return html.Div(parts, className="toolbar")
