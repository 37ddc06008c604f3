"""`suelo evaluate`: says how good a model is, on simulated scenes or on labelled images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suelo.errors import InputError
from suelo.progress import Report, progress_bar

if TYPE_CHECKING:
    from suelo.training.dstl import DstlFolder
    from suelo.training.scores import Evaluation


def evaluate(
    model: Annotated[
        Path | None, typer.Option(help="A model file, or int8 or flips; the shipped one by default.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Labelled images instead: a folder in Kaggle's DSTL layout.")
    ] = None,
    images: Annotated[
        str | None, typer.Option(metavar="ID,ID,…", help="Some of its images; all that have labels by default.")
    ] = None,
    flips: Annotated[
        bool, typer.Option("--flips", help="Average over eight orientations of each image; eight times as slow.")
    ] = False,
    water_rule: Annotated[
        bool, typer.Option("--water-rule", help="Also measure a rule on bands that finds water without a network.")
    ] = False,
    scenes: Annotated[int | None, typer.Option(help="Simulated test scenes; 24 by default.", min=1)] = None,
    size: Annotated[int | None, typer.Option(help="Their width and height in pixels; 512 by default.", min=16)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
) -> None:
    """Measure a model on simulated scenes on which nothing was trained or chosen, or on labelled images.

    Per class: the areas of intersection and union are summed over all scenes, and their ratio is the Jaccard index;
    the mean over the ten classes is plain. On labelled images, polygons are compared, too: those that are exported
    with those that were drawn. Whether a model was trained on these images stands above the figures.

    Examples:

      suelo evaluate

      suelo evaluate --model my-model.onnx --scenes 60 --json

      suelo evaluate --model my-model.onnx --data dstl --images 6100_2_2,6070_2_3 --water-rule
    """
    rule = None
    with progress_bar("Measuring", hidden=as_json) as report:
        if data is None:
            if images is not None or flips or water_rule:
                raise InputError("--images, --flips and --water-rule are for labelled images, which --data names.")
            found = _on_simulated_scenes(model, scenes or 24, size or 512, report)
        else:
            if scenes is not None or size is not None:
                raise InputError("--scenes and --size are for simulated scenes; with --data, --images names images.")
            from suelo.training.dstl import DstlFolder
            from suelo.training.evaluate_dstl import known_images

            folder = DstlFolder(data)
            ids = known_images(folder, images.split(",") if images is not None else None)
            found = _on_images(model, folder, ids, flips, report)
            if water_rule:
                rule = _by_rule(folder, ids, report)
    if as_json:
        values = found.to_json()
        typer.echo(json.dumps(values | {"water_rule": rule.to_json()} if rule else values, indent=2))
        return
    typer.echo(f"{found.heading}\n\n{found.table()}")
    if rule:
        from suelo.training.water_rule import water_table

        typer.echo(f"\nWater, beside {rule.measured_on[0].lower()}{rule.measured_on[1:]}\n\n{water_table(found, rule)}")


def _on_simulated_scenes(model: Path | None, scenes: int, size: int, report: Report) -> Evaluation:
    from suelo.model.session import load_model
    from suelo.training.evaluate import evaluate_simulated
    from suelo.training.options import TEST_SEEDS

    return evaluate_simulated(
        load_model(model), TEST_SEEDS[:scenes], size, progress=lambda done, total: report("", done, total)
    )


def _on_images(model: Path | None, folder: DstlFolder, ids: tuple[str, ...], flips: bool, report: Report) -> Evaluation:
    from suelo.model.session import load_model
    from suelo.training.evaluate_dstl import evaluate_dstl

    return evaluate_dstl(
        load_model(model), folder, ids, flips=flips, progress=lambda done, total: report("", done, total)
    )


def _by_rule(folder: DstlFolder, ids: tuple[str, ...], report: Report) -> Evaluation:
    from suelo.training.dstl import place_of
    from suelo.training.folds import folds
    from suelo.training.water_rule import measure_water_rule

    everyone = folder.scenes()
    count = min(5, len({place_of(image_id) for image_id in everyone}))
    return measure_water_rule(
        folder, folds(everyone, count), ids, progress=lambda done, total: report("rule for water", done, total)
    )
