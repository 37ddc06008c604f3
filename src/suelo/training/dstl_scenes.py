"""DSTL images with their labels, as labelled scenes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from suelo.errors import InputError
from suelo.training.dstl import DstlFolder
from suelo.training.labelled import UNKNOWN, LabelledScene, band_statistics
from suelo.training.rasters import read_raster


def load_dstl(
    folder: DstlFolder, image_ids: Sequence[str], progress: Callable[[int, int], None] | None = None
) -> list[LabelledScene]:
    """Read M images and draw their labels.

    Where the folder says that an image cannot be trusted, no class is known.

    Args:
        folder: The folder.
        image_ids: Images to read.
        progress: Called with the images that are done and all.

    Raises:
        InputError: An image is missing or damaged, or has not eight bands.
    """
    scenes = []
    for done, image_id in enumerate(image_ids):
        if progress is not None:
            progress(done, len(image_ids))
        scenes.append(_load(folder, image_id))
    return scenes


def _load(folder: DstlFolder, image_id: str) -> LabelledScene:
    path = folder.image_path(image_id)
    if path is None:
        raise InputError(f"{folder.root} has no sixteen_band/{image_id}_M.tif.")
    values = read_raster(path)
    if len(values) != 8:
        raise InputError(f"{path} has {len(values)} bands; the M images of the DSTL data set have 8.")
    height, width = values.shape[1:]
    truth = folder.coverage(image_id, height, width)
    reliable = folder.reliable(image_id, height, width)
    if reliable is not None:
        truth[:, ~reliable] = UNKNOWN
    valid = (values != 0).any(axis=0)
    return LabelledScene(values, truth, valid, band_statistics(values, valid), image_id)
