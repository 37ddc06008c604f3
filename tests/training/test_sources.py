"""Scenes gathered for a training: what was held out is in no source."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from suelo.errors import InputError
from suelo.training.options import Mixture, TrainingOptions
from suelo.training.sources import gather, kind_of, place_of_scene

IDS = ("6010_1_2", "6110_1_2", "6140_1_2")
TILES = ((0, 0), (5, 0), (9, 0), (14, 0), (19, 0))
NAMES = ("tile1_001", "tile1_002", "tile2_001", "tile2_002")


@pytest.fixture(scope="module")
def data(tmp_path_factory, write_dstl_folder, write_elsewhere):
    root = tmp_path_factory.mktemp("data")
    return write_dstl_folder(root / "dstl", IDS), write_elsewhere(root / "elsewhere", TILES, NAMES)


def options(work, data, **changes):
    dstl, elsewhere = data
    small = {"scenes": 1, "workers": 1, "scene_size": 64, "chip": 32, "data": dstl, "elsewhere": elsewhere}
    return TrainingOptions(out=work / "m.onnx", work=work, **(small | changes))


def names(gathered):
    return {source.name: sorted(scene.name for scene in source.scenes) for source in gathered.sources}


def test_every_kind_of_scene_is_a_source_with_its_share(tmp_path, data):
    stages = []
    given = options(tmp_path, data, mixture=Mixture(dstl=4.0, naip=3.0, dubai=2.0, simulated=1.0))
    found = gather(given, lambda now: stages.append(now.stage))
    assert {source.name: source.share for source in found.sources} == {
        "dstl": 4.0,
        "naip": 3.0,
        "dubai": 2.0,
        "simulated": 1.0,
    }
    assert names(found)["dstl"] == sorted(IDS)
    assert len(names(found)["simulated"]) == 1
    assert list(dict.fromkeys(stages)) == ["scenes", "reading"]


@pytest.mark.parametrize("held", ["6110_1_2", "6140_1_2"])
def test_both_images_of_held_out_ground_are_in_no_source(tmp_path, data, held):
    found = gather(options(tmp_path, data, hold_out=(held,)))
    assert names(found)["dstl"] == ["6010_1_2"]
    assert {"6110_1_2", "6140_1_2"} <= {scene.name for scene in found.held_out}


@pytest.mark.parametrize("held", [(), ("6010_1_2",)])
def test_a_training_does_without_the_places_that_it_is_watched_by(tmp_path, write_dstl_folder, held):
    many = write_dstl_folder(tmp_path / "dstl", (*IDS, "6040_2_2", "6100_1_3"))
    found = gather(options(tmp_path, (many, None), scenes=0, watch=2, hold_out=held))
    watched = {scene.name for scene in found.watched}
    learned = set(names(found)["dstl"])
    assert len({place_of_scene(name) for name in watched}) == 2
    assert {scene.name for scene in found.held_out} == set(held)
    assert not watched & (learned | set(held))
    assert watched | learned | set(held) == {*IDS, "6040_2_2", "6100_1_3"}
    assert {"6110_1_2", "6140_1_2"} & watched in (set(), {"6110_1_2", "6140_1_2"})


def test_watching_by_all_places_is_refused(tmp_path, data):
    with pytest.raises(InputError, match="by 2 of 2 places leaves none"):
        gather(options(tmp_path, data, scenes=0, watch=2))
    with pytest.raises(InputError, match="--data names"):
        TrainingOptions(watch=1)
    with pytest.raises(InputError, match="--watch says"):
        options(tmp_path, data, patience=2)


def test_all_parts_of_a_held_out_tile_are_in_no_source(tmp_path, data):
    found = gather(options(tmp_path, data, scenes=0, hold_out=("tile1_002", "naip-t1")))
    assert not {"tile1_001", "tile1_002"} & set(names(found)["dubai"])
    assert "naip-t1" not in names(found)["naip"]
    assert {"tile1_001", "tile1_002", "naip-t1"} <= {scene.name for scene in found.held_out}


def test_places_for_validation_are_held_out_of_every_training(tmp_path, data):
    found = gather(options(tmp_path, data, scenes=0))
    assert [scene.name for scene in found.held_out] == ["naip-t3"]
    assert "naip-t3" not in names(found)["naip"]


def test_no_scene_is_both_learned_from_and_held_out(tmp_path, data):
    found = gather(options(tmp_path, data, scenes=0, hold_out=("6010_1_2", "tile2_001")))
    learned = {place_of_scene(scene.name) for source in found.sources for scene in source.scenes}
    judged = {place_of_scene(scene.name) for scene in found.held_out}
    assert judged >= {"6010_1_2", "tile2", "naip-t3"}
    assert not learned & judged


def test_the_bands_of_held_out_images_do_not_teach_the_lift(tmp_path, data, write_dstl_folder):
    import rasterio

    before = gather(options(tmp_path / "a", data, scenes=0, hold_out=("6110_1_2",)))
    other = write_dstl_folder(tmp_path / "dstl", IDS)
    for image_id in ("6110_1_2", "6140_1_2"):
        with rasterio.open(other / "sixteen_band" / f"{image_id}_M.tif", "r+") as file:
            file.write(file.read()[::-1])
    after = gather(options(tmp_path / "b", (other, data[1]), scenes=0, hold_out=("6110_1_2",)))
    for one, two in zip(before.sources, after.sources, strict=True):
        for scene, again in zip(one.scenes, two.scenes, strict=True):
            np.testing.assert_array_equal(scene.values, again.values)


def test_a_share_of_nothing_leaves_a_kind_out(tmp_path, data):
    found = gather(options(tmp_path, data, scenes=0, mixture=Mixture(naip=0.0)))
    assert sorted(names(found)) == ["dstl", "dubai"]


def test_nothing_left_to_train_on_is_said(tmp_path, data):
    given = options(tmp_path, data, scenes=0, elsewhere=None, hold_out=("6010_1_2", "6110_1_2"))
    with pytest.raises(InputError, match=r"There is no scene left to train on: 3 are held out\.$"):
        gather(given)
    with pytest.raises(InputError, match=r"no eight-band scene is left to learn from\.$"):
        gather(options(tmp_path, data, scenes=0, hold_out=("6010_1_2", "6110_1_2")))


def test_kinds_are_known_by_the_names_of_scenes():
    names = ("6110_1_2", "naip-t3", "tile1_001", "simulated-200000")
    assert [kind_of(name) for name in names] == ["dstl", "naip", "dubai", "simulated"]
