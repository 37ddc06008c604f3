"""Result files as the programs of their users open them."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from pyproj import Geod, Transformer

from suelo.errors import InputError, SueloError
from suelo.imagery.geotiff import write_cog
from suelo.imagery.grid import Grid
from suelo.landcover import CLASSES
from suelo.segmentation import vectors
from suelo.segmentation.antimeridian import cut
from suelo.segmentation.exports import export, export_all
from suelo.segmentation.polygons import polygonise
from suelo.segmentation.raster import ArrayProbabilities
from suelo.segmentation.selection import Selection
from suelo.segmentation.summary import summarise

SHOWN = Selection(tuple(np.linspace(0.5, 0.7, 10)), class_ids=(1, 3, 6, 9), min_area_m2=tuple(np.linspace(2, 11, 10)))
FIELDS = ["class_id", "class", "name", "name_es", "corine", "area_m2", "mean_probability"]
VECTORS = ("gpkg", "geojson", "fgb")
DEGREES = {"transform": Affine(1.2e-5, 0, -74.1, 0, -1.2e-5, 4.7), "epsg": 4326}


@pytest.mark.parametrize("fmt", VECTORS)
@pytest.mark.parametrize("where", [{}, DEGREES, {"epsg": None}])
def test_files_hold_the_polygons(make_noise, tmp_path, fmt, where):
    probabilities = make_noise(**where)
    path = tmp_path / f"polygons.{fmt}"
    export(probabilities, SHOWN, fmt, path)
    found = geopandas.read_file(path, layer="landcover" if fmt == "gpkg" else None)
    assert list(found.columns) == [*FIELDS, "geometry"]
    assert found.is_valid.all()
    assert set(found.geom_type) == {"Polygon"}
    for row in summarise(probabilities, SHOWN):
        of_class = found[found["class_id"] == row.class_id]
        shown = row.class_id in SHOWN.class_ids
        assert len(of_class) == (row.polygons if shown else 0)
        if shown:
            c = CLASSES[row.class_id - 1]
            assert set(of_class["class"]) == {c.key}
            assert set(of_class["name"]) == {c.name}
            assert set(of_class["name_es"]) == {c.name_es}
            assert (of_class["corine"].isna() if c.corine is None else of_class["corine"] == c.corine).all()
            assert of_class["area_m2"].sum() == pytest.approx(row.area_m2, rel=1e-5)
            assert of_class["mean_probability"].between(SHOWN.thresholds[c.id - 1], 1).all()


@pytest.mark.parametrize("fmt", ["gpkg", "fgb"])
def test_native_files_have_the_crs_and_the_exact_outlines_of_the_scene(make_noise, tmp_path, fmt):
    probabilities = make_noise()
    path = tmp_path / f"polygons.{fmt}"
    export(probabilities, SHOWN, fmt, path)
    found = geopandas.read_file(path, layer="landcover" if fmt == "gpkg" else None)
    assert found.crs.to_epsg() == 9377
    assert found.area.to_numpy() == pytest.approx(found["area_m2"].to_numpy(), rel=1e-6)
    made = np.concatenate([part.geometry for part in polygonise(probabilities, SHOWN)])
    assert sorted(found.geometry.to_wkb()) == sorted(shapely.to_wkb(made))


def test_geojson_is_rfc_7946(make_noise, tmp_path):
    path = tmp_path / "polygons.geojson"
    export(make_noise(), SHOWN, "geojson", path, name="Bogotá norte")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert "crs" not in document
    assert document["name"] == "Bogotá norte"
    geod = Geod(ellps="GRS80")
    assert len(document["features"]) > 100
    for feature in document["features"]:
        shell, *holes = feature["geometry"]["coordinates"]
        assert shell[0] == shell[-1]
        assert shapely.LinearRing(shell).is_ccw
        assert not any(shapely.LinearRing(hole).is_ccw for hole in holes)
        assert all(-74.2 < lon < -74 and 4.6 < lat < 4.8 for lon, lat in shell)
        geometry = shapely.geometry.shape(feature["geometry"])
        assert geometry.is_valid
        ground = abs(geod.geometry_area_perimeter(geometry)[0])
        # EPSG:9377 has a scale of 0.9992 at its central meridian, so planar areas differ a little from the ground's.
        assert feature["properties"]["area_m2"] == pytest.approx(ground, rel=5e-3)


@pytest.mark.parametrize(
    ("epsg", "transform"),
    [
        (32660, Affine(1.24, 0, 833_930, 0, -1.24, 10_000)),
        (3857, Affine(1.24, 0, 20_037_508.34 - 40, 0, -1.24, 9_000_000)),
        (4326, Affine(1.2e-5, 0, 179.9995, 0, -1.2e-5, -17)),
        (4326, Affine(1.2e-5, 0, 285.9, 0, -1.2e-5, 4.7)),
        (3031, Affine(1.24, 0, -40, 0, -1.24, -2_000_000)),
        (3031, Affine(1.24, 0, -35 * 1.24, 0, -1.24, 45 * 1.24)),  # the pole is a corner of pixels
        (3413, Affine(1.24, 0, -35.4 * 1.24, 0, -1.24, 45.7 * 1.24)),  # and lies within one
    ],
)
@pytest.mark.parametrize("piece", [vectors._PIECE, 8])
def test_geojson_ends_at_180_degrees_and_at_the_poles(make_noise, tmp_path, monkeypatch, epsg, transform, piece):
    monkeypatch.setattr(vectors, "_PIECE", piece)
    probabilities = make_noise(share=0.7, epsg=epsg, transform=transform)
    path = tmp_path / "polygons.geojson"
    export(probabilities, SHOWN, "geojson", path)
    from_lonlat = Transformer.from_crs("OGC:CRS84", epsg, always_xy=True)
    features = json.loads(path.read_text())["features"]
    exact = np.concatenate([part.geometry for part in polygonise(probabilities, SHOWN)])
    assert len(features) == len(exact) > 50
    for feature, polygon in zip(features, exact, strict=True):
        geometry = shapely.geometry.shape(feature["geometry"])
        assert geometry.is_valid
        for part in shapely.get_parts(geometry):
            west, south, east, north = part.bounds
            assert -180 <= west <= east <= 180
            assert -90 <= south <= north <= 90
            assert part.exterior.is_ccw
            assert not any(hole.is_ccw for hole in part.interiors)
        if epsg == 4326:
            area = geometry.area
        elif abs(transform.f) < 100:
            continue  # beside a pole, sides that are straight in one system are bent in the other
        else:  # back in the plane of the scene
            rings = [ring for part in shapely.get_parts(geometry) for ring in (part.exterior, *part.interiors)]
            area = abs(sum(signed_area(from_lonlat, ring) for ring in rings))
        assert area == pytest.approx(polygon.area, rel=0.02)
    if transform.c != 285.9:
        assert {feature["geometry"]["type"] for feature in features} == {"Polygon", "MultiPolygon"}


def test_a_ring_round_the_pole_holds_it():
    lon = np.linspace(-170, 190, 73)  # the way round, as a projection gives it
    ring = np.stack([(lon + 180) % 360 - 180, np.full(73, 88.0)], axis=1)
    hole = np.add(ring[::-1], (0, 1.0))
    assert cut(shapely.Polygon(ring)).equals(shapely.box(-180, 88, 180, 90))
    assert cut(shapely.Polygon(ring, [hole])).equals(shapely.box(-180, 88, 180, 89))


def test_a_pole_that_is_a_corner_has_the_longitudes_of_its_neighbours():
    lon = np.linspace(30, 300, 55)
    ring = np.stack([(lon + 180) % 360 - 180, np.full(55, -89.0)], axis=1)
    quarters = cut(shapely.Polygon([*ring, (12.0, -90.0)]))
    expected = shapely.union(shapely.box(30, -90, 180, -89), shapely.box(-180, -90, -60, -89))
    assert shapely.symmetric_difference(quarters, expected).area == pytest.approx(0, abs=1e-6)


def signed_area(transformer, ring):
    x, y = transformer.transform(*shapely.get_coordinates(ring).T)
    x, y = np.array(x), np.array(y)
    x = np.where(x < -2e7 + 1e4, x + 2 * 20_037_508.342789244, x)  # of Web Mercator: to one side
    x, y = x - x[0], y - y[0]
    return float(x[:-1] @ y[1:] - x[1:] @ y[:-1]) / 2


def test_geojson_without_georeference_says_that_it_has_pixels(tmp_path):
    bands = np.zeros((10, 20, 30), np.uint8)
    bands[0, 2:5, 3:9] = 250
    path = tmp_path / "polygons.geojson"
    export(ArrayProbabilities(bands, Grid(20, 30)), Selection((0.5,) * 10), "geojson", path)
    document = json.loads(path.read_text())
    assert "pixels of the image" in document["description"]
    assert "y down" in document["description"]
    (feature,) = document["features"]
    assert shapely.geometry.shape(feature["geometry"]).equals(shapely.box(3, 2, 9, 5))


def test_a_geopackage_without_crs_says_so(make_noise, tmp_path):
    path = tmp_path / "polygons.gpkg"
    export(make_noise(epsg=None), SHOWN, "gpkg", path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT srs_id FROM gpkg_geometry_columns").fetchall() == [(-1,)]
    assert "Undefined" in pyogrio.read_info(path, layer="landcover")["crs"]


@pytest.mark.parametrize(("number", "name"), [(0, "name"), (1, "name_es")])
def test_the_geopackage_brings_its_qgis_styles(make_noise, tmp_path, number, name):
    path = tmp_path / "polygons.gpkg"
    export(make_noise(), SHOWN, "gpkg", path)
    assert pyogrio.list_layers(path)[0].tolist() == ["landcover", "Polygon"]
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        style = database.execute("SELECT * FROM layer_styles").fetchall()[number]
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    # The columns that QGIS selects by name.
    assert set(style.keys()) >= {
        "f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "styleName", "styleQML", "styleSLD",
        "useAsDefault", "description", "owner", "ui", "update_time",
    }  # fmt: skip
    assert (style["f_table_name"], style["f_geometry_column"]) == ("landcover", "geom")
    assert style["useAsDefault"] == (number == 0)
    root = ET.fromstring(style["styleQML"])
    renderer = root.find("renderer-v2")
    assert renderer.attrib["type"] == "categorizedSymbol"
    assert renderer.attrib["attr"] == "class"
    categories = {c.attrib["value"]: c.attrib["symbol"] for c in renderer.iter("category")}
    assert list(categories) == [c.key for c in SHOWN.classes]
    assert [c.attrib["label"] for c in renderer.iter("category")] == [getattr(c, name) for c in SHOWN.classes]
    for c in SHOWN.classes:
        symbol = renderer.find(f"symbols/symbol[@name='{categories[c.key]}']")
        assert symbol.attrib["type"] == "fill"
        layer = symbol.find("layer[@class='SimpleFill']")
        assert layer.find("Option/Option[@name='color']").attrib["value"] == "{},{},{},255".format(*c.colour)
        assert int(layer.attrib["pass"]) == c.priority


def test_the_spatial_index_of_flatgeobuf_finds_polygons(make_noise, tmp_path):
    probabilities = make_noise()
    path = tmp_path / "polygons.fgb"
    export(probabilities, SHOWN, "fgb", path)
    assert pyogrio.read_info(path)["capabilities"]["fast_spatial_filter"]
    west, south, _, _ = probabilities.grid.bounds
    corner = geopandas.read_file(path, bbox=(west, south, west + 10, south + 10))
    everything = geopandas.read_file(path)
    assert 0 < len(corner) == everything.intersects(shapely.box(west, south, west + 10, south + 10)).sum()
    assert len(corner) < len(everything)
    assert [p.name for p in tmp_path.iterdir()] == ["polygons.fgb"]


@pytest.mark.parametrize("fmt", VECTORS)
@pytest.mark.parametrize("epsg", [9377, None])
def test_empty_results_are_valid_files_with_their_columns(make_noise, tmp_path, fmt, epsg):
    path = tmp_path / f"polygons.{fmt}"
    export(make_noise(share=0.0, epsg=epsg), SHOWN, fmt, path)
    found = geopandas.read_file(path, layer="landcover" if fmt == "gpkg" else None)
    assert len(found) == 0
    if fmt == "geojson":
        assert json.loads(path.read_text())["features"] == []
    else:
        assert list(found.columns) == [*FIELDS, "geometry"]


@pytest.mark.parametrize("fmt", VECTORS)
def test_files_are_written_in_batches(make_noise, tmp_path, monkeypatch, fmt):
    probabilities = make_noise()
    export(probabilities, SHOWN, fmt, tmp_path / f"once.{fmt}")
    monkeypatch.setattr("suelo.segmentation.polygons.BATCH", 23)
    monkeypatch.setattr(vectors, "BATCH", 50)
    export(probabilities, SHOWN, fmt, tmp_path / f"often.{fmt}")
    layer = "landcover" if fmt == "gpkg" else None
    once, often = (geopandas.read_file(tmp_path / f"{name}.{fmt}", layer=layer) for name in ("once", "often"))
    assert len(once) > 100
    assert sorted(once.geometry.to_wkb()) == sorted(often.geometry.to_wkb())
    assert once["area_m2"].sum() == pytest.approx(often["area_m2"].sum())


def test_batches_of_a_geopackage_have_a_bounded_number_of_vertices(make_noise, tmp_path, monkeypatch):
    from pyogrio import raw

    written = []
    write = raw.write

    def watched(path, geometry, *args, **kwargs):
        written.append(int(shapely.get_num_coordinates(shapely.from_wkb(geometry)).sum()))
        write(path, geometry, *args, **kwargs)

    monkeypatch.setattr(raw, "write", watched)
    export(make_noise(), SHOWN, "gpkg", tmp_path / "once.gpkg")
    total = sum(written)
    assert len(written) == 1
    written.clear()
    monkeypatch.setattr("suelo.segmentation.polygons.BATCH_VERTICES", 500)
    monkeypatch.setattr(vectors, "BATCH_VERTICES", 1000)
    export(make_noise(), SHOWN, "gpkg", tmp_path / "often.gpkg")
    assert sum(written) == total
    # One polygon alone may have more.
    assert sorted(written)[-2] <= 1000 < total / 3


@pytest.mark.parametrize("where", [{}, DEGREES, {"epsg": None}])
def test_geojson_of_long_outlines_is_the_same_in_pieces(make_noise, tmp_path, monkeypatch, where):
    probabilities = make_noise(share=0.65, **where)
    export(probabilities, SHOWN, "geojson", tmp_path / "once.geojson")
    monkeypatch.setattr(vectors, "_PIECE", 16)
    export(probabilities, SHOWN, "geojson", tmp_path / "pieces.geojson")
    once, pieces = (json.loads((tmp_path / f"{name}.geojson").read_text()) for name in ("once", "pieces"))
    rings = [ring for feature in once["features"] for ring in feature["geometry"]["coordinates"]]
    assert max(map(len, rings)) > 3 * 16
    assert max(len(feature["geometry"]["coordinates"]) for feature in once["features"]) > 3
    assert pieces == once


@pytest.mark.parametrize("where", [{}, {"epsg": None}])
def test_all_files_in_one_pass_are_those_written_alone(make_noise, tmp_path, where):
    probabilities = make_noise(1100, 40, **where)
    (tmp_path / "alone").mkdir()
    files = {fmt: tmp_path / f"polygons.{fmt}" for fmt in (*VECTORS, "csv", "xlsx")}
    rows = export_all(probabilities, SHOWN, files, name="scene")
    assert rows == summarise(probabilities, SHOWN)
    for fmt, path in files.items():
        alone = tmp_path / "alone" / path.name
        export(probabilities, SHOWN, fmt, alone, name="scene")
        if fmt == "gpkg":
            with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(alone)) as other:
                query = "SELECT * FROM landcover ORDER BY fid"
                assert one.execute(query).fetchall() == other.execute(query).fetchall()
        else:
            assert path.read_bytes() == alone.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*(path.name for path in files.values()), "alone"])


def test_polygons_are_found_once_for_all_files(make_noise, tmp_path):
    probabilities = make_noise()
    seen = []

    class Watched:
        grid = probabilities.grid

        def read(self, land_cover, window):
            seen.append(land_cover.id)
            return probabilities.read(land_cover, window)

    export_all(Watched(), SHOWN, {fmt: tmp_path / f"polygons.{fmt}" for fmt in (*VECTORS, "csv", "xlsx")})
    # The first band also says which ground has data.
    assert sorted(seen) == [1, *range(1, 11)]


def test_of_several_files_the_one_that_fails_is_named_and_none_is_left(make_noise, tmp_path, monkeypatch):
    from pyogrio import raw

    def broken(*_args, **_kwargs):
        raise OSError(5, "Input/output error")

    files = {fmt: tmp_path / f"polygons.{fmt}" for fmt in ("geojson", "gpkg", "fgb", "csv", "xlsx")}
    monkeypatch.setattr(raw, "write", broken)
    monkeypatch.setattr(vectors, "BATCH", 5)
    with pytest.raises(SueloError, match=r"polygons.gpkg cannot be written: Input/output error"):
        export_all(make_noise(), SHOWN, files)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_raster_is_named_and_not_the_file_that_is_made_of_it(make_noise, tmp_path):
    noise = make_noise(2000, 600)
    path = tmp_path / "probabilities.tif"
    write_cog(path, noise.read_all(), noise.grid, nodata=255, descriptions=["x"] * 10)
    with rasterio.open(path) as file:
        offset = int(file.get_tag_item("BLOCK_OFFSET_0_3", "TIFF", bidx=3))
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 30)
    with pytest.raises(SueloError, match=r"raster probabilities\.tif cannot be read: it is damaged"):
        export(path, SHOWN, "gpkg", tmp_path / "polygons.gpkg")
    assert [found.name for found in tmp_path.iterdir()] == ["probabilities.tif"]


def test_the_table_has_the_columns_and_numbers_of_the_contract(make_noise, tmp_path):
    probabilities = make_noise()
    path = tmp_path / "classes.csv"
    export(probabilities, SHOWN, "csv", path)
    head, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
    assert head == ["class_id", "class", "threshold", "polygons", "area_m2", "area_share", "mean_probability"]
    expected = [row for row in summarise(probabilities, SHOWN) if row.class_id in SHOWN.class_ids]
    assert [row[:2] for row in rows] == [[str(row.class_id), row.key] for row in expected]
    for row, e in zip(rows, expected, strict=True):
        numbers = [float(value) for value in row[2:]]
        assert numbers == pytest.approx(
            [e.threshold, e.polygons, e.area_m2, e.area_share, e.mean_probability], rel=1e-3, abs=0.006
        )
    nothing = tmp_path / "nothing.csv"
    export(make_noise(share=0.0), SHOWN, "csv", nothing)
    assert nothing.read_text().splitlines()[1] == "1,buildings,0.5,0,0.00,0.00000000,"


@pytest.mark.parametrize(
    ("sheet", "head"),
    [
        (
            "Classes",
            ["Class", "CORINE", "Threshold", "Objects", "Area in m²", "Area in hectares", "Share of the image",
             "Mean probability"],
        ),
        (
            "Clases",
            ["Clase", "CORINE", "Umbral", "Objetos", "Área en m²", "Área en hectáreas", "Parte de la imagen",
             "Probabilidad media"],
        ),
    ],
)  # fmt: skip
def test_the_spreadsheet_has_the_numbers_in_two_languages(make_noise, tmp_path, sheet, head):
    probabilities = make_noise()
    path = tmp_path / "classes.xlsx"
    export(probabilities, SHOWN, "xlsx", path)
    assert pyogrio.list_layers(path)[:, 0].tolist() == ["Classes", "Clases"]
    table = pyogrio.read_dataframe(path, layer=sheet)
    assert list(table.columns) == head
    expected = [row for row in summarise(probabilities, SHOWN) if row.class_id in SHOWN.class_ids]
    classes = [CLASSES[row.class_id - 1] for row in expected]
    assert table[head[0]].tolist() == [c.name if sheet == "Classes" else c.name_es for c in classes]
    assert table["CORINE"].fillna("").tolist() == [c.corine or "" for c in classes]
    for row, e in zip(table[head[2:]].to_numpy(float), expected, strict=True):
        exact = [e.threshold, e.polygons, e.area_m2, e.area_m2 / 1e4, e.area_share, e.mean_probability]
        assert row.tolist() == pytest.approx(exact)


def test_the_spreadsheet_of_no_objects_has_no_probabilities_and_no_date(make_noise, tmp_path):
    path = tmp_path / "classes.xlsx"
    export(make_noise(share=0.0), SHOWN, "xlsx", path)
    table = pyogrio.read_dataframe(path, layer="Classes")
    assert table["Objects"].tolist() == [0] * len(SHOWN.classes)
    assert table["Mean probability"].isna().all()
    with ZipFile(path) as parts:  # so it is the same file whenever it is made, as its tag says
        assert {part.date_time[0] for part in parts.infolist()} == {1980}
        assert str(datetime.now(UTC).year) not in parts.read("docProps/core.xml").decode()


def test_the_preview_shows_the_image_and_the_classes_over_it(make_scene, unchanged, tmp_path):
    pixels = np.full((8, 200, 300), 0.5, np.float32)
    pixels[:, :, 250:] = np.nan
    scene = make_scene(pixels)
    bands = np.zeros((10, 200, 300), np.uint8)
    bands[0, :100] = 250
    bands[:, :, 250:] = 255
    path = tmp_path / "preview.png"
    probabilities = ArrayProbabilities(bands, scene.grid)
    export(probabilities, Selection((0.5,) * 10), "png", path, image=scene, statistics=unchanged)
    with rasterio.open(path) as file:
        picture = file.read()
    assert picture.shape == (4, 400, 600)
    grey, red, empty = picture[:, 300, 200], picture[:, 100, 200], picture[:, 100, 560]
    assert grey[0] == grey[1] == grey[2] > 100
    assert red[0] > red[1] + 60
    assert red[1] == red[2]
    assert empty[3] == 0
    assert [p.name for p in tmp_path.iterdir() if "preview" in p.name] == ["preview.png"]


def test_the_preview_of_a_large_scene_is_small_and_the_same_from_its_display_raster(make_scene, unchanged, tmp_path):
    from suelo.imagery.display import write_display

    rows, columns = np.mgrid[0:1700, 0:2100].astype(np.float32)
    scene = make_scene(np.stack([rows / 1700] * 4 + [columns / 2100] * 4))
    bands = np.zeros((10, 1700, 2100), np.uint8)
    bands[4, 300:900, 500:1500] = 250
    probabilities = ArrayProbabilities(bands, scene.grid)
    shown = Selection((0.5,) * 10)
    export(probabilities, shown, "png", tmp_path / "a.png", image=scene, statistics=unchanged)
    write_display(scene, tmp_path / "display.tif", unchanged)
    export(probabilities, shown, "png", tmp_path / "b.png", image=tmp_path / "display.tif")
    with rasterio.open(tmp_path / "a.png") as a, rasterio.open(tmp_path / "b.png") as b:
        assert a.shape == b.shape == (850, 1050)
        first, second = a.read().astype(int), b.read().astype(int)
    assert abs(first - second).max(axis=0).mean() < 3
    green = first[1] - first[2] > 20
    assert green.sum() == pytest.approx(300 * 500, rel=0.02)


def test_a_failed_export_leaves_the_old_file_and_nothing_else(make_noise, tmp_path, monkeypatch):
    path = tmp_path / "polygons.gpkg"
    path.write_text("old")

    def fail(*_args):
        raise RuntimeError("power cut")

    monkeypatch.setattr(vectors, "add_styles", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        export(make_noise(), SHOWN, "gpkg", path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_is_replaced(make_noise, tmp_path):
    for fmt in (*VECTORS, "csv", "xlsx"):
        path = tmp_path / f"out [1].{fmt}"
        path.write_text("old")
        export(make_noise(), SHOWN, fmt, path)
        assert path.read_bytes()[:3] != b"old"
    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize("fmt", [*VECTORS, "csv", "xlsx"])
def test_a_folder_that_is_not_there_is_said_in_a_sentence(make_noise, tmp_path, fmt):
    with pytest.raises(SueloError, match=f"out.{fmt} cannot be written"):
        export(make_noise(), SHOWN, fmt, tmp_path / "nowhere" / f"out.{fmt}")


def test_unknown_formats_are_refused(make_noise, tmp_path):
    with pytest.raises(InputError, match=r"'shp'.*gpkg, geojson, fgb, csv, xlsx, png"):
        export(make_noise(), SHOWN, "shp", tmp_path / "out.shp")
    with pytest.raises(InputError, match="needs the image"):
        export(make_noise(), SHOWN, "png", tmp_path / "out.png")
    with pytest.raises(InputError, match="needs the image"):
        export_all(make_noise(), SHOWN, {"csv": tmp_path / "out.csv", "png": tmp_path / "out.png"})
    with pytest.raises(InputError, match="'shp'"):
        export_all(make_noise(), SHOWN, {"shp": tmp_path / "out.shp"})
    assert list(tmp_path.iterdir()) == []
