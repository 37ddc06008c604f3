"""What a folder in Kaggle's layout holds, and why a training cannot run on it."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from shapely import box

from suelo.errors import InputError
from suelo.training.check import HOW_TO_GET, check_folder

PLACES = ("6010_1_2", "6040_1_0", "6070_2_3", "6110_1_2", "6140_1_2")
"""Four places: the last two images show the same ground."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory, write_dstl_folder):
    return write_dstl_folder(tmp_path_factory.mktemp("check") / "d", PLACES)


def image(path, bands=8, height=96, width=112):
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", "GTiff", width, height, bands, dtype="uint16") as file:
        file.write(np.full((bands, height, width), 500, np.uint16))


def pan_sharpened(path):
    image(path, height=384, width=448)
    (path.parent.parent / "reliable" / "6110_1_2.tif").unlink()


def by_id(found):
    return {checked.image_id: checked for checked in found.images}


def test_a_whole_folder_has_nothing_in_the_way(whole):
    told = []
    found = check_folder(whole, lambda *n: told.append(n))
    assert found.obstacle() is None
    assert found.usable == PLACES
    assert told == [(done, 5) for done in range(5)]
    checked = by_id(found)["6010_1_2"]
    assert checked.sizes == {"M": (96, 112), "A": (16, 18)}
    assert checked.trusted == pytest.approx(102 / 112)
    assert checked.shift == (1.0, -0.5)
    assert checked.classes == tuple(range(1, 11))
    assert not checked.problems
    assert not checked.remarks


def test_shares_are_those_of_the_area_that_can_be_trusted(tmp_path, write_dstl_folder):
    # The last 10 of 112 columns are not to be trusted, half of the second shape among them.
    shapes = {"6010_1_2": {1: box(0, 0, 51, 48), 3: box(92, 0, 112, 96)}, "6040_1_0": {}}
    found = check_folder(write_dstl_folder(tmp_path / "d", ["6010_1_2", "6040_1_0"], shapes=shapes))
    assert by_id(found)["6010_1_2"].classes == (1, 3)
    assert by_id(found)["6040_1_0"].classes == ()
    shares = found.shares()
    assert shares[0] == pytest.approx(51 * 48 / (2 * 96 * 102), rel=0.02)
    assert shares[2] == pytest.approx(10 * 96 / (2 * 96 * 102), rel=0.15)
    assert not shares[[1, *range(3, 10)]].any()


def test_a_download_from_kaggle_needs_neither_masks_nor_shifts(tmp_path, write_dstl_folder):
    root = write_dstl_folder(tmp_path / "d", PLACES, zipped=True, extras=False)
    image(root / "sixteen_band" / "6999_9_9_M.tif")  # Kaggle ships hundreds of images without labels
    found = check_folder(root)
    assert found.obstacle() is None
    assert found.unlabelled == 1
    assert {checked.trusted for checked in found.images} == {None}
    assert {checked.shift for checked in found.images} == {None}


def test_images_that_are_missing_leave_the_others(tmp_path, write_dstl_folder):
    root = write_dstl_folder(tmp_path / "d", (*PLACES, "6170_0_4"))
    (root / "sixteen_band" / "6010_1_2_M.tif").unlink()
    (root / "sixteen_band" / "6040_1_0_A.tif").unlink()
    found = check_folder(root)
    assert found.obstacle() is None
    assert found.usable == (*PLACES[1:], "6170_0_4")
    assert by_id(found)["6010_1_2"].sizes == {"A": (16, 18)}
    assert by_id(found)["6040_1_0"].sizes == {"M": (96, 112)}


def test_too_few_separate_places_are_an_obstacle(tmp_path, write_dstl_folder):
    found = check_folder(write_dstl_folder(tmp_path / "d", ["6010_1_2", "6040_1_0", "6110_1_2", "6140_1_2"]))
    assert "labelled M images of 3 separate places; a training needs 4" in found.obstacle()


