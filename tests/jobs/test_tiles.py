"""Map tiles, made from rasters with a known pattern."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.crs import CRS
from rasterio.io import MemoryFile

from suelo.errors import NotFoundError
from suelo.imagery.display import DISPLAY_BANDS, render
from suelo.imagery.geotiff import write_cog
from suelo.imagery.grid import Grid
from suelo.jobs.geometry import MapGeometry
from suelo.jobs.png import encode_png
from suelo.jobs.tiles import LAYERS
from suelo.jobs.tiles import make_tile as make_tile_of
from suelo.landcover import CLASS_KEYS, CLASSES, class_by_name
from suelo.segmentation.selection import NO_DATA, Selection


def make_tile(path: str, *arguments) -> bytes:
    with rasterio.open(path) as dataset:
        return make_tile_of(dataset, *arguments)


NO_SMALLEST = (0.0,) * 10
EVERYTHING = Selection((0.5,) * 10, min_area_m2=NO_SMALLEST)
BUILDINGS = (*class_by_name("buildings").colour, 255)
TREES = (*class_by_name("trees").colour, 255)


def picture(png: bytes) -> NDArray[np.uint8]:
    """Red, green, blue and opacity (4, 256, 256) of a PNG, decoded by GDAL."""
    with MemoryFile(png) as file, file.open() as dataset:
        pixels = dataset.read()
    if pixels.shape[0] == 3:
        pixels = np.concatenate([pixels, np.full((1, *pixels.shape[1:]), 255, np.uint8)])
    return pixels


def write_probabilities(path: Path, grid: Grid, **classes: NDArray[np.bool_]) -> str:
    """A probability raster in which some classes are certain where their mask is true."""
    values = np.zeros((10, *grid.shape), np.uint8)
    for key, mask in classes.items():
        values[class_by_name(key).id - 1][mask] = 250
    write_cog(path, values, grid, nodata=NO_DATA, descriptions=CLASS_KEYS, resampling="average")
    return str(path)


def random_blocks(grid: Grid, seed: int) -> NDArray[np.bool_]:
    """Random pixels, to tell any shift."""
    return np.random.default_rng(seed).random(grid.shape) < 0.4


@pytest.mark.parametrize("opaque", [True, False])
def test_png_comes_back_exactly(opaque: bool) -> None:
    rgba = np.random.default_rng(1).integers(0, 256, (31, 57, 4), np.uint8)
    if opaque:
        rgba[..., 3] = 255
    assert (picture(encode_png(rgba)).transpose(1, 2, 0) == rgba).all()


def test_native_tiles_without_crs_show_each_pixel_in_its_place(tmp_path: Path) -> None:
    grid = Grid(300, 520)
    mask = random_blocks(grid, 2)
    raster = write_probabilities(tmp_path / "p.tif", grid, buildings=mask)
    place = MapGeometry(grid)
    for x, y in ((0, 0), (1, 0), (2, 1)):
        tile = picture(make_tile(raster, place, "classes", 0, x, y, EVERYTHING))
        expected = np.zeros((256, 256), bool)
        part = mask[y * 256 : y * 256 + 256, x * 256 : x * 256 + 256]
        expected[: part.shape[0], : part.shape[1]] = part
        assert ((tile[3] == 255) == expected).all()
        assert (tile[:, expected].T == BUILDINGS).all()


def test_close_tiles_have_sharp_pixels(tmp_path: Path) -> None:
    grid = Grid(100, 100)
    mask = random_blocks(grid, 3)
    raster = write_probabilities(tmp_path / "p.tif", grid, trees=mask)
    tile = picture(make_tile(raster, MapGeometry(grid), "classes", 3, 1, 2, EVERYTHING))
    expected = mask[64:96, 32:64].repeat(8, axis=0).repeat(8, axis=1)
    assert ((tile[3] == 255) == expected).all()
    assert (tile[:, expected].T == TREES).all()


def test_far_tiles_show_the_whole_scene(tmp_path: Path) -> None:
    grid = Grid(1024, 2048)
    mask = np.zeros(grid.shape, bool)
    mask[256:768, 512:1024] = True
    raster = write_probabilities(tmp_path / "p.tif", grid, crops=mask)
    place = MapGeometry(grid)
    assert place.min_zoom == -3
    tile = picture(make_tile(raster, place, "classes", -3, 0, 0, EVERYTHING))
    expected = np.zeros((256, 256), bool)
    expected[32:96, 64:128] = True
    assert ((tile[3] == 255) == expected).all()


@pytest.mark.parametrize("epsg", [9377, 4326])
@pytest.mark.parametrize("zoom_in", [0, 2])
def test_mercator_tiles_show_the_pixel_that_lies_there(tmp_path: Path, epsg: int, zoom_in: int) -> None:
    x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(-74.07, 4.71)
    step = 1.24 if epsg == 9377 else 1.24 / 110_600
    grid = Grid(400, 500, Affine(step, 0, x, 0, -step, y), CRS.from_epsg(epsg))
    mask = random_blocks(grid, 4)
    raster = write_probabilities(tmp_path / "p.tif", grid, buildings=mask)
    place = MapGeometry(grid)
    z = place.native_zoom + zoom_in
    (south, west), (north, east) = place.bounds
    lon, lat = (west + east) / 2, (south + north) / 2
    tile_x = int((lon + 180) / 360 * 2**z)
    tile_y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z)
    tile = picture(make_tile(raster, place, "classes", z, tile_x, tile_y, EVERYTHING))
    to_grid = Transformer.from_crs(3857, epsg, always_xy=True)
    world = 2 * math.pi * 6378137
    seen = 0
    for i, j in np.random.default_rng(5).integers(0, 256, (300, 2)):
        mx = -world / 2 + (tile_x + (j + 0.5) / 256) * world / 2**z
        my = world / 2 - (tile_y + (i + 0.5) / 256) * world / 2**z
        col, row = ~grid.transform @ to_grid.transform(mx, my)
        # On the very edge of a pixel either neighbour is right.
        if 0 <= row < 400 and 0 <= col < 500 and 0.01 < row % 1 < 0.99 and 0.01 < col % 1 < 0.99:
            assert (tile[3, i, j] == 255) == mask[int(row), int(col)]
            seen += 1
    assert seen > 200


def test_thresholds_and_switches_apply(tmp_path: Path) -> None:
    grid = Grid(64, 64)
    values = np.zeros((10, 64, 64), np.uint8)
    values[0, :, :32] = 150
    values[4] = 200
    values[:, :8] = NO_DATA
    write_cog(tmp_path / "p.tif", values, grid, nodata=NO_DATA, descriptions=CLASS_KEYS)

    def tile(selection: Selection) -> NDArray[np.uint8]:
        return picture(make_tile(str(tmp_path / "p.tif"), MapGeometry(grid), "classes", 0, 0, 0, selection))

    assert tuple(tile(EVERYTHING)[:, 20, 10]) == BUILDINGS
    assert tuple(tile(EVERYTHING)[:, 20, 40]) == TREES
    assert tuple(tile(EVERYTHING.with_thresholds({"buildings": 0.604}))[:, 20, 10]) == TREES
    assert tuple(tile(EVERYTHING.with_classes(["buildings"]))[:, 20, 40]) == (0, 0, 0, 0)
    assert (tile(EVERYTHING)[3, :8] == 0).all()


def test_small_objects_are_left_out_also_where_a_tile_cuts_them(tmp_path: Path) -> None:
    grid = Grid(300, 600, pixel_gsd_m=1.0)
    mask = np.zeros(grid.shape, bool)
    mask[100:102, 252:260] = True  # 16 m² across the edge of two tiles
    mask[150, 250:259] = True  # 9 m²
    mask[200, 250] = True  # 1 m²
    raster = write_probabilities(tmp_path / "p.tif", grid, trees=mask)
    selection = EVERYTHING.with_min_areas({"trees": 10})
    shown = np.concatenate(
        [picture(make_tile(raster, MapGeometry(grid), "classes", 0, x, 0, selection))[3] for x in (0, 1)], axis=1
    )
    expected = np.zeros((256, 512), bool)
    expected[100:102, 252:260] = True
    assert ((shown == 255) == expected).all()


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer != "classes"])
def test_image_tiles_show_the_display_raster(tmp_path: Path, layer: str) -> None:
    grid = Grid(256, 256)
    values = np.random.default_rng(6).integers(1, 256, (5, 256, 256), np.uint8)
    values[:, :50] = 0
    write_cog(tmp_path / "d.tif", values, grid, nodata=0, descriptions=DISPLAY_BANDS)
    tile = picture(make_tile(str(tmp_path / "d.tif"), MapGeometry(grid), layer, 0, 0, 0, EVERYTHING))
    assert (tile == render(values, layer)).all()
    assert (tile[3, :50] == 0).all()
    assert (tile[3, 50:] == 255).all()


def test_image_tiles_from_afar_are_means(tmp_path: Path) -> None:
    grid = Grid(1024, 1024)
    checks = np.indices(grid.shape).sum(axis=0) % 2
    values = np.where(checks, 201, 101)[None].repeat(5, axis=0).astype(np.uint8)
    write_cog(tmp_path / "d.tif", values, grid, nodata=0, descriptions=DISPLAY_BANDS, resampling="average")
    tile = picture(make_tile(str(tmp_path / "d.tif"), MapGeometry(grid), "true-colour", -1, 1, 1, EVERYTHING))
    assert np.abs(tile[:3].astype(int) - 151).max() <= 1


def test_tiles_beside_the_raster_are_empty_and_other_zooms_are_not_there(tmp_path: Path) -> None:
    grid = Grid(100, 100)
    raster = write_probabilities(tmp_path / "p.tif", grid, trees=random_blocks(grid, 7))
    place = MapGeometry(grid)
    assert not picture(make_tile(raster, place, "classes", 0, 5, 5, EVERYTHING)).any()
    for z in (place.min_zoom - 1, place.max_native_zoom + 1):
        with pytest.raises(NotFoundError, match="zoom"):
            make_tile(raster, place, "classes", z, 0, 0, EVERYTHING)


def test_every_class_has_its_colour(tmp_path: Path) -> None:
    grid = Grid(16, 160)
    masks = {c.key: np.arange(160)[None].repeat(16, axis=0) // 16 == c.id - 1 for c in CLASSES}
    raster = write_probabilities(tmp_path / "p.tif", grid, **masks)
    tile = picture(make_tile(raster, MapGeometry(grid), "classes", 0, 0, 0, EVERYTHING))
    for c in CLASSES:
        assert tuple(tile[:3, 8, c.id * 16 - 8]) == c.colour


@pytest.mark.parametrize(("z", "size"), [(-1, 2), (-2, 4)])
def test_far_tiles_are_not_stretched(tmp_path: Path, z: int, size: int) -> None:
    grid = Grid(256 * size, 256 * size)
    steps = (np.arange(256 * size) // size % 256).clip(1).astype(np.uint8)
    values = np.broadcast_to(steps[:, None], grid.shape)[None].repeat(5, axis=0)
    write_cog(tmp_path / "d.tif", values, grid, nodata=0, descriptions=DISPLAY_BANDS, resampling="average")
    tile = picture(make_tile(str(tmp_path / "d.tif"), MapGeometry(grid), "true-colour", z, 0, 0, EVERYTHING))
    assert (tile[0] == np.arange(256).clip(1)[:, None]).all()
