"""`suelo train` and `suelo evaluate`: make a model, and say how good one is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from suelo.cli.progress import progress_bar
from suelo.errors import InputError

if TYPE_CHECKING:
    from suelo.training.options import TrainingProgress


def train(
    out: Annotated[Path, typer.Option(help="The model file to write.")] = Path("suelo.onnx"),
    work: Annotated[
        Path, typer.Option(help="Folder for scenes, checkpoints and the log; the same folder resumes.")
    ] = Path("runs/default"),
    quick: Annotated[bool, typer.Option("--quick", help="A small network for a minute, to see that it works.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of weights and batches.", min=0)] = 1,
    steps: Annotated[int | None, typer.Option(help="Training steps.", min=1)] = None,
    scenes: Annotated[int | None, typer.Option(help="Simulated training scenes.", min=1)] = None,
    threads: Annotated[int, typer.Option(help="Threads of the arithmetic; 0 uses all cores.", min=0)] = 0,
) -> None:
    """Train the network on simulated scenes and write one ONNX file with its contract inside.

    The defaults are those of the shipped model. A training that was stopped goes on where it was when the same
    command is given again. Needs the training extra; in Suelo's source folder:
    pip install '.[train]'.

    Examples:

      suelo train --out my-model.onnx --work runs/mine

      suelo train --quick --out small.onnx --work runs/small
    """
    try:
        from suelo.training.options import TrainingOptions
        from suelo.training.train import train as run
    except ModuleNotFoundError as error:
        raise InputError(
            f"Training needs the package {error.name}, which is not installed; "
            "in Suelo's source folder: pip install '.[train]'."
        ) from None

    given: dict[str, Any] = {"seed": seed, "threads": threads}
    given |= {name: value for name, value in (("steps", steps), ("scenes", scenes)) if value is not None}
    options = TrainingOptions.quick(out, work, **given) if quick else TrainingOptions(out=out, work=work, **given)

    with progress_bar("Training") as report:

        def show(progress: TrainingProgress) -> None:
            figures = [progress.stage]
            if progress.loss is not None:
                figures.append(f"loss {progress.loss:.3f}")
            if progress.jaccard is not None:
                figures.append(f"validation Jaccard {progress.jaccard:.3f}")
            report(", ".join(figures), progress.done, progress.total)

        path = run(options, show)
    typer.echo(f"The model is in {path}; `suelo model show {path}` says how good it is.")


def evaluate(
    model: Annotated[Path | None, typer.Option(help="A model file; the shipped one by default.")] = None,
    scenes: Annotated[int, typer.Option(help="Simulated test scenes.", min=1)] = 24,
    size: Annotated[int, typer.Option(help="Their width and height in pixels.", min=16)] = 512,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
) -> None:
    """Measure a model on simulated scenes on which nothing was trained or chosen.

    Per class: the areas of intersection and union are summed over all scenes, and their ratio is the Jaccard index;
    the mean over the ten classes is plain.

    Examples:

      suelo evaluate

      suelo evaluate --model my-model.onnx --scenes 60 --json
    """
    from suelo.model.session import load_model
    from suelo.training.evaluate import evaluate_simulated
    from suelo.training.options import TEST_SEEDS

    with progress_bar("Measuring", hidden=as_json) as report:
        found = evaluate_simulated(
            load_model(model), TEST_SEEDS[:scenes], size, progress=lambda done, total: report("", done, total)
        )
    typer.echo(json.dumps(found.to_json(), indent=2) if as_json else f"{found.measured_on}\n\n{found.table()}")
