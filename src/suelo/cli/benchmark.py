"""`suelo benchmark`: measures what can be learned from real labelled images, a table each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suelo.cli.training import (
    AtOnce,
    Elsewhere,
    Fold,
    Indices,
    Loss,
    Optimizer,
    Patience,
    Rate,
    Scenes,
    Seed,
    Share,
    Start,
    Steps,
    Threads,
    Watch,
    Widths,
    described,
    training_options,
)
from suelo.errors import InputError
from suelo.progress import progress_bar

if TYPE_CHECKING:
    from suelo.training.options import TrainingProgress

app = typer.Typer(
    name="benchmark",
    help="Measure on real labelled images; each command prints a table.",
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

    Five folds: a small network and boosted trees learn from four and their mean predicts the fifth; thresholds of a
    fold come from the other four. A pixel belongs to a class that covers half of it or more. Areas are summed over
    all scenes.

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


@app.command("m")
def m(
    data: Annotated[Path, typer.Option(help="Folder in Kaggle's DSTL layout.")] = Path("../shared/data/dstl"),
    work: Annotated[
        Path, typer.Option(help="Work folder of the training; finished folds are not trained again.")
    ] = Path("runs/shipped"),
    elsewhere: Elsewhere = None,
    start: Start = None,
    share: Share = None,
    seed: Seed = 1,
    steps: Steps = None,
    rate: Rate = None,
    fold: Fold = None,
    widths: Widths = None,
    indices: Indices = False,
    loss: Loss = None,
    optimizer: Optimizer = None,
    scenes: Scenes = None,
    watch: Watch = 0,
    patience: Patience = 0,
    threads: Threads = 0,
    at_once: AtOnce = 1,
    by: Annotated[
        str, typer.Option(help="What stays together: scene (images of the same ground) or region.")
    ] = "scene",
    flips: Annotated[
        bool, typer.Option("--flips", help="Ask the networks in eight orientations, which takes eight times as long.")
    ] = False,
    pictures: Annotated[
        Path | None,
        typer.Option(help="Draw what of each image is found, missed and wrong: a PNG per image in this folder."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
) -> None:
    """Eight-band images of visible and near infrared (1.24 m) with real labels, held out by place.

    Four folds: a network learns from three, from other places and from simulated scenes, and predicts the fourth;
    thresholds of a fold come from the other three. Places that cannot be trusted count for nothing. Below the
    network's figures stand those of the rule for water that the best of the competition used.

    Give the options of the `suelo train --data` whose folds are to be judged; the folds that its work folder holds
    are read, not trained again. Needs the training extra; in Suelo's source folder:
    pip install '.[train]'.

    Examples:

      suelo benchmark m --data dstl --elsewhere elsewhere --start runs/base --work runs/shipped
    """
    if by not in ("scene", "region"):
        raise InputError(f"What stays together is scene or region, not {by!r}.")
    options = training_options(
        out=work / "suelo.onnx",
        work=work,
        data=data,
        elsewhere=elsewhere,
        start=start,
        share=share,
        seed=seed,
        steps=steps,
        learning_rate=rate,
        fold=fold,
        widths=widths,
        indices=indices,
        loss=loss,
        optimizer=optimizer,
        scenes=scenes,
        watch=watch,
        patience=patience,
        threads=threads,
        at_once=at_once,
    )
    from suelo.segmentation.atomic import naming
    from suelo.training.crossvalidation import cross_validate
    from suelo.training.drawing import require_matplotlib
    from suelo.training.dstl import DstlFolder
    from suelo.training.water_rule import measure_water_rule, water_table

    if pictures is not None:
        require_matplotlib("A picture")
        with naming(pictures):
            pictures.mkdir(parents=True, exist_ok=True)
    with progress_bar("M benchmark", hidden=as_json) as report:

        def fold_progress(fold: int) -> Callable[[TrainingProgress], None]:
            return lambda now: report(f"fold {fold + 1}, {described(now)}", now.done, now.total)

        held_out = cross_validate(
            options,
            "region" if by == "region" else "scene",
            fold_progress,
            lambda now: report(described(now), now.done, now.total),
            flips=flips,
        )
        folder = DstlFolder(data)
        found = held_out.evaluate(folder, lambda done, total: report("judging", done, total))
        rule = measure_water_rule(
            folder, [tuple(name for name in fold if name in held_out.images()) for fold in held_out.folds]
        )
        others = [held_out.evaluate_elsewhere(kind) for kind in held_out.kinds()]
        if pictures is not None:
            held_out.draw(folder, pictures, lambda done, total: report("drawing", done, total))
    if as_json:
        typer.echo(json.dumps([one.to_json() for one in (found, rule, *others)], indent=2))
        return
    typer.echo(f"{found.heading}\n\n{found.table()}\n\n{water_table(found, rule)}")
    for one in others:
        typer.echo(f"\n{one.heading}\n\n{one.table()}")


@app.command("elsewhere")
def elsewhere_chip(
    data: Annotated[Path, typer.Option(help="Folder with the labelled WorldView-2 chip.")] = Path(
        "../shared/data/chips"
    ),
    model: Annotated[
        Path | None, typer.Option(help="A model file, or int8 or flips; the shipped one by default.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw what of buildings, roads and trees is found, missed and wrong: a PNG.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
) -> None:
    """An American suburb seen by WorldView-2 at 2 m: how far a model carries over to another place and sensor.

    At the thresholds of the model. No network learns from this chip, and no threshold is chosen on it.

    Examples:

      suelo benchmark elsewhere --data chips

      suelo benchmark elsewhere --data chips --picture agreement.png
    """
    from suelo.model.session import load_model
    from suelo.training.worldview2 import judge_worldview2

    judged = judge_worldview2(load_model(model), data)
    if picture is not None:
        judged.draw(picture)
    found = judged.evaluate()
    typer.echo(json.dumps(found.to_json(), indent=2) if as_json else f"{found.heading}\n\n{found.table()}")
