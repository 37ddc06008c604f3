"""`segment()`: an image in, its land cover out; the engine behind every door."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suelo.errors import InputError
from suelo.imagery.grid import Grid
from suelo.imagery.scene import Scene, open_scene
from suelo.imagery.statistics import BandStatistics
from suelo.model.contract import ModelContract
from suelo.model.session import Model, shared_model
from suelo.segmentation.atomic import replacing
from suelo.segmentation.engine import Cancelled, Progress, ProgressCallback, predict_to_file
from suelo.segmentation.exports import FILE_NAMES, FORMATS, export, export_all
from suelo.segmentation.polygons import Polygons, polygonise
from suelo.segmentation.profile import Profile
from suelo.segmentation.raster import opened
from suelo.segmentation.result import write_result
from suelo.segmentation.selection import Selection
from suelo.segmentation.summary import ClassSummary, summarise

PROBABILITIES = "probabilities.tif"
"""File name of the probability raster in a folder of results."""


def segment(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | Scene,
    *,
    model: Model | None = None,
    statistics: BandStatistics | None = None,
    selection: Selection | None = None,
    gsd_m: float | None = None,
    directory: str | os.PathLike[str] | None = None,
    progress: ProgressCallback | None = None,
    cancelled: Cancelled | None = None,
    profile: Profile | None = None,
) -> Segmentation:
    """Find the land cover of an image of any size.

    >>> result = segment("scene.tif")
    >>> for row in result.summary():
    ...     print(row.name, row.polygons, round(row.area_m2))
    >>> result.write("results", ["gpkg", "csv"])

    Args:
        source: Local path, `s3://` or `https://` address, the bytes of a TIFF, or an open scene (which stays open).
        model: The network; the shipped one, loaded once per process, by default.
        statistics: Normalise the image like another scene; measured on the image by default.
        selection: What is shown of the result; the model's own thresholds and all classes by default. It can be
            changed afterwards without running the network again: `result.show(selection)`.
        gsd_m: Ground sampling distance in metres of an image without CRS.
        directory: Folder for the probability raster; by default a temporary one that lives as long as the result.
        progress: Told how much is done, a few times per second.
        cancelled: Asked now and then; True stops the work.
        profile: Told where the time goes.

    Raises:
        ImageError: The image cannot be used.
        ModelError: The model cannot be used.
        InputError: The folder cannot be made.
        CancelledError: `cancelled` said so.
    """
    if isinstance(source, bytearray | memoryview):
        source = bytes(source)
    model = model or shared_model()
    profile = profile or Profile()
    keeper = None
    if directory is None:
        keeper = _TemporaryFolder()
        folder = keeper.path
    else:
        folder = _made(directory)
    opening = nullcontext(source) if isinstance(source, Scene) else open_scene(source, gsd_m=gsd_m)
    measured = statistics is None
    with profile.whole(), opening as scene:
        if statistics is None:
            with profile.stage("statistics"):
                statistics = model.contract.normalisation.measure(scene)
        path = folder / PROBABILITIES
        predict_to_file(scene, model, statistics, path, progress, cancelled, profile=profile)
        return Segmentation(
            name=scene.name,
            grid=scene.grid,
            probabilities_path=path,
            statistics=statistics,
            selection=selection or Selection(model.contract.thresholds),
            contract=model.contract,
            model_sha256=model.sha256,
            image_sha256=image_sha256(source),
            source=scene if isinstance(source, Scene) else source,
            statistics_measured=measured,
            _keeper=keeper,
        )


def _made(directory: str | os.PathLike[str]) -> Path:
    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be made: {error.strerror}.") from None
    return folder


class _TemporaryFolder:
    """A folder that is removed when nobody holds this object any more."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="suelo-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True)
