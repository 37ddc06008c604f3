"""Trains once per fold and judges every real scene by a network that never saw its ground."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suelo.errors import InputError
from suelo.imagery.geotiff import write_cog
from suelo.imagery.grid import Grid
from suelo.imagery.scene import BAND_NAMES, open_scene
from suelo.imagery.statistics import measure_statistics
from suelo.landcover import CLASS_KEYS
from suelo.model.contract import Metrics, ModelContract
from suelo.model.session import Model, load_model
from suelo.segmentation.engine import predict
from suelo.training.dstl import DstlFolder
from suelo.training.elsewhere import elsewhere_places
from suelo.training.export import export_onnx
from suelo.training.fit import fit_chips
from suelo.training.folds import By, folds
from suelo.training.labelled import LabelledScene
from suelo.training.metrics import JaccardCounts, LevelCounts
from suelo.training.options import Progress, TrainingOptions
from suelo.training.sources import gather, kind_of, staged
from suelo.training.thresholds import choose_levels


@dataclass(frozen=True)
class HeldOut:
    """What networks said about scenes that they had not seen.

    Attributes:
        probabilities: Per scene name: 0..250, 255 = no data, uint8 (10, H, W).
        counts: Per scene name: its stored probabilities in and outside the truth.
        folds: Names of the scenes of each fold.
    """

    probabilities: Mapping[str, NDArray[np.uint8]]
    counts: Mapping[str, LevelCounts]
    folds: tuple[tuple[str, ...], ...]

    def fold_levels(self) -> tuple[NDArray[np.int_], ...]:
        """Levels per fold (10,), each chosen on the scenes of the other folds alone."""
        return tuple(
            balanced_levels({name: self.counts[name] for other in self.folds if other is not fold for name in other})
            for fold in self.folds
        )

    def names(self, kind: str) -> tuple[str, ...]:
        """Scenes of one kind, see `kind_of`."""
        return tuple(name for fold in self.folds for name in fold if kind_of(name) == kind)

    def jaccard(self, kind: str = "dstl") -> JaccardCounts:
        """Areas over all scenes of one kind, each fold at the levels that were chosen on the others."""
        total = JaccardCounts()
        for fold, levels in zip(self.folds, self.fold_levels(), strict=True):
            for name in fold:
                if kind_of(name) == kind:
                    total += self.counts[name].at(levels)
        return total

    def metrics(self) -> Metrics:
        """The part that goes into the contract of a model that is trained on all scenes."""
        found = self.jaccard()
        figures = zip(CLASS_KEYS, found.per_class(), strict=True)
        return Metrics(
            measured_on=f"{len(self.names('dstl'))} DSTL images, each by a network that had not seen its ground; "
            f"{len(self.folds)} folds, thresholds chosen on the others",
            jaccard={key: None if value is None else round(value, 4) for key, value in figures},
            mean_jaccard=round(found.mean() or 0.0, 4),
        )

    def all_levels(self) -> NDArray[np.int_]:
        """Levels (10,) chosen on all scenes: for a model that is trained on all of them."""
        return balanced_levels(self.counts)


def balanced_levels(counts: Mapping[str, LevelCounts]) -> NDArray[np.int_]:
    """The level per class (10,) that suits all kinds of places, each kind with the same say.

    Args:
        counts: Per scene name.
    """
    kinds: dict[str, LevelCounts] = {}
    for name, found in counts.items():
        kind = kind_of(name)
        kinds[kind] = kinds[kind] + found if kind in kinds else found
    return choose_levels(*kinds.values())


def cross_validate(
    options: TrainingOptions, by: By = "scene", progress: Callable[[int], Progress] | None = None
) -> HeldOut:
    """Train one network per fold and let it predict the fold's scenes.

    A call that was interrupted goes on where it stopped when it is repeated with the same options.

    Args:
        options: Options of each training; `work` gets one folder per fold.
        by: What stays together, see `folds`.
        progress: Given a fold, gives what is told how far its training is.

    Raises:
        InputError: The work folder holds another training, or the data are not what they should be.
    """
    dstl = DstlFolder(options.data).scenes() if options.data is not None else ()
    elsewhere = elsewhere_places(options.elsewhere) if options.elsewhere is not None else ()
    probabilities: dict[str, NDArray[np.uint8]] = {}
    counts: dict[str, LevelCounts] = {}
    members = []
    for number, part in enumerate(folds(dstl, options.folds, by)):
        mine = replace(
            options, hold_out=(*part, *elsewhere[number :: options.folds]), work=options.work / f"fold-{number}"
        )
        found = _fold(mine, progress(number) if progress is not None else None)
        probabilities |= {name: predicted for name, (predicted, _) in found.items()}
        counts |= {name: judged for name, (_, judged) in found.items()}
        members.append(tuple(found))
    return HeldOut(probabilities, counts, tuple(members))


def predict_labelled(model: Model, scene: LabelledScene) -> NDArray[np.uint8]:
    """Probabilities of a labelled scene, written as a file and read back as an upload would be: uint8 (10, H, W)."""
    height, width = scene.valid.shape
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scene.tif"
        write_cog(path, np.asarray(scene.values), Grid(height, width), nodata=0, descriptions=BAND_NAMES)
        with open_scene(path) as opened:
            return predict(opened, model, measure_statistics(opened))


def _fold(options: TrainingOptions, progress: Progress | None) -> dict[str, tuple[NDArray[np.uint8], LevelCounts]]:
    stored = options.work / "held-out.npz"
    identity = options.identity_text()
    if stored.is_file():
        return _load(stored, identity)
    gathered = gather(options, progress)
    network = fit_chips(options, gathered.sources, progress=progress)
    model_path = options.work / "model.onnx"
    export_onnx(network, ModelContract(name=options.name, version=options.version), model_path)
    model = load_model(model_path)
    found = {}
    tell = staged(progress, "testing")
    for done, scene in enumerate(gathered.held_out):
        tell(done, len(gathered.held_out))
        predicted = predict_labelled(model, scene)
        counts = LevelCounts()
        counts.add(predicted, scene.members(), scene.known())
        found[scene.name] = predicted, counts
    contents: dict[str, Any] = {"identity": identity, "names": np.array(list(found))}
    for name, (predicted, judged) in found.items():
        contents[f"{name}/probabilities"] = predicted
        contents[f"{name}/counts"] = np.stack([judged.inside, judged.outside])
    temporary = stored.with_name(".held-out.npz")
    np.savez_compressed(temporary, **contents)
    temporary.replace(stored)
    return found


def _load(stored: Path, identity: str) -> dict[str, tuple[NDArray[np.uint8], LevelCounts]]:
    with np.load(stored) as arrays:
        if str(arrays["identity"]) != identity:
            raise InputError(
                f"{stored} is of a training with other options; choose another folder or delete it to start anew."
            )
        return {
            name: (arrays[f"{name}/probabilities"], LevelCounts(*arrays[f"{name}/counts"]))
            for name in arrays["names"].tolist()
        }
