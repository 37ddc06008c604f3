"""What a quantisation is calibrated on, chips of training scenes, and the scenes that were kept out of that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suelo.errors import InputError
from suelo.training.augmentation import Augmentation
from suelo.training.dstl import DstlFolder
from suelo.training.folds import folds
from suelo.training.labelled import LabelledScene
from suelo.training.options import Progress, TrainingOptions
from suelo.training.sampling import ChipSampler
from suelo.training.sources import gather

CHIPS = 300
"""Chips by default: with twice as many the ranges hardly change."""

_CHIP = 160
_BATCH = 8
_SIMULATED_SCENES = 24


@dataclass(frozen=True)
class Calibration:
    """What a quantisation is made of and judged on.

    Attributes:
        chips: Normalised pixels, float32 (8, 8, H, W) each, with rare classes more often than they occur.
        held_out: Labelled scenes whose ground is on none of the chips.
        note: What the chips are, for the contract.
    """

    chips: tuple[NDArray[np.float32], ...]
    held_out: tuple[LabelledScene, ...]
    note: dict[str, Any]


def gather_calibration(
    folder: Path,
    *,
    data: Path | None = None,
    elsewhere: Path | None = None,
    hold_out: tuple[str, ...] | None = None,
    chips: int = CHIPS,
    seed: int = 1,
    progress: Progress | None = None,
) -> Calibration:
    """Draw chips as a training does, but as they are; the same arguments give the same chips.

    Args:
        folder: Where simulated scenes are kept.
        data: Labelled images in Kaggle's DSTL layout; simulated training scenes if None.
        elsewhere: Labelled images of other places to draw chips from as well.
        hold_out: Ids of labelled images whose ground no chip shows; by default those of the first of the folds
            that a training makes.
        chips: How many; rounded up to whole batches of eight.
        seed: Seed of the choice.
        progress: Told how far it is.

    Raises:
        InputError: A folder is not what it should be, or has no image that is to be held out.
    """
    if chips < 1:
        raise InputError(f"At least one chip is needed for calibration, not {chips}.")
    if data is not None:
        ids = DstlFolder(data).scenes()
        unknown = sorted(set(hold_out or ()) - set(ids))
        if unknown:
            raise InputError(f"{data} has no labelled image {unknown[0]!r}; it has {', '.join(ids) or 'none'}.")
        hold_out = folds(ids, TrainingOptions.folds)[0] if hold_out is None else hold_out
    elif hold_out:
        raise InputError(f"To hold out {hold_out[0]!r}, the folder of labelled images is needed.")
    options = TrainingOptions(
        work=folder,
        data=data,
        elsewhere=elsewhere,
        hold_out=hold_out or (),
        scenes=_SIMULATED_SCENES if data is None else 0,
    )
    gathered = gather(options, progress)
    sampler = ChipSampler(gathered.sources, chip=_CHIP, batch=_BATCH, seed=seed, augmentation=Augmentation.none())
    batches = tuple(sampler.batch(step).images.numpy() for step in range(-(-chips // _BATCH)))
    note = {"seed": seed, "scenes": {source.name: len(source.scenes) for source in gathered.sources}}
    return Calibration(batches, gathered.held_out, note)
