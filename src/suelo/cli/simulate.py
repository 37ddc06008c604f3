"""`suelo simulate`: a made-up scene with its exact truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suelo.errors import InputError
from suelo.progress import progress_bar


def simulate(
    output: Annotated[Path, typer.Argument(metavar="OUT.tif", help="The scene; its truth is written beside it.")],
    size: Annotated[int, typer.Option(help="Width and height in pixels.", min=16)] = 512,
    height: Annotated[int | None, typer.Option(help="Height, if it is not the width.", min=16)] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same scene.", min=0)] = 1,
    crs: Annotated[str, typer.Option(help="Coordinate reference system, near Bogotá.")] = "EPSG:9377",
    gsd: Annotated[float, typer.Option(help="Metres per pixel.", min=0.1, max=20)] = 1.24,
    nodata_margin: Annotated[int, typer.Option(help="Pixels without data at the edges.", min=0)] = 0,
) -> None:
    """Draw an 8-band scene as WorldView-3 would see it, with the truth as raster and polygons.

    Writes OUT.tif, OUT_truth.tif (ten bands, 0 or 1) and OUT_truth.gpkg.

    Examples:

      suelo simulate chip.tif --size 160 --seed 1

      suelo simulate city.tif --size 10000 --seed 7 --nodata-margin 200
    """
    from rasterio import Env

    from suelo.simulation import simulate as draw

    if not output.is_dir() and output.suffix.lower() not in {".tif", ".tiff"}:
        raise InputError(f"A scene is a TIFF, and {output.name} is no name of one; it needs to end in .tif.")
    # Inside of its environment GDAL does not print of itself what the error says anyway.
    with progress_bar(output.name) as report, Env():
        files = draw(
            output,
            height=height or size,
            width=size,
            seed=seed,
            crs=crs,
            gsd_m=gsd,
            nodata_margin=nodata_margin,
            progress=lambda share: report("drawing", round(share * 1000), 1000),
        )
    for path in (files.image, files.truth, files.polygons):
        typer.echo(path)
