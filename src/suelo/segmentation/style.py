"""The QGIS styles of polygon files, with an English and a Spanish legend: the classes in the land-cover colours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from suelo.landcover import LandCover

_OPACITY = 0.7
_STYLES = (("Land cover", "Land cover in CORINE colours"), ("Cobertura del suelo", "Cobertura en los colores CORINE"))

# The columns that QGIS looks for; see "Storing styles in the database" in its user manual.
_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256),
    f_table_schema TEXT(256),
    f_table_name TEXT(256),
    f_geometry_column TEXT(256),
    styleName TEXT(30),
    styleQML TEXT,
    styleSLD TEXT,
    useAsDefault BOOLEAN,
    description TEXT,
    owner TEXT(30),
    ui TEXT(30),
    update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now'))
)"""


def qml(classes: Iterable[LandCover], *, spanish: bool = False) -> str:
    """A QGIS style: polygons categorised by the field `class`, drawn by display priority.

    Args:
        classes: The classes that get a category, in the order of the legend.
        spanish: Name them in Spanish.
    """
    root = ET.Element("qgis", version="3.28.0", styleCategories="Symbology")
    renderer = ET.SubElement(
        root,
        "renderer-v2",
        type="categorizedSymbol",
        attr="class",
        symbollevels="1",
        forceraster="0",
        enableorderby="0",
    )
    categories = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    for number, c in enumerate(classes):
        ET.SubElement(
            categories,
            "category",
            render="true",
            value=c.key,
            type="string",
            symbol=str(number),
            label=c.name_es if spanish else c.name,
        )
        symbol = ET.SubElement(
            symbols, "symbol", type="fill", name=str(number), alpha=str(_OPACITY), clip_to_extent="1", force_rhr="0"
        )
        layer = ET.SubElement(
            symbol, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0", "pass": str(c.priority)}
        )
        options = ET.SubElement(layer, "Option", type="Map")
        red, green, blue = c.colour
        for name, value in (
            ("color", f"{red},{green},{blue},255"),
            ("outline_color", f"{red * 2 // 3},{green * 2 // 3},{blue * 2 // 3},255"),
            ("outline_style", "solid"),
            ("outline_width", "0.1"),
            ("outline_width_unit", "MM"),
            ("style", "solid"),
        ):
            ET.SubElement(options, "Option", name=name, type="QString", value=value)
    ET.indent(root)
    document = ET.tostring(root, encoding="unicode")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{document}\n"


def add_styles(path: Path, layer: str, geometry_column: str, classes: Sequence[LandCover]) -> None:
    """Put the styles into a GeoPackage, the English one as the default of the layer, the way QGIS itself does."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    with closing(sqlite3.connect(path)) as database, database:
        # The file has no final name yet, so a power cut may take it.
        database.execute("PRAGMA synchronous = OFF")
        database.execute(_TABLE)
        for spanish, (name, description) in enumerate(_STYLES):
            database.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
                " styleQML, styleSLD, useAsDefault, description, owner, ui, update_time)"
                " VALUES ('', '', ?, ?, ?, ?, '', ?, ?, '', '', ?)",
                (layer, geometry_column, name, qml(classes, spanish=bool(spanish)), 1 - spanish, description, now),
            )
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change)"
            " VALUES ('layer_styles', 'attributes', 'layer_styles', 'Styles for QGIS', ?)",
            (now,),
        )
