"""Result files in every format, each written whole or not at all."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from suelo.errors import InputError
from suelo.imagery.grid import Grid
from suelo.imagery.scene import Scene
from suelo.imagery.statistics import BandStatistics
from suelo.landcover import CLASSES
from suelo.segmentation.atomic import naming, replacing
from suelo.segmentation.components import Totals
from suelo.segmentation.polygons import polygonise_class
from suelo.segmentation.preview import write_preview
from suelo.segmentation.raster import ProbabilitySource, opened
from suelo.segmentation.selection import Selection
from suelo.segmentation.spreadsheet import write_spreadsheet
from suelo.segmentation.summary import ClassSummary, summarise_class, summary_of, valid_area_m2
from suelo.segmentation.vectors import AddPolygons, fgb_file, geojson_file, gpkg_file

FORMATS = ("gpkg", "geojson", "fgb", "csv", "xlsx", "png")
"""What `export` writes."""
_TABLES = ("csv", "xlsx")

FILE_NAMES = {
    "gpkg": "polygons.gpkg",
    "geojson": "polygons.geojson",
    "fgb": "polygons.fgb",
    "csv": "classes.csv",
    "xlsx": "classes.xlsx",
    "png": "preview.png",
}
"""Name of the file of each format in a folder of results."""

CSV_COLUMNS = ("class_id", "class", "threshold", "polygons", "area_m2", "area_share", "mean_probability")


def export(
    probabilities: ProbabilitySource,
    selection: Selection,
    fmt: str,
    path: str | os.PathLike[str],
    *,
    name: str = "landcover",
    image: Scene | str | os.PathLike[str] | None = None,
    statistics: BandStatistics | None = None,
) -> None:
    """Write one result file for the classes that are switched on.

    Args:
        probabilities: The probability raster.
        selection: Thresholds, classes, smallest areas and tolerance.
        fmt: One of `FORMATS`.
        path: The file; one that is there already is replaced.
        name: Name of the scene, for formats that hold one.
        image: For "png": the scene, or the path of its display raster.
        statistics: For "png" of a scene: how to stretch it.

    Raises:
        InputError: There is no such format, "png" lacks its image, or the probabilities cannot be opened.
    """
    if fmt != "png":
        export_all(probabilities, selection, {fmt: path}, name=name, all_classes=False)
        return
    if image is None:
        raise InputError("A preview needs the image as well as the probabilities.")
    with opened(probabilities) as raster, replacing(path) as part:
        write_preview(raster, selection, part, image, statistics)


def export_all(
    probabilities: ProbabilitySource,
    selection: Selection,
    files: Mapping[str, str | os.PathLike[str]],
    *,
    name: str = "landcover",
    all_classes: bool = True,
) -> list[ClassSummary]:
    """Write several result files for the classes that are switched on, in one pass over the raster.

    Args:
        probabilities: The probability raster.
        selection: Thresholds, classes, smallest areas and tolerance.
        files: Some of `FORMATS`, all but "png", and their files; those that are there already are replaced.
        name: Name of the scene, for formats that hold one.
        all_classes: Also summarise the classes that are switched off.

    Returns:
        What `summarise` says of the classes.

    Raises:
        InputError: There is no such format, it is "png", or the probabilities cannot be opened.
        SueloError: A file cannot be written.
    """
    for fmt in files:
        if fmt not in FORMATS:
            raise InputError(f"There is no format {fmt!r}; the formats are {', '.join(FORMATS)}.")
        if fmt == "png":
            raise InputError("A preview needs the image as well as the probabilities.")
    with opened(probabilities) as raster, ExitStack() as stack:
        final = {fmt: Path(path) for fmt, path in files.items()}
        parts = {fmt: stack.enter_context(replacing(path)) for fmt, path in final.items()}
        adders = {
            final[fmt]: stack.enter_context(_polygon_file(fmt, raster.grid, selection, name, final[fmt], part))
            for fmt, part in parts.items()
            if fmt not in _TABLES
        }
        valid_m2 = valid_area_m2(raster)
        rows = []
        for c in CLASSES:
            totals = Totals()
            if c.id in selection.class_ids and adders:
                for batch in polygonise_class(raster, selection, c, totals):
                    for path, add in adders.items():
                        with naming(path):
                            add(batch)
                rows.append(summary_of(totals, selection, c, valid_m2))
            elif all_classes or c.id in selection.class_ids:
                rows.append(summarise_class(raster, selection, c, valid_m2))
        shown = [row for row in rows if row.class_id in selection.class_ids]
        for fmt in final.keys() & _TABLES:
            with naming(final[fmt]):
                (_write_csv if fmt == "csv" else write_spreadsheet)(shown, parts[fmt])
    return rows


@contextmanager
def _polygon_file(
    fmt: str, grid: Grid, selection: Selection, name: str, final: Path, part: Path
) -> Iterator[AddPolygons]:
    with naming(final):
        match fmt:
            case "gpkg":
                file = gpkg_file(grid, selection, part)
            case "fgb":
                file = fgb_file(grid, part)
            case _:
                file = geojson_file(grid, name, part)
        with file as add:
            yield add


def _write_csv(rows: Iterable[ClassSummary], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(CSV_COLUMNS)
        for row in rows:
            probability = "" if row.mean_probability is None else f"{row.mean_probability:.4f}"
            table.writerow(
                (
                    row.class_id,
                    row.key,
                    f"{row.threshold:g}",
                    row.polygons,
                    f"{row.area_m2:.2f}",
                    f"{row.area_share:.8f}",
                    probability,
                )
            )
