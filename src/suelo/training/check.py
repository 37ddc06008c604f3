"""Looks through a folder in Kaggle's DSTL layout: what is there, what is missing, and whether a training can run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suelo.errors import InputError
from suelo.landcover import CLASS_COUNT
from suelo.segmentation.selection import FULL_SCALE
from suelo.training.dstl import DstlFolder, GridSize, ImageKind, place_of
from suelo.training.dstl_scenes import load_dstl
from suelo.training.labelled import LabelledScene
from suelo.training.options import TrainingOptions
from suelo.training.rasters import read_raster

HOW_TO_GET = """\
The images and labels are those of the Kaggle competition "Dstl Satellite Imagery Feature Detection":
  https://www.kaggle.com/competitions/dstl-satellite-imagery-feature-detection/data
Sign in, accept the rules of the competition (Kaggle hands out nothing before that), and download
  sixteen_band.zip, train_wkt_v4.csv.zip and grid_sizes.csv.zip.
Unpack sixteen_band.zip; the two tables may stay zipped. Then the folder looks like this:
  sixteen_band/6010_1_2_M.tif    eight bands, visible and near infrared, 1.24 m (needed)
  sixteen_band/6010_1_2_A.tif    eight bands, short-wave infrared, 7.5 m (for the SWIR benchmark)
  train_wkt_v4.csv.zip           labels of 25 images; the other images are not used
  grid_sizes.csv.zip             from the coordinates of the labels to pixels\
"""

_METRES_PER_UNIT = 111_320.0
"""Coordinates of the labels are about degrees of a great circle."""

_GSD_M: dict[ImageKind, float] = {"M": 1.24, "A": 7.5}
_GSD_TOLERANCE = 1.33


@dataclass(frozen=True)
class ImageCheck:
    """What was found of one labelled image.

    Attributes:
        image_id: Its id.
        sizes: Height and width of the M and A images that can be used.
        grid_size: Whether its extent is known.
        trusted: Share of the M image that can be trusted; None where no mask says so.
        shift: Shift of its labels in the A image; None where it is not given.
        areas: Pixels of the M image that each class covers, float64 (10,).
        known: Pixels of the M image whose class is known, float64 (10,).
        problems: What keeps a training from using it, one sentence each.
        remarks: What is not as it should be but keeps no training from running.
    """

    image_id: str
    sizes: dict[ImageKind, tuple[int, int]] = field(default_factory=dict)
    grid_size: bool = False
    trusted: float | None = None
    shift: tuple[float, float] | None = None
    areas: NDArray[np.float64] = field(default_factory=lambda: np.zeros(CLASS_COUNT))
    known: NDArray[np.float64] = field(default_factory=lambda: np.zeros(CLASS_COUNT))
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether a training learns from this image."""
        return "M" in self.sizes and self.grid_size and not self.problems

    @property
    def classes(self) -> tuple[int, ...]:
        """Numbers of the classes that occur."""
        return tuple(int(row) + 1 for row in np.flatnonzero(self.areas))


@dataclass(frozen=True)
class FolderCheck:
    """What was found in a folder.

    Attributes:
        root: The folder.
        images: One per labelled image.
        unlabelled: Images without labels, which are not used.
    """

    root: Path
    images: tuple[ImageCheck, ...]
    unlabelled: int

    @property
    def usable(self) -> tuple[str, ...]:
        """Ids of the images that a training learns from."""
        return tuple(image.image_id for image in self.images if image.usable)

    def shares(self) -> NDArray[np.float64]:
        """Share of the known area that each class covers, over all usable images, (10,)."""
        areas = np.sum([image.areas for image in self.images if image.usable], axis=0)
        known = np.sum([image.known for image in self.images if image.usable], axis=0)
        return np.asarray(areas / np.maximum(known, 1.0)) * np.ones(CLASS_COUNT)

    def obstacle(self) -> str | None:
        """Why no training can run, in one sentence; None when one can."""
        problems = [problem for image in self.images for problem in image.problems]
        if problems:
            rest = f" (and {len(problems) - 1} more such images)" if len(problems) > 1 else ""
            return f"{problems[0].removesuffix('.')}{rest}."
        places = len({place_of(image_id) for image_id in self.usable})
        needed = TrainingOptions.folds
        if not places:
            return f"{self.root} has no M image with labels and a grid size, so there is nothing to train on."
        if places < needed:
            return (
                f"{self.root} has labelled M images of {places} separate place{'s' if places > 1 else ''}; "
                f"a training needs {needed}, so that each is judged by a network that never saw it."
            )
        return None


