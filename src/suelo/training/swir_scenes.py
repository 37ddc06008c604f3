"""Labelled SWIR images of a folder in Kaggle's DSTL layout."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from suelo.errors import InputError
from suelo.training.dstl import DstlFolder
from suelo.training.labelled import LabelledScene, band_statistics

SWIR_BANDS = 8


def load_swir(folder: DstlFolder, progress: Callable[[int, int], None] | None = None) -> list[LabelledScene]:
    """Read every labelled A image and draw its labels where the folder's registration puts them.

    Args:
        folder: The folder.
        progress: Called with the images that are done and all.

    Returns:
        Scenes in the order of their names; a pixel is valid where any band is above 0.

    Raises:
        InputError: There is no such image, or one has not eight bands.
    """
    image_ids = folder.scenes("A")
    if not image_ids:
        raise InputError(f"{folder.root} has no labelled SWIR image; sixteen_band/*_A.tif of the DSTL data are needed.")
    scenes = []
    for done, image_id in enumerate(image_ids):
        if progress is not None:
            progress(done, len(image_ids))
        scenes.append(_load(folder, image_id))
    return scenes


def _load(folder: DstlFolder, image_id: str) -> LabelledScene:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    path = folder.image_path(image_id, "A")
    assert path is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as file:
            values = file.read()
    if len(values) != SWIR_BANDS:
        raise InputError(f"{path} has {len(values)} bands; the A images of the DSTL data set have {SWIR_BANDS}.")
    height, width = values.shape[1:]
    truth = folder.coverage(image_id, height, width, folder.registration(image_id))
    valid = (values != 0).any(axis=0)
    return LabelledScene(values, truth, valid, band_statistics(values, valid), image_id)
