"""`suelo segment`: images in, folders of results out."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from suelo.errors import InputError, SueloError
from suelo.progress import Report, progress_bar

if TYPE_CHECKING:
    from suelo.model.session import Model
    from suelo.segmentation.engine import Progress
    from suelo.segmentation.segment import Segmentation
    from suelo.segmentation.selection import Selection


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""Line breaks and their kind: libraries that write GeoPackage and GeoJSON take no path with them."""


class Format(StrEnum):
    """What can be written beside the probabilities and `result.json`."""

    gpkg = "gpkg"
    geojson = "geojson"
    fgb = "fgb"
    csv = "csv"
    xlsx = "xlsx"
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
    model: Annotated[
        Path | None,
        typer.Option(
            help="Another model file (.onnx with its contract inside), or a word: flips is better and slow, int8 is "
            "quick. Default: SUELO_MODEL."
        ),
    ] = None,
    provider: Annotated[
        str,
        typer.Option(
            help="Run the network by this execution provider of ONNX Runtime, as in cuda, in place of OpenVINO. "
            "Default: SUELO_PROVIDER."
        ),
    ] = "",
    statistics: Annotated[
        Path | None,
        typer.Option(help="Stretch with the statistics of another scene: its result.json or a statistics file."),
    ] = None,
    gsd: Annotated[
        float | None, typer.Option(help="Metres per pixel where the image does not say. Default: 1.24.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with what an interrupted run left in the output, and keep what is done."),
    ] = False,
    workers: Annotated[
        int, typer.Option(help="Spread the strips of scenes over so many processes on this machine.", min=0)
    ] = 0,
    scheduler: Annotated[
        str, typer.Option(help="Spread the strips of scenes over a Dask cluster: the tcp:// address of its scheduler.")
    ] = "",
    store: Annotated[
        str,
        typer.Option(
            help="Where workers put strips: a folder they all see, or s3://bucket/prefix. Default: the output."
        ),
    ] = "",
    threads: Annotated[
        int | None, typer.Option(help="Threads for the network; 0 uses all cores. Default: SUELO_THREADS or 0.", min=0)
    ] = None,
    show_profile: Annotated[bool, typer.Option("--profile", help="Print where the time went.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON per image on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Find the land cover of one or more images.

    Each image gets a folder named after it, with probabilities.tif (ten bands, 0..250), polygons.gpkg,
    polygons.geojson, classes.csv, preview.png and result.json. One image that cannot be used does not stop the others.

    Files appear when all of an image are whole. What is finished of one that was interrupted stays in the folder
    .unfinished, and the same command with --resume goes on there.

    Examples:

      suelo segment scene.tif -o results

      suelo segment *.tif -o results --threshold 0.5 --threshold buildings=0.4

      suelo segment east.tif -o results --statistics results/west/result.json --format gpkg

      suelo segment *.tif -o results --scheduler tcp://scheduler:8786 --resume
    """
    from suelo.cli.batch import Batch
    from suelo.imagery.statistics import BandStatistics
    from suelo.model.session import load_model
    from suelo.segmentation.strips import StripStore

    if workers and scheduler:
        raise InputError("--workers starts workers on this machine and --scheduler uses others; give one of the two.")
    if store and not (workers or scheduler):
        raise InputError("--store is where workers put strips; it needs --workers or --scheduler.")
    if store:
        StripStore(store)  # says what is wrong with the address, once for all images
    model, threads, provider = _network(model, threads, provider)
    # Where workers run the network, one thread of any kind is enough here: nothing but its contract is used.
    network = (
        load_model(model, threads=1) if workers or scheduler else load_model(model, threads=threads, provider=provider)
    )
    selection = _selection(network, threshold or [], classes, min_area or [], simplify)
    stretch = BandStatistics.load(statistics) if statistics else None
    chosen = [f.value for f in formats] if formats else ["gpkg", "geojson", "csv", "png"]
    folders = _folders(images, output)

    worst = 0
    with ExitStack() as stack:
        stack.enter_context(_interruptible(output, folders))
        cluster = None
        if workers or scheduler:
            from suelo.cluster.driver import connected

            cluster = stack.enter_context(
                connected(scheduler, workers=workers, threads=threads, model=model, provider=provider)
            )
            if not cluster.workers:
                typer.secho(f"The scheduler at {scheduler} has no workers yet; waiting for one.", err=True)
        batch = Batch(network, stretch, gsd, resume, store, cluster)
        begun = stack.enter_context(closing(batch.begin(images, folders)))
        for number, (image, folder, finish) in enumerate(zip(images, folders, begun, strict=True), start=1):
            title = _shown(folder.name) if len(images) == 1 else f"{number}/{len(images)} {_shown(folder.name)}"
            started = time.perf_counter()
            try:
                with progress_bar(title, hidden=quiet or as_json) as report:
                    result, profile = finish(selection, chosen, partial(_pass_on, report))
            except (SueloError, OSError, RuntimeError, UnicodeError) as error:
                worst = max(worst, error.exit_code if isinstance(error, SueloError) else 1)
                said = str(error) if isinstance(error, SueloError) else f"It cannot be segmented: {_reason(error)}."
                if as_json:
                    typer.echo(json.dumps({"image": _shown(image), "error": said}, ensure_ascii=False))
                typer.secho(f"{_shown(image)}: {said}", fg="red", err=True)
                continue
            if as_json:
                more = {"profile": profile.to_dict()} if show_profile else {}
                typer.echo(json.dumps(_record(image, folder, result) | more, ensure_ascii=False))
            elif not quiet:
                _print_table(result, folder, time.perf_counter() - started)
            if show_profile and not as_json:
                typer.echo(profile.table())
    raise typer.Exit(worst)


def _network(model: Path | None, threads: int | None, provider: str) -> tuple[Path | None, int, str]:
    """The model file, the threads for the network and what runs it: as asked for, or as the environment says."""
    if not {"SUELO_MODEL", "SUELO_THREADS", "SUELO_PROVIDER"} & {name.upper() for name in os.environ}:
        return model, threads or 0, provider  # without the time that reading the settings takes
    from suelo.settings import read_settings

    settings = read_settings()
    return model or settings.model, settings.threads if threads is None else threads, provider or settings.provider


def _shown(name: str) -> str:
    """A name as it can be printed, also where it is not in UTF-8."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def _pass_on(report: Report, progress: Progress) -> None:
    report(progress.stage, progress.done, progress.total)


@contextmanager
def _interruptible(output: Path, folders: Sequence[Path]) -> Iterator[None]:
    """After Ctrl-C, say how it goes on."""
    from suelo.segmentation.resumable import UNFINISHED

    try:
        yield
    except KeyboardInterrupt:
        if any((folder / UNFINISHED).exists() for folder in folders):
            typer.secho(
                f"Interrupted. What is finished stays in {output}; the same command with --resume goes on there.",
                err=True,
            )
        raise typer.Exit(130) from None


def _selection(
    network: Model, thresholds: Sequence[str], classes: str, min_areas: Sequence[str], simplify: float
) -> Selection:
    from suelo.segmentation.selection import Selection

    selection = Selection(network.contract.thresholds, simplify_m=simplify)
    selection = selection.with_thresholds(thresholds).with_min_areas(min_areas)
    if not classes.strip():
        return selection
    names = [name for name in classes.split(",") if name.strip()]
    if not names:
        raise InputError(f"--classes takes names of classes, as in buildings,roads; {classes!r} has none.")
    return selection.with_classes(names)


def _folders(images: Sequence[str], output: Path) -> list[Path]:
    """A folder for each image; images of the same name in different folders get numbers."""
    try:
        if output.exists() and not output.is_dir():
            raise InputError(f"The output {output} is a file; it must be a folder.")
    except OSError as error:
        raise InputError(f"The output {output} cannot be used: {error.strerror}.") from None
    if _CONTROL.search(str(output.absolute())):
        raise InputError(f"The output {str(output)!r} has a line break or the like in it; it needs a path without.")
    folders: list[Path] = []
    for image in images:
        path = image.split("?")[0] if image.startswith(("http://", "https://")) else image
        stem = _CONTROL.sub("_", Path(path.rstrip("/")).stem) or "image"
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
                f"{row.threshold:g}",
                f"{row.polygons:,}",
                f"{row.area_m2 / 10_000:.2f}",
                f"{row.area_share:.1%}",
            )
    console = Console()
    console.print(table)
    if result.grid.crs is None:
        typer.echo(
            f"The image has no CRS: a pixel is taken to be {result.grid.gsd_m:g} m wide (--gsd says otherwise), and "
            "polygons are in pixels."
        )
    console.print(f"Results are in {folder}", soft_wrap=True, highlight=False)