def check_folder(root: Path, progress: Callable[[int, int], None] | None = None) -> FolderCheck:
    """Read everything that a training would read.

    Args:
        root: The folder.
        progress: Called with the images that are done and all.

    Raises:
        InputError: The folder or one of its two tables is missing or damaged.
    """
    folder = DstlFolder(root)
    images = []
    for done, image_id in enumerate(folder.labelled):
        if progress is not None:
            progress(done, len(folder.labelled))
        images.append(_check_image(folder, image_id))
    found = {path.name.removesuffix("_M.tif") for path in (folder.root / "sixteen_band").glob("*_M.tif")}
    return FolderCheck(folder.root, tuple(images), len(found - set(folder.labelled)))


def _check_image(folder: DstlFolder, image_id: str) -> ImageCheck:
    size = folder.grid_size(image_id)
    sizes: dict[ImageKind, tuple[int, int]] = {}
    problems, remarks = [], []
    scene = trusted = None
    if size is not None and folder.image_path(image_id) is not None:
        try:
            (scene,) = load_dstl(folder, [image_id])
            mask = folder.reliable(image_id, *scene.valid.shape)
        except InputError as error:
            problems.append(str(error))
        else:
            trusted = None if mask is None else float(mask.mean())
            sizes["M"] = scene.valid.shape[0], scene.valid.shape[1]
            problems += _odd_size(folder, image_id, "M", sizes["M"], size)
    swir = folder.image_path(image_id, "A")
    if swir is not None:
        try:
            bands, *shape = read_raster(swir).shape
        except InputError as error:
            remarks.append(str(error))
        else:
            if bands == 8:
                sizes["A"] = shape[0], shape[1]
                remarks += _odd_size(folder, image_id, "A", sizes["A"], size) if size is not None else []
            else:
                remarks.append(f"{swir} has {bands} bands; the A images of the DSTL data set have 8.")
    areas, known = _areas(scene)
    return ImageCheck(
        image_id=image_id,
        sizes=sizes,
        grid_size=size is not None,
        trusted=trusted,
        shift=folder.registration(image_id) if folder.is_registered(image_id) else None,
        areas=areas,
        known=known,
        problems=tuple(problems),
        remarks=tuple(remarks),
    )


def _odd_size(folder: DstlFolder, image_id: str, kind: ImageKind, shape: tuple[int, int], size: GridSize) -> list[str]:
    """A sentence if the pixels of an image are not as large as its kind's, as of a pan-sharpened or cut image."""
    gsd = size.x_max / shape[1] * _METRES_PER_UNIT, -size.y_min / shape[0] * _METRES_PER_UNIT
    ratios = [max(found / _GSD_M[kind], _GSD_M[kind] / found) for found in gsd]
    if max(ratios) <= _GSD_TOLERANCE:
        return []
    return [
        f"{folder.image_path(image_id, kind)} has {shape[1]} × {shape[0]} pixels, which makes them "
        f"{gsd[0]:.2f} × {gsd[1]:.2f} m on the ground; those of {kind} images are {_GSD_M[kind]:g} m."
    ]


def _areas(scene: LabelledScene | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels that each class covers, and those of which that is known, both (10,)."""
    if scene is None:
        return np.zeros(CLASS_COUNT), np.zeros(CLASS_COUNT)
    known = scene.known()
    covered = np.where(known, scene.truth, 0).sum(axis=(1, 2)) / FULL_SCALE
    return covered, known.sum(axis=(1, 2)).astype(np.float64)
