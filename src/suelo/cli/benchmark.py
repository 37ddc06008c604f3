"""`suelo benchmark`: measures what can be learned from real labelled images, a table of the model card each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suelo.cli.progress import progress_bar
from suelo.errors import InputError

app = typer.Typer(
    name="benchmark",
    help="Measure on real labelled images; each command prints a table of the model card.",
    no_args_is_help=True,
)


@app.command("swir")
def swir(
    data: Annotated[Path, typer.Option(help="Folder in Kaggle's DSTL layout.")] = Path("../shared/data/dstl"),
    work: Annotated[
        Path, typer.Option(help="Folder for the predictions of finished folds; the same folder resumes.")
    ] = Path("runs/swir"),
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.", min=0)] = 1,
    threads: Annotated[int, typer.Option(help="Threads of the arithmetic; 0 uses all cores.", min=0)] = 0,
) -> None:
    """Real short-wave infrared images (eight bands, 7.5 m) with real labels, held out by place.

    Five folds: a small network learns from four and predicts the fifth; thresholds of a fold come from the other
    four. A pixel belongs to a class that covers half of it or more. Areas are summed over all scenes.

    Needs the training extra; in Suelo's source folder:
    pip install '.[train]'.

    Examples:

      suelo benchmark swir --data dstl --work runs/swir
    """
    try:
        from suelo.training.swir import SwirBenchmark, run_swir
    except ModuleNotFoundError as error:
        raise InputError(
            f"The benchmark needs the package {error.name}, which is not installed; "
            "in Suelo's source folder: pip install '.[train]'."
        ) from None

    with progress_bar("SWIR benchmark") as report:
        scores = run_swir(SwirBenchmark(data, work, seed=seed, threads=threads), report)
    typer.echo(f"{scores.scenes} SWIR images at 7.5 m, {scores.folds} folds by place, seed {seed}\n\n{scores.table()}")
