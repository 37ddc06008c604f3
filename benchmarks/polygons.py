"""From a probability raster to polygons and files: seconds, and peak memory by height and by number of polygons."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.measurement import Measurement
from benchmarks.scene import LARGE, peak_gb
from suelo.imagery.grid import Grid

SIDE = 1024
WIDTH = 4096
TASKS = {
    "areas": "areas of all classes",
    "outlines": "polygons in memory",
    "gpkg": "GeoPackage",
    "geojson": "GeoJSON",
    "fgb": "FlatGeobuf",
    "all": "GeoPackage, GeoJSON, table and areas in one pass",
}


def polygons(large: bool = False) -> Iterator[Measurement]:
    """Predictions of the shipped model that go on in their mirror images, and a raster full of small squares.

    Args:
        large: Also predictions of 100, 200 and 400 megapixels.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probabilities.tif"
        square, grid = _predictions(Path(folder))
        for height in (WIDTH // 2, WIDTH):
            _write(path, height, WIDTH, grid, _mirror(square, WIDTH))
            yield from _measured(path, f"predictions {height} × {WIDTH}", list(TASKS))
        for height, width in LARGE if large else ():
            _write(path, height, width, grid, _mirror(square, width))
            yield from _measured(path, f"predictions {height} × {width}", list(TASKS))
        for height in (WIDTH // 4, WIDTH):
            _write(path, height, WIDTH, grid, _squares)
            yield from _measured(path, f"{height * WIDTH // 16:,} squares", ["outlines", "gpkg", "geojson", "fgb"])


def _predictions(folder: Path) -> tuple[np.ndarray, Grid]:
    """Probabilities of a simulated scene, and its grid."""
    import suelo
    from suelo.simulation import simulate

    image = folder / "image.tif"
    simulate(image, height=SIDE, width=SIDE, seed=5)
    result = suelo.segment(image)
    return result.probabilities(), result.grid


def _mirror(square: np.ndarray, width: int) -> Callable[[np.ndarray], np.ndarray]:
    def folded(indices: np.ndarray) -> np.ndarray:
        return np.minimum(indices % (2 * SIDE), 2 * SIDE - 1 - indices % (2 * SIDE))

    columns = folded(np.arange(width))
    return lambda rows: np.ascontiguousarray(square[:, folded(rows)][:, :, columns])


def _squares(rows: np.ndarray) -> np.ndarray:
    """Small vehicles: a square of 2 × 2 pixels in every 4 × 4."""
    probabilities = np.zeros((10, len(rows), WIDTH), np.uint8)
    probabilities[9] = np.where((rows[:, None] % 4 < 2) & (np.arange(WIDTH) % 4 < 2), 200, 20)
    return probabilities


def _write(path: Path, height: int, width: int, grid: Grid, rows_of: Callable[[np.ndarray], np.ndarray]) -> None:
    from suelo.imagery.geotiff import RasterWriter
    from suelo.landcover import CLASS_KEYS
    from suelo.segmentation.selection import NO_DATA

    shape = Grid(height, width, grid.transform, grid.crs)
    with RasterWriter(path, shape, bands=10, dtype="uint8", nodata=NO_DATA, descriptions=CLASS_KEYS) as writer:
        for row in range(0, height, 512):
            writer.write(rows_of(np.arange(row, min(row + 512, height))))


def _measured(path: Path, name: str, tasks: list[str]) -> Iterator[Measurement]:
    for task in tasks:
        command = [sys.executable, "-m", "benchmarks.polygons", str(path), task]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        detail = f"peak memory {found['peak_gb']:.2f} GB"
        if "polygons" in found:
            detail += f"; {found['polygons']:,} polygons, {found['vertices']:,} vertices, the largest of "
            detail += f"{found['largest']:,}; their area is that of the pixels to {found['difference']:.0e}"
        yield Measurement(f"{name}: {TASKS[task]}", found["seconds"], "s", detail)


def _probe(path: str, task: str) -> dict[str, float]:
    """One task; in a process of its own, for its memory."""
    from suelo.segmentation.exports import export, export_all
    from suelo.segmentation.selection import Selection
    from suelo.segmentation.summary import summarise

    selection = Selection((0.5,) * 10)
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        match task:
            case "areas":
                summarise(path, selection)
            case "outlines":
                found = _outlines(path, selection)
            case "all":
                files = {fmt: Path(folder) / f"result.{fmt}" for fmt in ("gpkg", "geojson", "csv")}
                export_all(path, selection, files)
            case _:
                export(path, selection, task, Path(folder) / f"polygons.{task}")
        found["seconds"] = time.perf_counter() - started
    found["peak_gb"] = peak_gb()
    return found


def _outlines(path: str, selection: object) -> dict[str, float]:
    import shapely

    from suelo.segmentation.polygons import polygonise

    count, vertices, largest, pixels, covered = 0, 0, 0, 0.0, 0.0
    for batch in polygonise(path, selection):  # type: ignore[arg-type]
        coordinates = shapely.get_num_coordinates(batch.geometry)
        count += len(batch)
        vertices += int(coordinates.sum())
        largest = max(largest, int(coordinates.max()))
        pixels += float(batch.area_m2.sum())
        covered += float(shapely.area(batch.geometry).sum())
    difference = abs(covered - pixels) / pixels
    return {"polygons": count, "vertices": vertices, "largest": largest, "difference": difference}


if __name__ == "__main__":
    print(json.dumps(_probe(sys.argv[1], sys.argv[2])))
