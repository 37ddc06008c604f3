"""Polygon files: GeoPackage, FlatGeobuf and GeoJSON, written in batches."""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS

from suelo.imagery.grid import Grid
from suelo.segmentation.antimeridian import cut, may_be_crossed
from suelo.segmentation.polygons import BATCH, BATCH_VERTICES, Polygons
from suelo.segmentation.selection import Selection
from suelo.segmentation.style import add_styles

if TYPE_CHECKING:
    from shapely import Polygon

_Projection = Callable[[NDArray[np.float64]], NDArray[np.float64]]

LAYER = "landcover"
"""Name of the polygon layer."""

_GEOMETRY = "geom"
_FIELDS = ["class_id", "class", "name", "name_es", "corine", "area_m2", "mean_probability"]
# 1e-9 degrees are a tenth of a millimetre.
_LONLAT_DECIMALS = 9
# GDAL reads several batches of features ahead.
_FEATURES = 2048
# The text of a polygon of more vertices is written in pieces of so many.
_PIECE = 1 << 16


AddPolygons = Callable[[Polygons], None]
"""Takes the next polygons of a file."""


@contextmanager
def gpkg_file(grid: Grid, selection: Selection, path: Path) -> Iterator[AddPolygons]:
    """Write a GeoPackage with the layer `landcover` and its QGIS styles.

    Args:
        grid: Says the CRS; without one the layer has GeoPackage's "undefined Cartesian" (-1) and pixel coordinates.
        selection: Its classes are in the styles.
        path: The file, which must not be there; whole after the block.
    """
    layer = _GeoPackageLayer(grid.crs, path)
    yield layer.add
    layer.flush()
    add_styles(path, LAYER, _GEOMETRY, selection.classes)


