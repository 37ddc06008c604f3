"""`suelo segment`: images in, folders of results out."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from suelo.errors import InputError, SueloError
from suelo.progress import Report, progress_bar

if TYPE_CHECKING:
    from suelo.imagery.statistics import BandStatistics
    from suelo.model.session import Model
    from suelo.segmentation.segment import Segmentation
    from suelo.segmentation.selection import Selection


class Format(StrEnum):
    """What can be written beside the probabilities and `result.json`."""

    gpkg = "gpkg"
    geojson = "geojson"
    fgb = "fgb"
    csv = "csv"
    png = "png"


def segment(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="8-band TIFFs: paths, s3:// or https:// addresses.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results; one folder per image in it.")],
    threshold: Annotated[
        list[str] | None,
        typer.Option(help="0.5 for all classes or CLASS=0.4 for one; repeat it. Default: the model's own."),
    ] = None,
    classes: Annotated[str, typer.Option(help="Only these classes, as in 'buildings,roads'. Default: all ten.")] = "",
    min_area: Annotated[
        list[str] | None, typer.Option(help="Leave out objects smaller than this many m²: 10 or CLASS=10; repeat it.")
    ] = None,
    simplify: Annotated[float, typer.Option(help="Simplify outlines by this many metres; 0 keeps pixel edges.")] = 0.0,
    formats: Annotated[
        list[Format] | None, typer.Option("--format", help="What to write; repeat it. Default: gpkg geojson csv png.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Another model file (.onnx with its contract inside).")] = None,
    statistics: Annotated[
        Path | None,
        typer.Option(help="Stretch with the statistics of another scene: its result.json or a statistics file."),
    ] = None,
    gsd: Annotated[
        float | None, typer.Option(help="Metres per pixel where the image does not say. Default: 1.24.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads for the network; 0 uses all cores.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON per image on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Find the land cover of one or more images.

    Each image gets a folder named after it, with probabilities.tif (ten bands, 0..250), polygons.gpkg,
    polygons.geojson, classes.csv, preview.png and result.json. One image that cannot be used does not stop the others.

    Examples:

      suelo segment scene.tif -o results

      suelo segment *.tif -o results --threshold 0.5 --threshold buildings=0.4

      suelo segment east.tif -o results --statistics results/west/result.json --format gpkg
    """
    from suelo.imagery.statistics import BandStatistics
    from suelo.model.session import load_model

    network = load_model(model, threads=threads)
    selection = _selection(network, threshold or [], classes, min_area or [], simplify)
    stretch = BandStatistics.load(statistics) if statistics else None
    chosen = [f.value for f in formats] if formats else ["gpkg", "geojson", "csv", "png"]
    folders = _folders(images, output)

    worst = 0
    for number, (image, folder) in enumerate(zip(images, folders, strict=True), start=1):
        title = folder.name if len(images) == 1 else f"{number}/{len(images)} {folder.name}"
        started = time.perf_counter()
        try:
            with progress_bar(title, hidden=quiet or as_json) as report:
                result = _segment_one(image, folder, network, selection, stretch, gsd, chosen, report)
        except SueloError as error:
            worst = max(worst, error.exit_code)
            if as_json:
                typer.echo(json.dumps({"image": image, "error": str(error)}, ensure_ascii=False))
            typer.secho(f"{image}: {error}", fg="red", err=True)
            continue
        if as_json:
            typer.echo(json.dumps(_record(image, folder, result), ensure_ascii=False))
        elif not quiet:
            _print_table(result, folder, time.perf_counter() - started)
    raise typer.Exit(worst)


def _segment_one(
    image: str,
    folder: Path,
    network: Model,
    selection: Selection,
    statistics: BandStatistics | None,
    gsd: float | None,
    formats: Sequence[str],
    report: Report,
) -> Segmentation:
    from suelo.segmentation.segment import segment as run

    result = run(
        image,
        model=network,
        statistics=statistics,
        selection=selection,
        gsd_m=gsd,
        progress=lambda p: report(p.stage, p.done, p.total),
    )
    result.write(folder, formats)
    return result


def _selection(
    network: Model, thresholds: Sequence[str], classes: str, min_areas: Sequence[str], simplify: float
) -> Selection:
    from suelo.segmentation.selection import Selection

    selection = Selection(network.contract.thresholds, simplify_m=simplify)
    selection = selection.with_thresholds(thresholds).with_min_areas(min_areas)
    names = [name for name in classes.split(",") if name.strip()]
    return selection.with_classes(names) if names else selection


def _folders(images: Sequence[str], output: Path) -> list[Path]:
    """A folder for each image; images of the same name in different folders get numbers."""
    if output.exists() and not output.is_dir():
        raise InputError(f"The output {output} is a file; it must be a folder.")
    folders: list[Path] = []
    for image in images:
        stem = Path(image.split("?")[0].rstrip("/")).stem or "image"
        folder, count = output / stem, 1
        while folder in folders:
            count += 1
            folder = output / f"{stem}-{count}"
        folders.append(folder)
    return folders


def _record(image: str, folder: Path, result: Segmentation) -> dict[str, Any]:
    return {
        "image": image,
        "folder": str(folder),
        "files": sorted(path.name for path in folder.iterdir()),
        "classes": [row.to_dict() for row in result.summary()],
    }


def _print_table(result: Segmentation, folder: Path, seconds: float) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{result.name}: {result.grid.width} × {result.grid.height} pixels, {seconds:.1f} s")
    table.add_column("class")
    for column in ("threshold", "objects", "hectares", "share"):
        table.add_column(column, justify="right")
    for row in result.summary():
        if row.class_id in result.selection.class_ids:
            table.add_row(
                row.name,
                f"{row.threshold:.2f}",
                f"{row.polygons:,}",
                f"{row.area_m2 / 10_000:.2f}",
                f"{row.area_share:.1%}",
            )
    console = Console()
    console.print(table)
    console.print(f"Results are in {folder}", soft_wrap=True, highlight=False)
