"""Gathers the labelled scenes that a training asks for: DSTL, other places, simulated."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from suelo.errors import InputError
from suelo.landcover import CLASS_KEYS
from suelo.training.dstl import DstlFolder, place_of
from suelo.training.dstl_scenes import load_dstl
from suelo.training.elsewhere import load_elsewhere, validation_places
from suelo.training.labelled import LabelledScene
from suelo.training.options import (
    TRAINING_SEEDS,
    VALIDATION_SEEDS,
    Progress,
    TrainingOptions,
    TrainingProgress,
)
from suelo.training.sampling import Source
from suelo.training.scenes import prepare_scenes

SIMULATED = "simulated"
"""The kind of scenes that are made up."""

_SILENT_BESIDE_IMAGES = ("trees",)


@dataclass(frozen=True)
class Gathered:
    """Scenes to train on and scenes that were held out.

    Attributes:
        sources: What chips are drawn from.
        held_out: Real scenes that show ground of `TrainingOptions.hold_out`, or are always held out.
        watched: Real scenes of `TrainingOptions.watch` other places, to watch the training by.
    """

    sources: tuple[Source, ...]
    held_out: tuple[LabelledScene, ...]
    watched: tuple[LabelledScene, ...] = ()


def gather(options: TrainingOptions, progress: Progress | None = None) -> Gathered:
    """Read and simulate all scenes of a training.

    Raises:
        InputError: A folder is not what it should be, or nothing is left to train on.
    """
    held_places = {place_of_scene(name) for name in options.hold_out}
    watched: set[str] = set()
    simulated = simulated_scenes(options, progress)
    real: dict[str, list[LabelledScene]] = {}
    eight_band = simulated
    if options.data is not None:
        folder = DstlFolder(options.data)
        dstl = load_dstl(folder, folder.scenes(), staged(progress, "reading"))
        watched = watched_places({place_of_scene(scene.name) for scene in dstl} - held_places, options.watch)
        eight_band = [scene for scene in dstl if place_of_scene(scene.name) not in held_places | watched]
        real["dstl"] = dstl
    if options.elsewhere is not None:
        if not eight_band:
            raise InputError(
                f"The bands that the images in {options.elsewhere} lack cannot be inferred: "
                "no eight-band scene is left to learn from."
            )
        held_places |= {place_of_scene(name) for name in validation_places(options.elsewhere)}
        # The bands of held-out scenes are not looked at either.
        real |= load_elsewhere(options.elsewhere, eight_band, staged(progress, "reading"))
    # Alone, made-up trees are better than none; beside real ones they teach to miss them.
    silent = tuple(CLASS_KEYS.index(key) for key in _SILENT_BESIDE_IMAGES) if options.data is not None else ()
    sources, held_out = [], []
    for kind, scenes in {**real, "simulated": simulated}.items():
        seen = [scene for scene in scenes if place_of_scene(scene.name) not in held_places | watched]
        held_out += [scene for scene in scenes if place_of_scene(scene.name) in held_places]
        share = getattr(options.mixture, kind)
        if seen and share > 0:
            sources.append(Source(seen, share, kind, silent if kind == "simulated" else ()))
    if not sources:
        raise InputError(f"There is no scene left to train on: {len(held_out)} are held out.")
    return Gathered(
        tuple(sources),
        tuple(held_out),
        tuple(scene for scene in real.get("dstl", ()) if place_of_scene(scene.name) in watched),
    )


def watched_places(places: Collection[str], count: int) -> set[str]:
    """Places to watch a training by, spread evenly over the sorted ones.

    Args:
        places: What the training may see.
        count: How many of them it is to do without.

    Raises:
        InputError: None would be left to learn from.
    """
    if count and count >= len(places):
        raise InputError(f"Watching a training by {count} of {len(places)} places leaves none to learn from.")
    ordered = sorted(places)
    return {ordered[(2 * number + 1) * len(ordered) // (2 * count)] for number in range(count)}


def simulated_scenes(options: TrainingOptions, progress: Progress | None = None) -> list[LabelledScene]:
    """The simulated scenes of a training; those that are not in its folder yet are made."""
    return _simulated(options, TRAINING_SEEDS[: options.scenes], progress, vary_gsd=True)


def simulated_validation(options: TrainingOptions, progress: Progress | None = None) -> list[LabelledScene]:
    """Simulated scenes that no training sees, to choose on; none where none are trained on."""
    count = options.validation_scenes if options.scenes else 0
    return _simulated(options, VALIDATION_SEEDS[:count], progress, vary_gsd=False)


def _simulated(
    options: TrainingOptions, seeds: range, progress: Progress | None, *, vary_gsd: bool
) -> list[LabelledScene]:
    if not seeds:
        return []
    return prepare_scenes(
        options.scene_folder,
        seeds,
        options.scene_size,
        vary_gsd=vary_gsd,
        workers=options.workers,
        progress=staged(progress, "scenes"),
    )


def place_of_scene(name: str) -> str:
    """The ground that a real scene shows: that of DSTL images, or the part before "_" of a tile of Dubai."""
    return name.split("_", maxsplit=1)[0] if name.startswith("tile") else place_of(name)


def staged(progress: Progress | None, stage: str) -> Callable[[int, int], None]:
    """A progress of done and all that reports one stage of a training."""

    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress(TrainingProgress(stage, done, total))

    return tell


def kind_of(name: str) -> str:
    """What a scene belongs to: "dstl", "naip", "dubai" or "simulated"."""
    starts = {"naip": "naip", "tile": "dubai", SIMULATED: SIMULATED}
    return next((kind for start, kind in starts.items() if name.startswith(start)), "dstl")
