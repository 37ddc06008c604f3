"""The options of a training; the defaults are those of the shipped model."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from suelo.errors import InputError
from suelo.model.contract import STRIDE
from suelo.training.augmentation import Augmentation
from suelo.training.scenes import simulator_version

TRAINING_SEEDS = range(100_000, 200_000)
VALIDATION_SEEDS = range(200_000, 300_000)
TEST_SEEDS = range(300_000, 400_000)
"""Seeds of simulated scenes: nothing is ever fitted or chosen on a test seed. Seeds below 100 000 are for everybody."""

WIDTHS = (32, 64, 144, 256)
"""Channels of the shipped network at half, quarter, eighth and sixteenth resolution."""

Loss = Literal["jaccard", "tversky", "focal"]
"""What a training minimises, see `TrainingOptions.loss`."""

Optimizer = Literal["muon", "adamw"]
"""What moves the weights, see `TrainingOptions.optimizer`."""

FOLD = 2
"""Side of the blocks of pixels that are the channels of one pixel at the network's finest level."""


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is.

    Attributes:
        stage: "scenes", "training", "thresholds" or "testing".
        done: Scenes or steps that are done.
        total: Scenes or steps in all.
        loss: Smoothed loss, while training.
        jaccard: Latest mean Jaccard index on the validation scenes, once measured.
    """

    stage: str
    done: int
    total: int
    loss: float | None = None
    jaccard: float | None = None


Progress = Callable[[TrainingProgress], None]


@dataclass(frozen=True)
class Mixture:
    """Share of the chips that come from each kind of scene, relative to one another.

    Attributes:
        dstl: Labelled WorldView-3 images of the DSTL data set.
        naip: Four-band aerial images of Kentucky and Ohio.
        dubai: Three-band images of Dubai.
        simulated: Made-up scenes.
    """

    dstl: float = 0.55
    naip: float = 0.18
    dubai: float = 0.02
    simulated: float = 0.25

    def __post_init__(self) -> None:
        """Check the shares.

        Raises:
            InputError: A share is negative or none is positive.
        """
        shares = astuple(self)
        if min(shares) < 0 or not sum(shares) > 0:
            raise InputError(f"Shares of the chips are 0 or more and not all 0; given {asdict(self)}.")

    @classmethod
    def parse(cls, given: Sequence[str]) -> Mixture:
        """Read shares written as "kind=number"; kinds that are not given keep their default.

        Raises:
            InputError: A kind is unknown or a share is no number.
        """
        shares = asdict(cls())
        for text in given:
            kind, _, number = text.partition("=")
            if kind not in shares:
                raise InputError(f"A share is given as kind=number with {', '.join(shares)}; {text!r} is not.")
            try:
                shares[kind] = float(number)
            except ValueError:
                raise InputError(f"{number!r} in {text!r} is not a number.") from None
        return cls(**shares)


def parse_widths(given: str) -> tuple[int, ...]:
    """Read channels per level, written as numbers with commas between them.

    Raises:
        InputError: It is something else.
    """
    try:
        widths = tuple(int(number) for number in given.split(","))
    except ValueError:
        widths = ()
    if not widths or min(widths) < 1:
        raise InputError(f"Channels per level are whole numbers from 1 on, such as 32,64,144,256; given {given!r}.")
    return widths


@dataclass(frozen=True)
class TrainingOptions:
    """What `train` does.

    Attributes:
        out: The model file to write.
        work: Folder for simulated scenes, checkpoints and the log; a second call with the same options and folder
            goes on where the first one stopped.
        seed: Seed of the first weights and of every batch.
        data: Folder in Kaggle's DSTL layout; None to train without.
        elsewhere: Folder with labelled images of other places; None to train without.
        folds: Parts into which the labelled images are split by place for cross-validation.
        hold_out: Names of real scenes that the training must not see, nor any other image of the same ground.
        watch: Places of labelled images that each training does without and is watched by: its best step there is kept.
        start: Work folder of a training whose averaged weights are the first ones; None for random ones. Where it has
            a folder for each part of a cross-validation, every part goes on from its own.
        mixture: Share of the chips from each kind of scene.
        scenes: Simulated scenes to train on; 0 for none.
        cache: Folder where simulated scenes are kept; one in `work` if None.
        validation_scenes: Scenes for choosing the best step.
        threshold_scenes: Scenes for choosing the thresholds, from the same seeds on.
        test_scenes: Scenes for the figures in the contract.
        scene_size: Height and width of a simulated scene in pixels.
        chip: Height and width of a training chip in pixels.
        batch: Chips per step.
        steps: Steps in all.
        loss: What is minimised: cross-entropy with the soft Jaccard index ("jaccard") or the soft Tversky index
            ("tversky"), or focal cross-entropy with the soft Jaccard index ("focal").
        optimizer: What moves the weights of convolutions: Muon or AdamW. All others are moved by AdamW.
        learning_rate: Highest learning rate; it rises over the first steps, then falls along a cosine.
        weight_decay: Share of the weights that each step takes away, per learning rate.
        gradient_clip: Largest norm of the gradient.
        average_decay: Share of the averaged weights that each step keeps.
        widths: Channels of the network per level.
        fold: Side of the blocks of pixels that the network's finest level takes as one.
        indices: Whether the network computes spectral indices from the bands and sees them too.
        validate_every: Steps between validations.
        checkpoint_every: Steps between checkpoints.
        patience: Validations without improvement after which training ends; 0 for never.
        workers: Processes that simulate scenes.
        threads: Threads of the arithmetic; 0 for all cores.
        at_once: Trainings of a cross-validation that run at a time, each on its share of the threads.
        augmentation: Changes to chips.
        name: Name in the contract.
        version: Version in the contract.
    """

    out: Path = Path("suelo.onnx")
    work: Path = Path("runs/default")
    seed: int = 1
    data: Path | None = None
    elsewhere: Path | None = None
    folds: int = 4
    hold_out: tuple[str, ...] = ()
    watch: int = 0
    start: Path | None = None
    mixture: Mixture = field(default_factory=Mixture)
    scenes: int = 400
    cache: Path | None = None
    validation_scenes: int = 16
    threshold_scenes: int = 64
    test_scenes: int = 24
    scene_size: int = 512
    chip: int = 160
    batch: int = 8
    steps: int = 4000
    loss: Loss = "jaccard"
    optimizer: Optimizer = "muon"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    gradient_clip: float = 5.0
    average_decay: float = 0.998
    widths: tuple[int, ...] = WIDTHS
    fold: int = FOLD
    indices: bool = False
    validate_every: int = 500
    checkpoint_every: int = 100
    patience: int = 0
    workers: int = 2
    threads: int = 0
    at_once: int = 1
    augmentation: Augmentation = field(default_factory=Augmentation)
    name: str = "model"
    version: str = "1"

    def __post_init__(self) -> None:
        """Check what cannot work.

        Raises:
            InputError: A count is not positive or a size does not fit the network.
        """
        counts = ("validation_scenes", "threshold_scenes", "test_scenes")
        for name in (*counts, "batch", "steps", "validate_every", "checkpoint_every", "at_once"):
            if getattr(self, name) < 1:
                raise InputError(f"{name.replace('_', ' ')} must be 1 or more, not {getattr(self, name)}.")
        if self.loss not in get_args(Loss):
            raise InputError(f"A loss is {', '.join(get_args(Loss)[:-1])} or {get_args(Loss)[-1]}, not {self.loss!r}.")
        if self.optimizer not in get_args(Optimizer):
            raise InputError(f"An optimizer is {' or '.join(get_args(Optimizer))}, not {self.optimizer!r}.")
        if not self.scenes and self.data is None:
            raise InputError(
                "There is nothing to train on: simulated scenes or a folder of labelled images are needed."
            )
        if self.watch and self.data is None:
            raise InputError("A training is watched by places of labelled images, which --data names; there are none.")
        if self.patience and self.data is not None and not self.watch:
            raise InputError("To end a training early, it must be watched: --watch says by how many places.")
        stride = self.fold << (len(self.widths) - 1)
        if STRIDE % stride:
            raise InputError(
                f"Blocks of {self.fold} × {self.fold} pixels and {len(self.widths)} levels make a network for images "
                f"of multiples of {stride} pixels; a model takes all multiples of {STRIDE}. Fewer levels or smaller "
                "blocks are needed."
            )
        for name in ("chip", "scene_size"):
            if getattr(self, name) < stride or getattr(self, name) % stride:
                raise InputError(f"{name.replace('_', ' ')} must be a multiple of {stride}, not {getattr(self, name)}.")
        if self.scene_size < 2 * self.chip:
            raise InputError(
                f"Scenes of {self.scene_size} pixels are too small for chips of {self.chip}: 2 × is needed."
            )

    @property
    def scene_folder(self) -> Path:
        """Where simulated scenes are kept."""
        return self.cache or self.work / "scenes"

    def part(self, name: str, hold_out: Sequence[str] = ()) -> TrainingOptions:
        """Options of one of several trainings on the same data.

        Args:
            name: What it is called, and its folder in `work`.
            hold_out: What it must not see.
        """
        start = self.start
        if start is not None and (start / name).is_dir():
            start = start / name
        return replace(self, hold_out=tuple(hold_out), work=self.work / name, cache=self.scene_folder, start=start)

    def identity(self) -> dict[str, Any]:
        """Everything that decides the weights, as JSON-ready values: two trainings with the same are the same.

        Raises:
            InputError: `start` holds no training.
        """
        # Not above: options are looked at where torch, an extra, is not installed.
        from suelo.training.checkpoint import digest

        values = asdict(self)
        after = ("threshold_scenes", "test_scenes", "name", "version", "out")
        for name in (*after, "work", "cache", "workers", "threads", "at_once", "checkpoint_every"):
            del values[name]
        for name in ("data", "elsewhere"):
            values[name] = None if values[name] is None else values[name].name
        values["start"] = None if self.start is None else digest(self.start)
        plain: dict[str, Any] = json.loads(json.dumps(values))
        return plain

    def identity_text(self) -> str:
        """`identity`, and the simulator that makes the scenes if there are any, as one line of JSON."""
        simulator = {"simulator": simulator_version()} if self.scenes else {}
        return json.dumps(self.identity() | simulator, sort_keys=True)

    @classmethod
    def quick(cls, out: Path, work: Path, **changes: Any) -> TrainingOptions:  # noqa: ANN401
        """A small network on few scenes for a few steps: shows in about a minute that everything works."""
        small: dict[str, Any] = {
            "scenes": 8,
            "validation_scenes": 3,
            "threshold_scenes": 3,
            "test_scenes": 2,
            "scene_size": 256,
            "chip": 96,
            "batch": 6,
            "steps": 250,
            "learning_rate": 4e-3,
            "validate_every": 125,
            "checkpoint_every": 50,
            "average_decay": 0.9,
            "widths": (24, 32, 48, 64),
        }
        return cls(out=out, work=work, **(small | changes))