class Segmentation:
    """The land cover of one image.

    Attributes:
        name: Name of the image.
        grid: Its pixels on the ground.
        probabilities_path: The probability raster: ten bands, uint8, 0..250 for 0..1, 255 where there is no data.
        statistics: What normalised the image.
        selection: What is shown.
        contract: The model that made it.
        model_sha256: Hash of the model's file.
        image_sha256: Hash of the image's bytes, or None where they were read over the network or from an open scene.
        source: The image itself, for the preview.
        statistics_measured: Whether the statistics are the image's own; False if they were given.
    """

    name: str
    grid: Grid
    probabilities_path: Path
    statistics: BandStatistics
    selection: Selection
    contract: ModelContract
    model_sha256: str
    image_sha256: str | None
    source: str | os.PathLike[str] | bytes | Scene = field(repr=False)
    statistics_measured: bool = True
    _keeper: _TemporaryFolder | None = field(default=None, repr=False)
    # Empty until somebody asks; not for `replace` to pass on, because another selection has other numbers.
    _counted: list[ClassSummary] = field(default_factory=list, init=False, repr=False, compare=False)

    def show(self, selection: Selection) -> Segmentation:
        """The same result with another selection; the network does not run again."""
        return replace(self, selection=selection)

    def moved(self, probabilities_path: Path, source: str) -> Segmentation:
        """The same result after its probability raster went elsewhere; what has been counted is not counted anew.

        Args:
            probabilities_path: Where the raster is now.
            source: Path or address of the image.
        """
        result = replace(self, probabilities_path=probabilities_path, source=source)
        result._counted.extend(self._counted)
        return result

    def summary(self) -> list[ClassSummary]:
        """Objects, areas and shares of all ten classes; counted once."""
        if not self._counted:
            self._counted[:] = summarise(self.probabilities_path, self.selection)
        return list(self._counted)

    def polygons(self) -> Iterator[Polygons]:
        """Polygons of the classes that are switched on, in batches."""
        return polygonise(self.probabilities_path, self.selection)

    def probabilities(self) -> NDArray[np.uint8]:
        """All probabilities, uint8 (10, height, width): 0..250 for 0..1, 255 where there is no data."""
        with opened(self.probabilities_path) as raster:
            return raster.read_all()

    def write(
        self,
        directory: str | os.PathLike[str],
        formats: Iterable[str] = ("gpkg", "geojson", "csv", "png"),
        progress: ProgressCallback | None = None,
        profile: Profile | None = None,
    ) -> list[Path]:
        """Write result files into a folder: `probabilities.tif`, `result.json`, and one per format.

        Args:
            directory: The folder; it is made where it is not there.
            formats: Some of `suelo.segmentation.exports.FORMATS`.
            progress: Told how many files are done.
            profile: Told where the time goes.

        Returns:
            The files, in the order in which they were written.

        Raises:
            InputError: There is no such format, or the folder cannot be made.
        """
        wanted = list(dict.fromkeys(formats))
        for fmt in wanted:
            if fmt not in FORMATS:
                raise InputError(f"There is no format {fmt!r}; the formats are {', '.join(FORMATS)}.")
        folder = _made(directory)
        profile = profile or Profile()
        total = len(wanted) + 2
        written = [folder / PROBABILITIES]
        with profile.whole():
            if not (written[0].exists() and written[0].samefile(self.probabilities_path)):
                with profile.stage("files"):
                    _copy(self.probabilities_path, written[0])
            files = {fmt: folder / FILE_NAMES[fmt] for fmt in wanted if fmt != "png"}
            if progress:
                progress(Progress(len(written), total, "files"))
            with profile.stage("polygons"):
                # What the files cost to make holds the numbers of `summary`, too.
                self._counted[:] = export_all(self.probabilities_path, self.selection, files, name=self.name)
            written += files.values()
            if "png" in wanted:
                if progress:
                    progress(Progress(len(written), total, "files"))
                written.append(folder / FILE_NAMES["png"])
                with profile.stage("files"):
                    self._write_preview(written[-1])
            written.append(folder / "result.json")
            with profile.stage("files"):
                write_result(self, written[-1])
        if progress:
            progress(Progress(total, total, "files"))
        return written

    def _write_preview(self, path: Path) -> None:
        source = self.source
        with nullcontext(source) if isinstance(source, Scene) else open_scene(source) as scene:
            export(
                self.probabilities_path,
                self.selection,
                "png",
                path,
                image=scene,
                statistics=self.statistics,
            )


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as part:
        shutil.copyfile(source, part)


def image_sha256(source: str | os.PathLike[str] | bytes | Scene) -> str | None:
    """Hash of the bytes of an image, hexadecimal; None where they are read over the network."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    path = Path(source.source if isinstance(source, Scene) else source)
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
