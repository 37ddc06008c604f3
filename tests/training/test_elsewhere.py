"""Labelled images of other places: mosaics, resolution, and classes of which they say nothing."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

pytest.importorskip("torch")

from suelo.errors import InputError
from suelo.landcover import CLASS_KEYS
from suelo.training.elsewhere import DUBAI, NAIP, load_elsewhere, validation_places
from suelo.training.labelled import UNKNOWN, LabelledScene, band_statistics

RED, GREEN, BLUE, NIR1 = 4, 2, 1, 6


@pytest.fixture(scope="module")
def eight_band():
    """A scene whose other bands follow from blue, green, red and the first near infrared."""
    rng = np.random.default_rng(0)
    bands = np.empty((8, 64, 64), np.float32)
    bands[[1, 2, 4, 6]] = rng.uniform(200, 900, (4, 64, 64))
    bands[0], bands[3], bands[5], bands[7] = bands[1], bands[2], bands[4], bands[6]
    valid = np.ones((64, 64), bool)
    return [LabelledScene(bands, np.zeros((10, 64, 64), np.uint8), valid, band_statistics(bands, valid))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, write_elsewhere):
    return write_elsewhere(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(scope="module")
def loaded(folder, eight_band):
    told = []
    found = load_elsewhere(folder, eight_band, lambda *n: told.append(n))
    return found, told


def truth_of(codes, code):
    """Per class key: 250, 0 or 255 for a label code."""
    return dict(zip(CLASS_KEYS, codes.truth(np.array([[code]], np.uint8))[:, 0, 0].tolist(), strict=True))


def test_a_code_says_what_it_is_what_it_is_not_and_nothing_about_the_rest():
    building = truth_of(NAIP, 1)
    assert building["buildings"] == 250
    assert building["roads"] == building["trees"] == building["crops"] == 0
    assert building["structures"] == building["small_vehicles"] == UNKNOWN  # sheds and cars are not labelled
    field = truth_of(NAIP, 3)
    assert field["crops"] == field["tracks"] == UNKNOWN  # bare land: mostly ploughed fields and dirt roads
    grass = truth_of(NAIP, 0)
    assert grass["buildings"] == grass["trees"] == 0
    assert grass["crops"] == UNKNOWN
    pond = truth_of(NAIP, 5)
    assert pond["standing_water"] == 250
    assert pond["waterway"] == UNKNOWN


def test_vegetation_of_dubai_may_be_grass_or_trees_and_its_water_either():
    green = truth_of(DUBAI, 4)
    assert green["trees"] == green["crops"] == UNKNOWN
    assert green["buildings"] == green["roads"] == 0
    sea = truth_of(DUBAI, 5)
    assert sea["waterway"] == sea["standing_water"] == UNKNOWN
    assert sea["trees"] == 0
    for code in (0, 255):
        assert set(truth_of(DUBAI, code).values()) == {UNKNOWN}


def test_tiles_that_touch_become_one_scene_at_the_resolution_of_the_network(loaded):
    found, _ = loaded
    joined, alone = sorted(found["naip"], key=lambda scene: -scene.valid.size)
    assert len(found["naip"]) == 2
    assert joined.valid.shape == (32, 64)  # two tiles of 64 pixels of 0.62 m side by side, in pixels of 1.24 m
    assert alone.valid.shape == (32, 32)
    assert joined.name == "naip-t0"
    for scene in (joined, alone):
        assert scene.values.shape == (8, *scene.valid.shape)
        assert scene.truth.shape == (10, *scene.valid.shape)
        assert scene.valid.all()
    np.testing.assert_array_equal(joined.truth[:, :, 1:31], joined.truth[:, :, 33:63])
    trees = joined.members()[4]
    assert trees[:, [24, 56]].all()  # code 4 is in columns 43 to 53 of 64
    assert not trees[:, [5, 16, 30, 37, 48, 62]].any()


def test_the_corner_of_a_mosaic_that_no_tile_covers_has_no_data(tmp_path, write_elsewhere, eight_band):
    folder = write_elsewhere(tmp_path, naip=((0, 0), (1, 1)), dubai=())
    (scene,) = load_elsewhere(folder, eight_band)["naip"]
    assert scene.valid.shape == (64, 64)
    assert scene.valid[:31, :31].all()
    assert scene.valid[33:, 33:].all()
    assert not scene.valid[:31, 33:].any()
    assert not scene.values[:, ~scene.valid].any()
    assert not scene.known()[:, ~scene.valid].any()
    assert (scene.truth[:, :31, 33:] == UNKNOWN).all()
    # The empty corners do not pull the percentiles down: a tile is stretched as it is by itself.
    (alone,) = load_elsewhere(write_elsewhere(tmp_path / "one", naip=((0, 0),), dubai=()), eight_band)["naip"]
    np.testing.assert_array_equal(scene.values[:, :30, :30], alone.values[:, :30, :30])
    assert scene.statistics.low == alone.statistics.low


def test_the_bands_that_the_camera_has_stay_and_the_others_follow(loaded):
    found, _ = loaded
    for kind in ("naip", "dubai"):
        scene = min(found[kind], key=lambda scene: scene.valid.size)
        image = scene.normalised()
        columns = np.arange(scene.valid.shape[1]) * 6 // scene.valid.shape[1]
        means = np.array([[image[band][:, columns == code].mean() for code in range(6)] for band in (RED, GREEN)])
        assert (np.diff(means[0]) > 0.05).all()  # red rises with the code, green falls
        assert (np.diff(means[1]) < -0.05).all()
        for inferred, source in ((0, BLUE), (3, GREEN), (5, RED)):
            assert np.corrcoef(image[inferred].ravel(), image[source].ravel())[0, 1] > 0.98


def test_the_near_infrared_of_naip_is_measured(loaded):
    found, _ = loaded
    image, trees = found["naip"][0].normalised(), found["naip"][0].members()[4]
    assert image[NIR1][trees].mean() > image[NIR1][~trees].max() - 0.1


def test_dubai_is_resampled_and_its_unlabelled_part_counts_for_nothing(loaded):
    found, _ = loaded
    assert [scene.name for scene in found["dubai"]] == ["tile1_001", "tile1_002"]  # tiles 7 and 8 are left out
    scene = found["dubai"][0]
    assert scene.valid.shape == (65, 81)  # 80 × 100 pixels of 1 m
    known = scene.known()
    assert known[:3, :47, 16:].any(axis=0).all()
    assert not known[:, 50:].any()
    buildings = scene.members()[0]
    assert buildings[10, 20]
    assert not buildings[10, 40:].any()
    assert not known[4, :, 56:65].any()  # vegetation: nobody says whether trees


def test_progress_counts_all_images(loaded):
    _, told = loaded
    assert told == [(done, 5) for done in range(5)]


def test_one_of_the_two_sets_is_enough(tmp_path, write_elsewhere, eight_band):
    only_dubai = write_elsewhere(tmp_path / "d", naip=())
    assert list(load_elsewhere(only_dubai, eight_band)) == ["dubai"]
    assert validation_places(only_dubai) == ()
    only_naip = write_elsewhere(tmp_path / "n", dubai=())
    assert list(load_elsewhere(only_naip, eight_band)) == ["naip"]


def test_every_fourth_place_is_for_validation_and_none_of_its_tiles_is_of_another_place(tmp_path, write_elsewhere):
    tiles = [(0, 0), (0, 1), (4, 0), (4, 4), (8, 8), (8, 9), (20, 0)]
    names = [f"tile{n}_00{m}" for n in (1, 2, 3) for m in (1, 2)]
    folder = write_elsewhere(tmp_path, naip=tiles, dubai=names)
    assert validation_places(folder) == ("naip-t4", "tile3_001")


def test_a_missing_label_and_a_label_of_another_size_are_said(tmp_path, write_elsewhere, eight_band):
    folder = write_elsewhere(tmp_path)
    labels = folder / "dubai" / "labels"
    shutil.copy(folder / "naip" / "labels" / "t0.tif", labels / "tile1_002.png")
    with pytest.raises(InputError, match=r"tile1_002\.jpg has 100 × 80 pixels and its label 64 × 64;"):
        load_elsewhere(folder, eight_band)
    (labels / "tile1_002.png").unlink()
    with pytest.raises(InputError, match=r"There is no label beside .*tile1_002\.jpg\.$"):
        load_elsewhere(folder, eight_band)


def test_a_damaged_image_is_said(tmp_path, write_elsewhere, eight_band):
    folder = write_elsewhere(tmp_path)
    (folder / "naip" / "images" / "t1.tif").write_bytes(b"half a download")
    with pytest.raises(InputError, match=r"t1\.tif is not an image"):
        load_elsewhere(folder, eight_band)


def test_a_folder_with_neither_set_is_refused(tmp_path, eight_band):
    with pytest.raises(InputError, match="holds neither naip/images nor dubai/images"):
        load_elsewhere(tmp_path, eight_band)


@pytest.mark.shared_data
@pytest.mark.slow
def test_the_real_folder_has_the_places_that_it_should(shared_data):
    places = validation_places(shared_data / "elsewhere")
    assert len(places) == len(set(places)) > 2
    assert not any(name.startswith(("tile7", "tile8")) for name in places)