def test_no_image_at_all_is_an_obstacle(tmp_path, write_dstl_folder):
    root = write_dstl_folder(tmp_path / "d", ["6010_1_2"])
    (root / "sixteen_band" / "6010_1_2_M.tif").unlink()
    assert "nothing to train on" in check_folder(root).obstacle()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: image(path, bands=3), "has 3 bands; the M images of the DSTL data set have 8"),
        (pan_sharpened, "448 × 384 pixels, which makes them 0.30 × 0.30 m on the ground; those of M images are 1.24"),
        (lambda path: path.write_bytes(path.read_bytes()[:3000]), "6110_1_2_M.tif is not an image, or not a whole one"),
        (lambda path: image(path.parent.parent / "reliable" / "6110_1_2.tif", 1, 50, 50), "mask of image 6110_1_2"),
    ],
)
def test_an_image_that_would_stop_a_training_is_an_obstacle_in_one_sentence(tmp_path, write_dstl_folder, spoil, words):
    root = write_dstl_folder(tmp_path / "d", ("6110_1_2", *PLACES[:3], "6170_0_4"))
    spoil(root / "sixteen_band" / "6110_1_2_M.tif")
    found = check_folder(root)
    assert words in found.obstacle()
    assert found.obstacle().endswith(".")
    assert "\n" not in found.obstacle()
    assert "6110_1_2" not in found.usable


def test_labels_that_are_no_geometry_are_an_obstacle(tmp_path, write_dstl_folder):
    root = write_dstl_folder(tmp_path / "d", PLACES)
    text = (root / "train_wkt_v4.csv").read_text()
    (root / "train_wkt_v4.csv").write_text(text.replace("6040_1_0,8,", '6040_1_0,8,"MULTIPOLYGON (((0 0, 1"\n#', 1))
    with pytest.raises(InputError, match="Row"):
        check_folder(root)
    lines = text.splitlines()
    lines[18] = '6040_1_0,8,"MULTIPOLYGON (((0 0, 1"'
    (root / "train_wkt_v4.csv").write_text("\n".join(lines) + "\n")
    assert "Class 8 of image 6040_1_0" in check_folder(root).obstacle()


def test_a_spoilt_swir_image_is_a_remark_and_no_obstacle(tmp_path, write_dstl_folder):
    root = write_dstl_folder(tmp_path / "d", PLACES)
    image(root / "sixteen_band" / "6010_1_2_A.tif", bands=4)
    image(root / "sixteen_band" / "6040_1_0_A.tif")
    (root / "sixteen_band" / "6070_2_3_A.tif").write_bytes(b"half a download")
    found = check_folder(root)
    assert found.obstacle() is None
    remarks = {image_id: checked.remarks for image_id, checked in by_id(found).items() if checked.remarks}
    assert sorted(remarks) == ["6010_1_2", "6040_1_0", "6070_2_3"]
    assert "has 4 bands" in remarks["6010_1_2"][0]
    assert "those of A images are 7.5 m" in remarks["6040_1_0"][0]
    assert "6070_2_3_A.tif is not an image" in remarks["6070_2_3"][0]


def test_a_missing_table_is_said(tmp_path, write_dstl_folder):
    root = write_dstl_folder(tmp_path / "d", PLACES)
    (root / "grid_sizes.csv").unlink()
    with pytest.raises(InputError, match=r"has no grid_sizes\.csv \(or grid_sizes\.csv\.zip\)"):
        check_folder(root)


def test_how_to_get_the_data_names_everything_that_is_needed():
    for needed in (
        "Dstl Satellite Imagery Feature Detection",
        "kaggle.com/competitions/dstl-satellite-imagery-feature-detection",
        "accept the rules",
        "sixteen_band.zip",
        "train_wkt_v4.csv.zip",
        "grid_sizes.csv.zip",
        "sixteen_band/6010_1_2_M.tif",
    ):
        assert needed in HOW_TO_GET
