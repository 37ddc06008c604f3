"""Reading SWIR images and their labels."""

import numpy as np
import pytest
import rasterio
from shapely.geometry import box

from suelo.errors import InputError
from suelo.training.dstl import DstlFolder
from suelo.training.swir_scenes import load_swir


def test_labels_lie_where_the_registration_puts_them(tmp_path, write_dstl_folder):
    """A field of 24 × 24 M pixels is 4 × 4 SWIR pixels; they are registered to the right and half a pixel up."""
    root = write_dstl_folder(
        tmp_path / "dstl", ["6010_1_2"], height=96, width=96, shapes={"6010_1_2": {6: box(24, 24, 48, 48)}}
    )
    (scene,) = load_swir(DstlFolder(root))
    assert scene.values.shape == (8, 16, 16)
    rows, cols = np.nonzero(scene.truth[5])
    assert (cols.min(), cols.max() + 1) in {(5, 9), (4, 9)}
    assert rows.min() == 3
    assert int(scene.truth[5, 3, 6]) == pytest.approx(125, abs=30)  # half of the first row is covered
    assert scene.truth[5, 5, 6] == 250
    inside = scene.truth[5] == 250
    assert abs(scene.values[:, inside].mean(axis=1) - scene.values[:, 0, 0]).max() > 200  # the image shows it there too


def test_folder_without_registration_has_no_shift(tmp_path, write_dstl_folder):
    root = write_dstl_folder(
        tmp_path / "dstl",
        ["6010_1_2"],
        height=96,
        width=96,
        shapes={"6010_1_2": {6: box(24, 24, 48, 48)}},
        extras=False,
    )
    (scene,) = load_swir(DstlFolder(root))
    assert np.array_equal(np.nonzero(scene.members()[5].any(axis=1))[0], [4, 5, 6, 7])


def test_missing_and_wrong_images(tmp_path, write_dstl_folder):
    root = write_dstl_folder(tmp_path / "dstl", ["6010_1_2", "6110_1_2"])
    (root / "sixteen_band" / "6110_1_2_A.tif").unlink()
    assert [scene.name for scene in load_swir(DstlFolder(root))] == ["6010_1_2"]
    path = root / "sixteen_band" / "6010_1_2_A.tif"
    with rasterio.open(path, "w", "GTiff", 18, 16, 3, dtype="uint16") as file:
        file.write(np.ones((3, 16, 18), np.uint16))
    with pytest.raises(InputError, match="3 bands"):
        load_swir(DstlFolder(root))
    path.unlink()
    with pytest.raises(InputError, match="no labelled SWIR image"):
        load_swir(DstlFolder(root))
