"""Trains once per fold and judges every real scene by a network that never saw its ground."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suelo.errors import InputError
from suelo.imagery.geotiff import write_cog
from suelo.imagery.grid import Grid
from suelo.imagery.scene import BAND_NAMES, open_scene
from suelo.landcover import CLASS_COUNT, CLASS_KEYS, CLASSES
from suelo.model.contract import ModelContract
from suelo.model.flips import FlippedModel
from suelo.model.session import Model, load_model
from suelo.segmentation.engine import predict
from suelo.segmentation.selection import FULL_SCALE
from suelo.training.agreement import draw_agreement
from suelo.training.at_once import fit_at_once
from suelo.training.dstl import DstlFolder
from suelo.training.dstl_scenes import load_dstl
from suelo.training.evaluate_dstl import judge
from suelo.training.export import export_onnx
from suelo.training.fit import images_seen
from suelo.training.folds import By, folds
from suelo.training.labelled import LabelledScene
from suelo.training.metrics import JaccardCounts, LevelCounts
from suelo.training.options import Progress, TrainingOptions
from suelo.training.report_overlays import called_at
from suelo.training.scores import Evaluation, score_counts
from suelo.training.sources import SIMULATED, gather, kind_of, simulated_validation, staged
from suelo.training.thresholds import choose_levels
from suelo.training.watching import fit_gathered

_FOUND = 0.02
"""A class whose index stays below this at every level is not found: the level that is best there is best by chance."""

_ENOUGH = 3
"""Real images that must have a class for them to say where to cut it."""


@dataclass(frozen=True)
class Judged:
    """What a network said about a scene that it had not seen.

    Attributes:
        probabilities: 0..250, 255 = no data, uint8 (10, H, W).
        counts: Its stored probabilities in and outside the truth.
    """

    probabilities: NDArray[np.uint8]
    counts: LevelCounts


@dataclass(frozen=True)
class HeldOut:
    """What the networks of a cross-validation said about scenes that they had not seen.

    Attributes:
        folds: Per fold, by scene name. A DSTL image is in one fold; images of other places and simulated scenes that
            no training sees are in every fold.
        flips: Whether they were asked in eight orientations.
    """

    folds: tuple[Mapping[str, Judged], ...]
    flips: bool = False

    def fold_levels(self) -> tuple[NDArray[np.int_], ...]:
        """Levels per fold (10,), each chosen on the scenes of the other folds alone."""
        return tuple(balanced_levels([other for other in self.folds if other is not fold]) for fold in self.folds)

    def all_levels(self) -> NDArray[np.int_]:
        """Levels (10,) chosen on all scenes: for a model that is trained on all of them."""
        return balanced_levels(self.folds)

    def images(self) -> dict[str, Judged]:
        """The DSTL images, by id."""
        return {name: judged for fold in self.folds for name, judged in fold.items() if kind_of(name) == "dstl"}

    def evaluate(self, folder: DstlFolder, progress: Callable[[int, int], None] | None = None) -> Evaluation:
        """Scores on the DSTL images, each fold at the levels that were chosen on the others.

        Args:
            folder: Where the labels are.
            progress: Called with the images that are done and all.
        """
        thresholds = {
            name: tuple((levels / FULL_SCALE).tolist())
            for fold, levels in zip(self.folds, self.fold_levels(), strict=True)
            for name in fold
        }
        images = self.images()
        return judge(
            {name: judged.probabilities for name, judged in images.items()},
            folder,
            thresholds,
            f"{len(images)} DSTL images, each by a network that had not seen its ground; {len(self.folds)} folds, "
            f"thresholds of each chosen on the others{self._how}",
            progress=progress,
        )

    def draw(self, folder: DstlFolder, into: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """Write a PNG per DSTL image: what of its classes is found, missed and wrong, at the levels of its fold.

        An image that shows no class, in truth or prediction, gets none.

        Args:
            folder: Where the labels are.
            into: The folder for the pictures.
            progress: Called with the images that are done and all.
        """
        levels = {name: level for fold, level in zip(self.folds, self.fold_levels(), strict=True) for name in fold}
        images = self.images()
        for done, (name, judged) in enumerate(images.items()):
            if progress is not None:
                progress(done, len(images))
            (scene,) = load_dstl(folder, [name])
            known = scene.known()
            truth, called = scene.members() & known, called_at(judged.probabilities, levels[name]) & known
            rows = np.flatnonzero((truth | called).any(axis=(1, 2)))
            if rows.size:
                classes = [CLASSES[row] for row in rows]
                draw_agreement(classes, truth[rows], called[rows], known[rows], into / f"{name}.png")

    def kinds(self) -> tuple[str, ...]:
        """Kinds of scenes that are not of DSTL, see `kind_of`."""
        return tuple(sorted({kind_of(name) for fold in self.folds for name in fold} - {"dstl"}))

    def evaluate_elsewhere(self, kind: str) -> Evaluation:
        """Scores on the scenes of another kind that no training sees, over the networks of all folds.

        Only classes that the labels have are scored, and the mean is over those: what a network calls in vain where
        the labels say that a class is nowhere does not lower it.

        All folds have the same scenes of these kinds, so the thresholds of a fold, which come from the others, were
        chosen on them, too; `measured_on` says so where they have a say.

        Args:
            kind: One of `kinds`.
        """
        at, everything, names = JaccardCounts(), LevelCounts(), set()
        for fold, levels in zip(self.folds, self.fold_levels(), strict=True):
            for name, judged in fold.items():
                if kind_of(name) == kind:
                    at, everything = at + judged.counts.at(levels), everything + judged.counts
                    names.add(name)
        what = "simulated scenes" if kind == SIMULATED else f"images of {kind}"
        text = f"{len(names)} {what} that no training sees, by the networks of {len(self.folds)} folds"
        text += "; only classes that they have"
        if kind != "dubai":
            text += "; thresholds were chosen with them in view"
        found = score_counts(at, everything, [None] * CLASS_COUNT, text + self._how, len(names))
        # What its labels do not know cannot be found there.
        return found.only([key for key, inside in zip(CLASS_KEYS, everything.inside, strict=True) if inside.any()])

    @property
    def _how(self) -> str:
        return "; asked in eight orientations" if self.flips else ""


def balanced_levels(folds: Sequence[Mapping[str, Judged]]) -> NDArray[np.int_]:
    """The level per class (10,) that suits DSTL and NAIP, each with the same say.

    Pictures of three bands do not tell where to cut images of eight: what is inferred of the others decides there.
    Simulated scenes decide on the classes that are not found in any real one, whatever the level, and on those that
    fewer than three real ones have: the level that is best in one river says little about the next.

    Args:
        folds: Scenes to choose on, per fold, by name.
    """
    kinds: dict[str, LevelCounts] = {}
    having: dict[str, NDArray[np.bool_]] = {}
    for fold in folds:
        for name, judged in fold.items():
            kind = kind_of(name)
            if kind == "dubai":
                continue
            kinds[kind] = kinds.get(kind, LevelCounts()) + judged.counts
            if kind != SIMULATED:
                having[name] = judged.counts.inside.sum(axis=1) > 0
    simulated = kinds.pop(SIMULATED, None)
    levels = choose_levels(*kinds.values())
    if simulated is not None:
        best = np.max([np.nan_to_num(counts.jaccard()).max(axis=1) for counts in kinds.values()], axis=0, initial=0.0)
        images = np.sum(list(having.values()), axis=0, dtype=np.int64)
        levels = np.where((best < _FOUND) | (images < _ENOUGH), choose_levels(simulated), levels)
    return levels


def cross_validate(
    options: TrainingOptions,
    by: By = "scene",
    progress: Callable[[int], Progress] | None = None,
    together: Progress | None = None,
    *,
    flips: bool = False,
) -> HeldOut:
    """Train one network per fold and let it predict the fold's scenes.

    A call that was interrupted goes on where it stopped when it is repeated with the same options.

    Args:
        options: Options of each training; `work` gets one folder per fold.
        by: What stays together, see `folds`.
        progress: Given a fold, gives what is told how far its training is.
        together: Told how far all trainings are, where several run at once.
        flips: Ask the networks about each place in eight orientations.

    Raises:
        InputError: The work folder holds another training, or the data are not what they should be.
    """
    trainings = fold_trainings(options, by)
    if options.at_once > 1:
        fit_at_once(trainings, together)
    return HeldOut(
        tuple(
            _fold(training, progress(number) if progress is not None else None, flips)
            for number, training in enumerate(trainings)
        ),
        flips,
    )


def fold_trainings(options: TrainingOptions, by: By = "scene") -> list[TrainingOptions]:
    """Options of the training of each fold.

    Args:
        options: Options of all of them.
        by: What stays together, see `folds`.
    """
    dstl = DstlFolder(options.data).scenes() if options.data is not None else ()
    return [options.part(f"fold-{number}", part) for number, part in enumerate(folds(dstl, options.folds, by))]


def predict_labelled(model: Model, scene: LabelledScene) -> NDArray[np.uint8]:
    """Probabilities of a labelled scene, written as a file and read back as an upload would be: uint8 (10, H, W)."""
    height, width = scene.valid.shape
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scene.tif"
        write_cog(path, np.asarray(scene.values), Grid(height, width), nodata=0, descriptions=BAND_NAMES)
        with open_scene(path) as opened:
            return predict(opened, model, model.contract.normalisation.measure(opened))


def _fold(options: TrainingOptions, progress: Progress | None, flips: bool) -> dict[str, Judged]:
    stored = options.work / ("held-out-flips.npz" if flips else "held-out.npz")
    identity = options.identity_text()
    if stored.is_file():
        return _load(stored, identity)
    gathered = gather(options, progress)
    network = fit_gathered(options, gathered, progress)
    model_path = options.work / "model.onnx"
    seen = images_seen(options, gathered.sources)
    contract = ModelContract(name=options.name, version=options.version, training={"images": list(seen)})
    export_onnx(network, contract, model_path)
    model = load_model(model_path)
    model = FlippedModel(model) if flips else model
    found = {}
    tell = staged(progress, "testing")
    scenes = [*gathered.held_out, *simulated_validation(options, progress)]
    for done, scene in enumerate(scenes):
        tell(done, len(scenes))
        predicted = predict_labelled(model, scene)
        counts = LevelCounts()
        counts.add(predicted, scene.members(), scene.known())
        found[scene.name] = Judged(predicted, counts)
    _save(stored, identity, found)
    return found


def _save(stored: Path, identity: str, found: Mapping[str, Judged]) -> None:
    contents: dict[str, Any] = {"identity": identity, "names": np.array(list(found))}
    for name, judged in found.items():
        contents[f"{name}/probabilities"] = judged.probabilities
        contents[f"{name}/counts"] = np.stack([judged.counts.inside, judged.counts.outside])
    temporary = stored.with_name(f".{stored.name}")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **contents)
    temporary.replace(stored)


def _load(stored: Path, identity: str) -> dict[str, Judged]:
    with np.load(stored) as arrays:
        if str(arrays["identity"]) != identity:
            raise InputError(
                f"{stored} is of a training with other options; choose another folder or delete it to start anew."
            )
        return {
            name: Judged(arrays[f"{name}/probabilities"], LevelCounts(*arrays[f"{name}/counts"]))
            for name in arrays["names"].tolist()
        }
