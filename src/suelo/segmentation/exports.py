"""Result files in every format, each written whole or not at all."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from suelo.errors import InputError
from suelo.imagery.scene import Scene
from suelo.imagery.statistics import BandStatistics
from suelo.segmentation.atomic import replacing
from suelo.segmentation.polygons import polygonise
from suelo.segmentation.preview import write_preview
from suelo.segmentation.raster import Probabilities, ProbabilitySource, opened
from suelo.segmentation.selection import Selection
from suelo.segmentation.summary import summarise_class, valid_area_m2
from suelo.segmentation.vectors import write_fgb, write_geojson, write_gpkg

FORMATS = ("gpkg", "geojson", "fgb", "csv", "png")
"""What `export` writes."""

FILE_NAMES = {
    "gpkg": "polygons.gpkg",
    "geojson": "polygons.geojson",
    "fgb": "polygons.fgb",
    "csv": "classes.csv",
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
    if fmt not in FORMATS:
        raise InputError(f"There is no format {fmt!r}; the formats are {', '.join(FORMATS)}.")
    with opened(probabilities) as raster, replacing(path) as part:
        match fmt:
            case "gpkg":
                write_gpkg(polygonise(raster, selection), raster.grid, selection, part)
            case "fgb":
                write_fgb(polygonise(raster, selection), raster.grid, part)
            case "geojson":
                write_geojson(polygonise(raster, selection), raster.grid, name, part)
            case "csv":
                _write_csv(raster, selection, part)
            case _:
                if image is None:
                    raise InputError("A preview needs the image as well as the probabilities.")
                write_preview(raster, selection, part, image, statistics)


def _write_csv(raster: Probabilities, selection: Selection, path: Path) -> None:
    valid_m2 = valid_area_m2(raster)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(CSV_COLUMNS)
        for c in selection.classes:
            row = summarise_class(raster, selection, c, valid_m2)
            probability = "" if row.mean_probability is None else f"{row.mean_probability:.4f}"
            table.writerow(
                (
                    c.id,
                    c.key,
                    f"{row.threshold:g}",
                    row.polygons,
                    f"{row.area_m2:.2f}",
                    f"{row.area_share:.8f}",
                    probability,
                )
            )