def date_gpkg(path: Path, moment: datetime) -> None:
    """Give a GeoPackage the moment of its content in place of that of its making: the same content, the same bytes."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    with closing(sqlite3.connect(path)) as database, database:
        # The file has no final name yet, so a power cut may take it.
        database.execute("PRAGMA synchronous = OFF")
        database.execute("UPDATE gpkg_contents SET last_change = ?", (text,))
        database.execute("UPDATE layer_styles SET update_time = ?", (text,))


@contextmanager
def fgb_file(grid: Grid, path: Path) -> Iterator[AddPolygons]:
    """Write a FlatGeobuf with its spatial index.

    The index needs all features, and GDAL takes them in one go: they stream from a GeoPackage beside it.

    Args:
        grid: Says the CRS.
        path: The file; whole after the block.
    """
    from pyogrio import raw

    between = path.with_name(f"{path.name}.gpkg")
    layer = _GeoPackageLayer(grid.crs, between, index=False)
    yield layer.add
    layer.flush()
    reading = raw.open_arrow(between, layer=LAYER, batch_size=_FEATURES)
    with reading as (_, features), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")
        raw.write_arrow(
            features,
            path,
            layer=LAYER,
            driver="FlatGeobuf",
            geometry_name=_GEOMETRY,
            geometry_type="Polygon",
            crs=_wkt(grid.crs),
            layer_options={"SPATIAL_INDEX": "YES"},
        )
    between.unlink()


@contextmanager
def geojson_file(grid: Grid, name: str, path: Path) -> Iterator[AddPolygons]:
    """Write GeoJSON after RFC 7946: longitude and latitude on WGS 84, polygons across 180 degrees cut there.

    Without a CRS there is no longitude: coordinates are pixels then, x to the right and y down from the upper left
    corner of the image, and the member `description` of the collection says so.

    Args:
        grid: Says the CRS.
        name: Name of the collection.
        path: The file; whole after the block.
    """
    to_lonlat = None if grid.crs is None else _to_lonlat(grid.crs)
    crossed = to_lonlat is not None and may_be_crossed(grid, to_lonlat)
    if to_lonlat:
        description = "Land cover; coordinates are longitude and latitude on WGS 84."
    else:
        description = (
            "Land cover of an image without georeference; coordinates are pixels of the image, not longitude and "
            "latitude: x to the right and y down from the upper left corner."
        )
    with path.open("w", encoding="utf-8", newline="\n") as file:
        head = json.dumps({"type": "FeatureCollection", "name": name, "description": description}, ensure_ascii=False)
        file.write(head[:-1] + ', "features": [')
        separator = "\n"

        def add(batch: Polygons) -> None:
            nonlocal separator
            fixed = _fixed_properties(batch)
            for area, probability, pieces in zip(
                batch.area_m2, batch.mean_probability, _texts(batch.geometry, to_lonlat, crossed), strict=True
            ):
                file.write(
                    f'{separator}{{"type": "Feature", "properties": {{{fixed}, "area_m2": {area:.4f}, '
                    f'"mean_probability": {probability:.4f}}}, "geometry": '
                )
                file.writelines(pieces)
                file.write("}")
                separator = ",\n"

        yield add
        file.write("\n]}\n")


def _texts(geometry: NDArray[np.object_], to_lonlat: _Projection | None, crossed: bool) -> Iterator[Iterable[str]]:
    """The GeoJSON of each polygon, in pieces, but in one where the scene has both sides of 180 degrees."""
    import shapely

    if to_lonlat and crossed:
        for polygon in shapely.transform(geometry, to_lonlat):
            yield (shapely.to_geojson(cut(polygon)),)
        return
    short = shapely.get_num_coordinates(geometry) <= _PIECE
    shorter = shapely.transform(geometry[short], to_lonlat) if to_lonlat else geometry[short]
    texts = iter(shapely.to_geojson(shorter))
    for polygon, at_once in zip(geometry, short, strict=True):
        yield (next(texts),) if at_once else _pieces(polygon, to_lonlat)


def _pieces(polygon: Polygon, to_lonlat: _Projection | None) -> Iterator[str]:
    """The GeoJSON of one polygon without ever holding all of it, written as shapely does."""
    import shapely

    yield '{"type":"Polygon","coordinates":['
    for number in range(-1, shapely.get_num_interior_rings(polygon)):
        ring = polygon.exterior if number < 0 else shapely.get_interior_ring(polygon, number)
        points = shapely.get_coordinates(ring)
        yield "[" if number < 0 else ",["
        for start in range(0, len(points), _PIECE):
            piece = points[start : start + _PIECE]
            text = json.dumps((to_lonlat(piece) if to_lonlat else piece).tolist(), separators=(",", ":"))
            yield f"{',' if start else ''}{text[1:-1]}"
        yield "]"
    yield "]}"


def _fixed_properties(batch: Polygons) -> str:
    c = batch.land_cover
    properties = {"class_id": c.id, "class": c.key, "name": c.name, "name_es": c.name_es, "corine": c.corine}
    return json.dumps(properties, ensure_ascii=False)[1:-1]


def _to_lonlat(crs: CRS) -> _Projection:
    from pyproj import Transformer

    transformer = Transformer.from_crs(crs.to_wkt(), "OGC:CRS84", always_xy=True)

    def project(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(transformer.transform(points[:, 0], points[:, 1]), axis=1).round(_LONLAT_DECIMALS)

    return project


class _GeoPackageLayer:
    """Polygons are gathered, because each write opens the file again."""

    def __init__(self, crs: CRS | None, path: Path, *, index: bool = True) -> None:
        self._crs = crs
        self._path = path
        self._options = {"GEOMETRY_NAME": _GEOMETRY, "SPATIAL_INDEX": "YES" if index else "NO"}
        if crs is None:
            self._options["SRID"] = "-1"
        self._group: list[Polygons] = []

    def add(self, batch: Polygons) -> None:
        """Take polygons, and write those before them if they are many enough."""
        if self._group and not self._fits(batch):
            self.flush()
        self._group.append(batch)

    def _fits(self, batch: Polygons) -> bool:
        import shapely

        group = [*self._group, batch]
        if sum(map(len, group)) > BATCH:
            return False
        return sum(int(shapely.get_num_coordinates(b.geometry).sum()) for b in group) <= BATCH_VERTICES

    def flush(self) -> None:
        """Write what has been gathered; nothing makes an empty layer."""
        import shapely
        from pyogrio import raw

        append = self._path.exists()
        if append and not self._group:
            return
        geometry, fields = _columns(self._group)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'crs' was not provided")
            raw.write(
                self._path,
                shapely.to_wkb(geometry),
                fields,
                _FIELDS,
                layer=LAYER,
                driver="GPKG",
                geometry_type="Polygon",
                crs=_wkt(self._crs),
                append=append,
                layer_options=None if append else self._options,
            )
        self._group.clear()


def _columns(group: list[Polygons]) -> tuple[NDArray[np.object_], list[NDArray[Any]]]:
    """Geometries and the fields of `_FIELDS`."""
    counts = [len(batch) for batch in group]
    classes = [batch.land_cover for batch in group]
    texts = (
        [c.key for c in classes],
        [c.name for c in classes],
        [c.name_es for c in classes],
        [c.corine for c in classes],
    )
    return np.concatenate([np.zeros(0, object), *(batch.geometry for batch in group)]), [
        np.repeat(np.array([c.id for c in classes], np.int32), counts),
        *(np.repeat(np.array(values, object), counts) for values in texts),
        np.concatenate([np.zeros(0), *(batch.area_m2 for batch in group)]),
        np.concatenate([np.zeros(0), *(batch.mean_probability for batch in group)]),
    ]


def _wkt(crs: CRS | None) -> str | None:
    if crs is None:
        return None
    epsg = crs.to_epsg()
    return crs.to_wkt() if epsg is None else f"EPSG:{epsg}"
