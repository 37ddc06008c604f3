"""The whole training: simulated scenes, fitting, thresholds, figures on test scenes, and the model file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from suelo.model.contract import ModelContract
from suelo.model.session import load_model
from suelo.training.evaluate import count_simulated, evaluate_simulated
from suelo.training.export import export_onnx
from suelo.training.fit import fit
from suelo.training.metrics import LevelCounts, as_stored
from suelo.training.network import UNet
from suelo.training.options import (
    TEST_SEEDS,
    TRAINING_SEEDS,
    VALIDATION_SEEDS,
    Progress,
    TrainingOptions,
    TrainingProgress,
)
from suelo.training.sampling import ChipSampler, LabelledScene
from suelo.training.scenes import prepare_scenes, simulator_version
from suelo.training.thresholds import choose_levels, choose_thresholds

CHIP_SIZE = 160
"""Height and width of the chips that users have; thresholds must suit them too."""


def train(options: TrainingOptions, progress: Progress | None = None) -> Path:
    """Train on simulated scenes and write a model file whose contract says how, and how good it is.

    A call that was interrupted goes on where it stopped when it is repeated.

    Args:
        options: The options; the defaults are those of the shipped model.
        progress: Told how far the training is.

    Returns:
        The model file, `options.out`.

    Raises:
        InputError: `options.work` holds another training.
    """
    options.out.parent.mkdir(parents=True, exist_ok=True)  # a folder that cannot be written is better known now
    seeds = split(options)
    make = partial(
        prepare_scenes,
        options.work / "scenes",
        size=options.scene_size,
        workers=options.workers,
        progress=_staged(progress, "scenes"),
    )
    scenes, held_out = make(seeds["training"], vary_gsd=True), make(seeds["validation"], vary_gsd=False)
    sampler = ChipSampler(
        scenes,
        chip=options.chip,
        batch=options.batch,
        seed=options.seed,
        augmentation=options.augmentation,
    )
    identity = json.dumps(options.identity() | {"simulator": simulator_version()}, sort_keys=True)
    network = fit(options, identity, sampler.batch, partial(validation_jaccard, held_out), progress)
    contract = ModelContract(
        name=options.name,
        version=options.version,
        training={
            "data": "simulated scenes",
            "simulator": simulator_version(),
            "split": {name: [part[0], part[-1]] for name, part in seeds.items()},
            **options.identity(),
        },
        git_commit=_git_commit(),
    )
    return export(network, contract, options, progress)


def split(options: TrainingOptions) -> dict[str, range]:
    """Seeds of the scenes for each purpose; thresholds share those of validation, tests share none."""
    return {
        "training": TRAINING_SEEDS[: options.scenes],
        "validation": VALIDATION_SEEDS[: options.validation_scenes],
        "thresholds": VALIDATION_SEEDS[: options.threshold_scenes],
        "test": TEST_SEEDS[: options.test_scenes],
    }


def validation_jaccard(scenes: Sequence[LabelledScene], network: UNet) -> float:
    """Mean Jaccard index on scenes, each class at the threshold that suits it best there.

    Good for comparing steps of one training; the figures of a model are those on test scenes.
    """
    device = next(network.parameters()).device
    counts = LevelCounts()
    with torch.inference_mode():
        for scene in scenes:
            images = torch.from_numpy(scene.normalised())[None].to(device)
            probabilities = torch.sigmoid(network(images))[0].float().cpu().numpy()
            counts.add(as_stored(probabilities, scene.valid), np.asarray(scene.truth) > 0)
    return counts.at(choose_levels(counts)).mean() or 0.0


def export(network: UNet, contract: ModelContract, options: TrainingOptions, progress: Progress | None = None) -> Path:
    """Choose thresholds on validation scenes, measure on test scenes, and write the model file.

    Both run the exported file through the engine: what is measured is what users get.
    """
    draft = options.work / "draft.onnx"
    export_onnx(network, contract, draft)
    model = load_model(draft)
    tell = _staged(progress, "thresholds")
    seeds = split(options)
    counts = count_simulated(model, seeds["thresholds"], options.scene_size, tell)
    chips = count_simulated(model, seeds["thresholds"], min(CHIP_SIZE, options.scene_size), tell)
    both = LevelCounts(counts.inside + chips.inside, counts.outside + chips.outside)
    contract = contract.model_copy(update={"thresholds": choose_thresholds(both)})
    evaluation = evaluate_simulated(
        model,
        seeds["test"],
        options.scene_size,
        thresholds=contract.thresholds,
        progress=_staged(progress, "testing"),
    )
    export_onnx(network, contract.model_copy(update={"metrics": evaluation.metrics()}), options.out)
    draft.unlink()
    return options.out


def _staged(progress: Progress | None, stage: str) -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress(TrainingProgress(stage, done, total))

    return tell


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
