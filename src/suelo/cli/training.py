"""`suelo train`: makes a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from suelo.cli.checking import print_check
from suelo.errors import InputError
from suelo.progress import progress_bar

if TYPE_CHECKING:
    from suelo.training.options import TrainingOptions, TrainingProgress


Data = Annotated[Path | None, typer.Option(help="Labelled images: a folder in Kaggle's DSTL layout.")]
Elsewhere = Annotated[
    Path | None, typer.Option(help="Labelled images of other places: a folder with naip/, dubai/ or both.")
]
Start = Annotated[
    Path | None,
    typer.Option(
        help="Work folder of a finished training to start from, not from random weights; fold by fold if it has folds."
    ),
]
Share = Annotated[
    list[str] | None,
    typer.Option(
        help="Share of the chips from one kind of scene, such as naip=0.1; kinds: dstl, naip, dubai, simulated."
    ),
]
Work = Annotated[Path, typer.Option(help="Folder for scenes, checkpoints and the log; the same folder resumes.")]
Seed = Annotated[int, typer.Option(help="Seed of weights and batches.", min=0)]
Steps = Annotated[int | None, typer.Option(help="Training steps.", min=1)]
Rate = Annotated[
    float | None, typer.Option(help="Highest learning rate; lower for a network that has learned already.", min=1e-6)
]
Fold = Annotated[
    int | None,
    typer.Option(
        help="Side of the blocks of pixels that the network's finest level sees as one: 4 is quick and coarse.", min=1
    ),
]
Widths = Annotated[
    str | None, typer.Option(help="Channels of the network per level, finest first, such as 32,64,144,256.")
]
Indices = Annotated[
    bool, typer.Option("--indices", help="The network also sees the spectral indices NDVI, NDWI, EVI and CCCI.")
]
Loss = Annotated[
    str | None,
    typer.Option(
        help="What is minimised: cross-entropy and soft jaccard (the default), or tversky in the place of jaccard, "
        "or focal in the place of cross-entropy."
    ),
]
Optimizer = Annotated[
    str | None, typer.Option(help="What moves the weights of convolutions: muon (the default) or adamw.")
]
Watch = Annotated[
    int,
    typer.Option(
        help="Places of --data that each training does without and is watched by; its best step there is kept.", min=0
    ),
]
Patience = Annotated[
    int,
    typer.Option(
        help="End a training when the Jaccard index on what it is watched by has not risen so many times in a row, "
        "looked at every 500 steps; 0 for never.",
        min=0,
    ),
]
Scenes = Annotated[int | None, typer.Option(help="Simulated training scenes.", min=0)]
Threads = Annotated[int, typer.Option(help="Threads of the arithmetic; 0 uses all cores.", min=0)]
AtOnce = Annotated[
    int,
    typer.Option(help="Trainings that run at a time, each on its share of the threads: quicker in all.", min=1),
]


def train(
    out: Annotated[Path, typer.Option(help="The model file to write.")] = Path("suelo.onnx"),
    work: Work = Path("runs/default"),
    data: Data = None,
    elsewhere: Elsewhere = None,
    start: Start = None,
    share: Share = None,
    quick: Annotated[bool, typer.Option("--quick", help="A small network for a minute, to see that it works.")] = False,
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
    name: Annotated[str | None, typer.Option(help="Name of the model; that of its file by default.")] = None,
    version: Annotated[str, typer.Option(help="Version of the model.")] = "1",
    check: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Only look through a folder in Kaggle's DSTL layout and say what is missing."),
    ] = None,
) -> None:
    """Train the network and write one ONNX file with its contract inside.

    With --data, one network is trained for each of four folds and judged on the ground that it did not see, which
    gives the thresholds and the figures of the contract; then the network of the file is trained on all images.
    Without it, the network learns from simulated scenes, and from images of other places if there are any.
    Curves, precision and recall, confusion and example scenes are drawn in the folder report of the work folder.

    A training that was stopped goes on where it was when the same command is given again. Needs the training extra;
    in Suelo's source folder: pip install '.[train]'.

    Examples:

      suelo train --out my-model.onnx --work runs/mine

      suelo train --data dstl --elsewhere elsewhere --start runs/mine --work runs/real --out better.onnx

      suelo train --data dstl --elsewhere elsewhere --start runs/real --work runs/longer --rate 0.0015 --seed 2

      suelo train --quick --out small.onnx --work runs/small

      suelo train --check dstl
    """
    if check is not None:
        print_check(check)
        return
    options = training_options(
        out=out,
        work=work,
        data=data,
        elsewhere=elsewhere,
        start=start,
        share=share,
        quick=quick,
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
        name=name or out.stem,
        version=version,
    )
    from suelo.training.train import report_folder
    from suelo.training.train import train as run

    with progress_bar("Training") as report:
        path = run(options, lambda now: report(described(now), now.done, now.total))
    typer.echo(f"The model is in {path}; `suelo model show {path}` says how good it is.")
    typer.echo(f"Curves, confusion and example scenes are in {report_folder(options) / 'index.html'}.")


def training_options(
    *,
    out: Path,
    work: Path,
    share: list[str] | None,
    widths: str | None = None,
    quick: bool = False,
    **given: Any,  # noqa: ANN401
) -> TrainingOptions:
    """The options that a user gave, over the defaults.

    Args:
        out: The model file.
        work: The work folder.
        share: Shares as "kind=number".
        widths: Channels per level as "32,64".
        quick: Whether to start from the defaults of a small training.
        given: Other options by name; None for those that were not given.

    Raises:
        InputError: Training is not installed, or an option cannot be read.
    """
    try:
        import torch  # noqa: F401 - says early what is missing

        from suelo.training.options import Mixture, TrainingOptions, parse_widths
    except ModuleNotFoundError as error:
        raise InputError(
            f"Training needs the package {error.name}, which is not installed; "
            "in Suelo's source folder: pip install '.[train]'."
        ) from None
    known = {name: value for name, value in given.items() if value is not None}
    if share:
        known["mixture"] = Mixture.parse(share)
    if widths is not None:
        known["widths"] = parse_widths(widths)
    return TrainingOptions.quick(out, work, **known) if quick else TrainingOptions(out=out, work=work, **known)


def described(progress: TrainingProgress) -> str:
    """Stage, loss and Jaccard index of a training, for a progress bar."""
    figures = [progress.stage]
    if progress.loss is not None:
        figures.append(f"loss {progress.loss:.3f}")
    if progress.jaccard is not None:
        figures.append(f"validation Jaccard {progress.jaccard:.3f}")
    return ", ".join(figures)
