"""`suelo quantise`: an int8 model file from an fp32 one, and what that loses and gains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from suelo.errors import InputError
from suelo.progress import progress_bar


def quantise(
    model: Annotated[Path, typer.Argument(help="The fp32 model file.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The int8 model file to write.")] = Path("suelo-int8.onnx"),
    data: Annotated[
        Path | None, typer.Option(help="Labelled images to calibrate on: a folder in Kaggle's DSTL layout.")
    ] = None,
    elsewhere: Annotated[
        Path | None, typer.Option(help="Labelled images of other places: a folder with naip/, dubai/ or both.")
    ] = None,
    hold_out: Annotated[
        list[str] | None,
        typer.Option(help="Id of a labelled image to measure on, not to calibrate on; may be repeated."),
    ] = None,
    chips: Annotated[int, typer.Option(help="Chips to calibrate on.", min=1)] = 300,
    scenes: Annotated[int, typer.Option(help="Simulated scenes to measure on.", min=0)] = 16,
    seed: Annotated[int, typer.Option(help="Seed of the choice of chips.", min=0)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
) -> None:
    """Write a model file that computes in int8, and set it beside the fp32 one.

    Chips of labelled images, or else of simulated scenes, show how large the numbers between the layers get. Then
    both models are measured on scenes of which no chip was taken: simulated ones, the labelled images that were held
    out (every fourth place by default), and images of other places that no training sees. Needs the training extra;
    in Suelo's source folder: pip install '.[train]'.

    Examples:

      suelo quantise suelo.onnx -o suelo-int8.onnx

      suelo quantise suelo.onnx -o suelo-int8.onnx --data dstl --elsewhere elsewhere
    """
    from tempfile import TemporaryDirectory

    try:
        from suelo.training.calibration import gather_calibration
        from suelo.training.comparison import compare
        from suelo.training.options import VALIDATION_SEEDS
        from suelo.training.quantise import check_installed
        from suelo.training.quantise import quantise as write_int8
    except ModuleNotFoundError as error:
        raise InputError(
            f"Quantisation needs the package {error.name}, which is not installed; "
            "in Suelo's source folder: pip install '.[train]'."
        ) from None
    from suelo.model.session import load_model

    check_installed()
    load_model(model)  # what is wrong with it is better known before the scenes are made
    with progress_bar("Quantising", hidden=as_json) as report, TemporaryDirectory() as folder:
        material = gather_calibration(
            Path(folder),
            data=data,
            elsewhere=elsewhere,
            hold_out=tuple(hold_out) if hold_out else None,
            chips=chips,
            seed=seed,
            progress=lambda now: report(now.stage, now.done, now.total),
        )
        write_int8(
            model,
            material.chips,
            out,
            note=material.note,
            progress=lambda done, total: report("calibrating", done, total),
        )
        found = compare(
            load_model(model), load_model(out), material.held_out, VALIDATION_SEEDS[:scenes], progress=report
        )
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2))
        return
    saved = model.stat().st_size / out.stat().st_size
    typer.echo(f"{found.table()}\n\nThe int8 model is in {out}, {saved:.1f} times smaller than {model}.")
