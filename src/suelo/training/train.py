"""The whole training: scenes, fitting, thresholds, figures on scenes that were not seen, and the model file."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from suelo.landcover import CLASSES
from suelo.model.contract import ModelContract
from suelo.model.session import load_model
from suelo.segmentation.selection import FULL_SCALE, Selection
from suelo.training.at_once import fit_at_once
from suelo.training.checkpoint import first_identity
from suelo.training.crossvalidation import cross_validate, fold_trainings
from suelo.training.drawing import require_matplotlib
from suelo.training.dstl import DstlFolder
from suelo.training.evaluate import count_pixels, count_simulated, predict_simulated, score_simulated
from suelo.training.export import export_onnx
from suelo.training.fit import fit_chips, images_seen
from suelo.training.network import UNet
from suelo.training.options import (
    TEST_SEEDS,
    TRAINING_SEEDS,
    VALIDATION_SEEDS,
    Progress,
    TrainingOptions,
)
from suelo.training.report import ReportedScene, held_out_scenes, logs_in, write_report
from suelo.training.sources import gather, kind_of, simulated_validation, staged
from suelo.training.thresholds import choose_thresholds
from suelo.training.watching import fit_gathered, validation_jaccard

CHIP_SIZE = 160
"""Height and width of the chips that users have; thresholds must suit them too."""

LICENCE = "Apache-2.0"
"""Of the weights that a training makes: that of the software."""


def train(options: TrainingOptions, progress: Progress | None = None) -> Path:
    """Train, and write a model file whose contract says how, and how good it is.

    With a folder of labelled images (`options.data`), one network is trained per fold, which gives thresholds and
    figures on ground that the network had not seen; then the network of the file is trained on all of them.
    Without one, thresholds and figures come from simulated scenes.

    A call that was interrupted goes on where it stopped when it is repeated.

    Args:
        options: The options; the defaults are those of the shipped model.
        progress: Told how far the training is.

    Returns:
        The model file, `options.out`.

    Raises:
        InputError: `options.work` holds another training, a folder is not what it should be, or matplotlib is not
            installed.
    """
    # A folder that cannot be written, or a missing package, is better known now.
    options.out.parent.mkdir(parents=True, exist_ok=True)
    require_matplotlib("The report of a training")
    if options.data is not None:
        return _on_images(options, options.data, progress)
    return _on_simulated_scenes(options, progress)


def _on_images(options: TrainingOptions, data: Path, progress: Progress | None) -> Path:
    commit = _git_commit()
    whole = options.part("all")
    if options.at_once > 1:
        fit_at_once([*fold_trainings(options), whole], progress)
    held_out = cross_validate(replace(options, at_once=1), "scene", partial(_numbered, progress) if progress else None)
    gathered = gather(whole, progress)
    network = fit_gathered(whole, gathered, progress)
    everything = [scene for source in gathered.sources for scene in source.scenes] + list(gathered.held_out)
    write_report(
        report_folder(options),
        f"{options.name} {options.version}: DSTL images that a network had not seen",
        held_out_scenes(held_out, [scene for scene in everything if kind_of(scene.name) == "dstl"]),
        logs_in(options.work),
    )
    contract = ModelContract(
        name=options.name,
        version=options.version,
        thresholds=tuple(int(level) / FULL_SCALE for level in held_out.all_levels()),
        training={
            **json.loads(whole.identity_text()),
            "scenes_by_source": {source.name: len(source.scenes) for source in gathered.sources},
            "images": list(images_seen(whole, gathered.sources)),
            "started_from": first_identity(whole.start) if whole.start is not None else None,
        },
        metrics=held_out.evaluate(DstlFolder(data), staged(progress, "testing")).metrics(),
        metrics_elsewhere=tuple(held_out.evaluate_elsewhere(kind).metrics() for kind in held_out.kinds()),
        licence=LICENCE,
        git_commit=commit,
    )
    export_onnx(network, contract, options.out)
    return options.out


def _on_simulated_scenes(options: TrainingOptions, progress: Progress | None) -> Path:
    commit = _git_commit()
    seeds = split(options)
    gathered = gather(options, progress)
    held_out = simulated_validation(options, progress)
    network = fit_chips(options, gathered.sources, partial(validation_jaccard, held_out), progress)
    contract = ModelContract(
        name=options.name,
        version=options.version,
        training={
            **json.loads(options.identity_text()),
            "scenes_by_source": {source.name: len(source.scenes) for source in gathered.sources},
            "images": list(images_seen(options, gathered.sources)),
            "started_from": first_identity(options.start) if options.start is not None else None,
            "split": {name: [part[0], part[-1]] for name, part in seeds.items()},
        },
        licence=LICENCE,
        git_commit=commit,
    )
    return export(network, contract, options, progress)


def report_folder(options: TrainingOptions) -> Path:
    """Where the report of a training is, `index.html` and its pictures."""
    return options.work / "report"


def split(options: TrainingOptions) -> dict[str, range]:
    """Seeds of the scenes for each purpose; thresholds share those of validation, tests share none."""
    return {
        "training": TRAINING_SEEDS[: options.scenes],
        "validation": VALIDATION_SEEDS[: options.validation_scenes],
        "thresholds": VALIDATION_SEEDS[: options.threshold_scenes],
        "test": TEST_SEEDS[: options.test_scenes],
    }


def export(network: UNet, contract: ModelContract, options: TrainingOptions, progress: Progress | None = None) -> Path:
    """Choose thresholds on validation scenes, measure on test scenes, and write the model file.

    Both run the exported file through the engine: what is measured is what users get.
    """
    draft = options.work / "draft.onnx"
    export_onnx(network, contract, draft)
    model = load_model(draft)
    tell = staged(progress, "thresholds")
    seeds = split(options)
    counts = count_simulated(model, seeds["thresholds"], options.scene_size, tell)
    chips = count_simulated(model, seeds["thresholds"], min(CHIP_SIZE, options.scene_size), tell)
    contract = contract.model_copy(update={"thresholds": choose_thresholds(counts + chips)})
    predicted = list(predict_simulated(model, seeds["test"], options.scene_size, staged(progress, "testing")))
    found = count_pixels(predicted)
    evaluation = score_simulated(found, seeds["test"], options.scene_size, contract.thresholds)
    selection = Selection(contract.thresholds)
    levels = np.array([selection.level(land_cover) for land_cover in CLASSES])
    write_report(
        report_folder(options),
        f"{options.name} {options.version}: simulated scenes that the network had not seen",
        [ReportedScene(scene, probabilities, levels) for scene, probabilities in predicted],
        logs_in(options.work),
        counts=found,
    )
    export_onnx(network, contract.model_copy(update={"metrics": evaluation.metrics()}), options.out)
    draft.unlink()
    return options.out


def _numbered(progress: Progress, fold: int) -> Progress:
    """Progress that says which fold it is of."""
    return lambda now: progress(replace(now, stage=f"fold {fold + 1}, {now.stage}"))


def _git_commit() -> str | None:
    """The commit of the code that runs, or None outside a checkout."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        result = subprocess.run(  # noqa: S603 - a fixed command
            command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip() or None
