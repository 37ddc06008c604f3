"""Made-up scenes: in memory, or streamed to an image, a truth raster and truth polygons on disk."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window as RasterioWindow

from suelo.errors import InputError
from suelo.imagery.grid import DEFAULT_GSD_M, Grid
from suelo.imagery.scene import BAND_NAMES
from suelo.landcover import CLASS_COUNT, CLASS_KEYS, CLASSES
from suelo.simulation.drawing import Shape, snap
from suelo.simulation.layout import STYLES
from suelo.simulation.noise import generator
from suelo.simulation.place import scene_grid
from suelo.simulation.render import Renderer, part_objects
from suelo.simulation.world import Key, World

_LARGE_SIDE = 700


@dataclass(frozen=True)
class SimulatedChip:
    """A made-up scene in memory.

    Attributes:
        image: Numbers, uint16 (8, h, w), 1 to 2047, in WorldView-3's band order; 0 in all bands without data.
        truth: bool (10, h, w); a pixel belongs to a class where its centre is inside one of the class's objects.
        objects: Class id and outline of every object, in pixels (x to the right, y down), cut at the scene's edges.
        style: What the scene is made of, a key of `STYLES`.
    """

    image: NDArray[np.uint16]
    truth: NDArray[np.bool_]
    objects: list[tuple[int, Shape]]
    style: str


@dataclass(frozen=True)
class SimulatedFiles:
    """A made-up scene on disk.

    Attributes:
        image: GeoTIFF of eight bands, uint16.
        truth: GeoTIFF of ten bands, uint8: 1 where a pixel's centre is inside an object of the class.
        polygons: GeoPackage with the layer `truth`: outlines with `class_id` and `class`.
        grid: Size, transform and CRS of both rasters.
        style: What the scene is made of, a key of `STYLES`.
    """

    image: Path
    truth: Path
    polygons: Path
    grid: Grid
    style: str


def simulate_array(
    height: int,
    width: int,
    seed: int,
    *,
    gsd_m: float = DEFAULT_GSD_M,
    style: str | None = None,
    nodata_margin: int = 0,
    with_objects: bool = True,
) -> SimulatedChip:
    """Make a scene in memory.

    Args:
        height: Rows.
        width: Columns.
        seed: The same seed gives the same scene to the last bit.
        gsd_m: Ground sampling distance in metres.
        style: A key of `STYLES`. If None it is drawn by seed: scenes of 700 pixels and more are mixed, so that all ten
            classes occur; smaller ones favour one kind of land, so that rare classes are common in some of them.
        nodata_margin: Width in pixels of the slanted margin without data.
        with_objects: False leaves the list of objects empty, which is quicker.

    Raises:
        InputError: A size, seed, style or margin is impossible.
    """
    world, renderer, outline = _open(height, width, seed, gsd_m, style, nodata_margin)
    parts = world.parts(world.keys(0, 0, height, width)) if with_objects else []
    return SimulatedChip(
        image=renderer.image(0, 0, height, width),
        truth=renderer.truth(0, 0, height, width),
        objects=[found for part in parts for found in part_objects(part, outline)],
        style=world.style,
    )


def simulate(
    path: str | os.PathLike[str],
    *,
    height: int,
    width: int,
    seed: int,
    crs: str | None = "EPSG:9377",
    gsd_m: float = DEFAULT_GSD_M,
    style: str | None = None,
    nodata_margin: int = 0,
    tile: int = 512,
    progress: Callable[[float], None] | None = None,
) -> SimulatedFiles:
    """Make a scene on disk, strip by strip, so that memory grows with its width and not with its height.

    Writes the image to `path` and, beside it, `<stem>_truth.tif` and `<stem>_truth.gpkg`. None of the three appears
    before all are whole.

    Args:
        path: Where the image goes; its folder is made if it is missing.
        height: Rows.
        width: Columns.
        seed: The same seed gives the same scene.
        crs: Coordinate reference system in any form that PROJ reads, or None for an image without georeference. The
            scene lies on the savanna of Bogotá, or in the middle of the CRS's area of use if that is elsewhere.
        gsd_m: Ground sampling distance in metres.
        style: As for `simulate_array`.
        nodata_margin: As for `simulate_array`; the margin is 0 in all bands and has no nodata tag, as in WorldView's
            own files.
        tile: Side in pixels of the pieces that are drawn at a time; it does not change the scene.
        progress: Called with the finished share, 0 to 1.

    Raises:
        InputError: A size, seed, style, margin or CRS is impossible, or the path is.
    """
    world, renderer, outline = _open(height, width, seed, gsd_m, style, nodata_margin)
    grid = scene_grid(height, width, crs, gsd_m)
    image = Path(path)
    names = (image.name, f"{image.stem}_truth.tif", f"{image.stem}_truth.gpkg")
    if image.is_dir():
        raise InputError(f"The path {image} is a folder; a scene needs the name of a file.")
    try:
        image.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {image.parent} cannot be made: {error.strerror}.") from None
    with tempfile.TemporaryDirectory(dir=image.parent, prefix=".suelo-") as folder:
        parts = tuple(Path(folder) / name for name in names)
        with (
            rasterio.open(parts[0], "w", **_profile(grid, 8, "uint16")) as numbers,
            rasterio.open(parts[1], "w", **_profile(grid, CLASS_COUNT, "uint8")) as truth,
        ):
            numbers.descriptions = BAND_NAMES
            truth.descriptions = tuple(c.name for c in CLASSES)
            numbers.update_tags(suelo_seed=str(seed), suelo_style=world.style)
            written: set[Key] = set()
            for row in range(0, height, tile):
                rows = min(tile, height - row)
                keys = world.keys(row, 0, rows, width)
                world.keep = len(keys) + 8
                fresh = [key for key in keys if key not in written]
                written.update(fresh)
                found = [pair for part in world.parts(fresh) for pair in part_objects(part, outline)]
                _append_polygons(parts[2], found, grid, first=row == 0)
                for col in range(0, width, tile):
                    cols = min(tile, width - col)
                    window = RasterioWindow(col, row, cols, rows)
                    numbers.write(renderer.image(row, col, rows, cols), window=window)
                    truth.write(renderer.truth(row, col, rows, cols).astype(np.uint8), window=window)
                    if progress is not None:
                        progress((row * width + rows * (col + cols)) / (height * width))
        for part in reversed(parts):
            part.replace(image.parent / part.name)
    return SimulatedFiles(image, image.with_name(names[1]), image.with_name(names[2]), grid, world.style)


def _open(
    height: int, width: int, seed: int, gsd_m: float, style: str | None, margin: int
) -> tuple[World, Renderer, shapely.Polygon]:
    if min(height, width) < 16:
        raise InputError(f"A scene has at least 16 rows and columns; {height} × {width} was asked for.")
    if seed < 0:
        raise InputError(f"A seed is 0 or more; {seed} is not.")
    if not 0.2 <= gsd_m <= 10.0:
        raise InputError(f"A made-up scene has a ground sampling distance of 0.2 to 10 m; {gsd_m:g} m was asked for.")
    if not 0 <= margin <= min(height, width) // 3:
        raise InputError(f"A margin without data is 0 to a third of the scene's side; {margin} pixels were asked for.")
    if style is None:
        names = tuple(STYLES)
        style = "mixed" if min(height, width) >= _LARGE_SIDE else names[int(generator(seed, 5).integers(len(names)))]
    elif style not in STYLES:
        raise InputError(f"There is no style {style!r}; the styles are {', '.join(STYLES)}.")
    world = World(seed, style, gsd_m)
    if margin == 0:
        return world, Renderer(world), shapely.box(0, 0, width, height)
    outline = _outline(height, width, seed, margin)
    return world, Renderer(world, outline), outline


def _outline(height: int, width: int, seed: int, margin: int) -> shapely.Polygon:
    """A convex outline with slanted, slightly bent edges, `margin` pixels wide at most."""
    rng = generator(seed, 6)
    near, far = rng.uniform(0.55, 1.0, (4, 2)) * margin, rng.uniform(0.1, 0.35, 4) * margin
    ring = [
        (near[0, 0], near[0, 1]),
        (width / 2, far[0]),
        (width - near[1, 0], near[1, 1]),
        (width - far[1], height / 2),
        (width - near[2, 0], height - near[2, 1]),
        (width / 2, height - far[2]),
        (near[3, 0], height - near[3, 1]),
        (far[3], height / 2),
    ]
    return shapely.Polygon(snap(np.array(ring)))


def _profile(grid: Grid, bands: int, dtype: str) -> dict[str, object]:
    side = 256 if max(grid.shape) > 256 else 16 * -(-max(grid.shape) // 16)
    return {
        "driver": "GTiff",
        "height": grid.height,
        "width": grid.width,
        "count": bands,
        "dtype": dtype,
        "crs": grid.crs,
        "transform": grid.transform if grid.crs is not None else None,
        "tiled": True,
        "blockxsize": side,
        "blockysize": side,
        "compress": "deflate",
        "predictor": 2,
        "bigtiff": "if_safer",
    }


def _append_polygons(path: Path, objects: list[tuple[int, Shape]], grid: Grid, *, first: bool) -> None:
    import pyogrio

    if not objects and not first:
        return
    t = grid.transform
    geometries = shapely.transform(
        np.array([geometry for _, geometry in objects], object),
        lambda p: np.stack([t.a * p[:, 0] + t.b * p[:, 1] + t.c, t.d * p[:, 0] + t.e * p[:, 1] + t.f], -1),
    )
    ids = np.array([class_id for class_id, _ in objects], np.int32)
    with warnings.catch_warnings():
        # Without a CRS the outlines are in pixels, as they should be; no warning is needed.
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        pyogrio.raw.write(
            path,
            geometry=np.array(shapely.to_wkb(geometries), object),
            field_data=[ids, np.array([CLASS_KEYS[k - 1] for k in ids], object)],
            fields=["class_id", "class"],
            geometry_type="Polygon",
            crs=grid.crs.to_wkt() if grid.crs is not None else None,
            driver="GPKG",
            layer="truth",
            append=not first,
        )
