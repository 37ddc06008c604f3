"""Tests of made-up scenes in memory and on disk."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from rasterio.features import rasterize

from suelo.errors import InputError
from suelo.landcover import CLASS_KEYS, CLASSES
from suelo.simulation import STYLES, SimulatedChip, simulate, simulate_array
from suelo.simulation.render import Renderer
from suelo.simulation.world import World


def _rasterised(objects: list[tuple[int, shapely.Geometry]], shape: tuple[int, int]) -> np.ndarray:
    planes = np.zeros((10, *shape), bool)
    for class_id in range(1, 11):
        shapes = [geometry for k, geometry in objects if k == class_id]
        if shapes:
            planes[class_id - 1] = rasterize(shapes, shape) > 0
    return planes


def test_a_seed_gives_the_same_scene_to_the_last_bit() -> None:
    one, two = (simulate_array(130, 170, 5) for _ in range(2))
    assert one.image.dtype == np.uint16
    assert one.image.shape == (8, 130, 170)
    assert one.truth.shape == (10, 130, 170)
    assert one.image.tobytes() == two.image.tobytes()
    assert one.truth.tobytes() == two.truth.tobytes()
    assert [(k, g.wkb) for k, g in one.objects] == [(k, g.wkb) for k, g in two.objects]
    assert (simulate_array(130, 170, 6).image != one.image).mean() > 0.9


def test_every_window_shows_the_same_world() -> None:
    whole = Renderer(World(8, "mixed", 1.24))
    image, truth = whole.image(0, 0, 400, 400), whole.truth(0, 0, 400, 400)
    for row, col, height, width in ((0, 0, 16, 400), (37, 211, 150, 83), (399, 1, 1, 350)):
        fresh = Renderer(World(8, "mixed", 1.24))
        window = np.s_[:, row : row + height, col : col + width]
        np.testing.assert_array_equal(fresh.image(row, col, height, width), image[window])
        np.testing.assert_array_equal(fresh.truth(row, col, height, width), truth[window])


def test_rasterised_objects_are_the_truth(scene: SimulatedChip) -> None:
    np.testing.assert_array_equal(_rasterised(scene.objects, scene.truth.shape[1:]), scene.truth)
    assert all(geometry.is_valid for _, geometry in scene.objects)
    assert shapely.total_bounds([geometry for _, geometry in scene.objects]).tolist() == [0, 0, 1024, 1024]


def test_numbers_are_of_eleven_bits_and_never_fill(scene: SimulatedChip) -> None:
    assert scene.image.min() >= 1
    assert scene.image.max() <= 2047


@pytest.mark.parametrize("style", sorted(STYLES))
def test_small_chips_of_every_style(style: str) -> None:
    chip = simulate_array(96, 160, 3, style=style)
    assert chip.style == style
    np.testing.assert_array_equal(_rasterised(chip.objects, (96, 160)), chip.truth)


def test_small_chips_favour_different_land() -> None:
    assert len({simulate_array(16, 16, seed, with_objects=False).style for seed in range(20)}) >= 5


def test_files_hold_what_memory_holds_whatever_the_tile(tmp_path: Path) -> None:
    chip = simulate_array(300, 420, 9, style="mixed", nodata_margin=30)
    for tile in (128, 512):
        files = simulate(
            tmp_path / f"{tile}.tif", height=300, width=420, seed=9, style="mixed", nodata_margin=30, tile=tile
        )
        with rasterio.open(files.image) as image, rasterio.open(files.truth) as truth:
            np.testing.assert_array_equal(image.read(), chip.image)
            np.testing.assert_array_equal(truth.read(), chip.truth.astype(np.uint8))
            transform = image.transform
        table = pyogrio.read_dataframe(files.polygons, layer="truth")
        assert len(table) == len(chip.objects)
        back = [(k, g) for k, g in zip(table["class_id"], table.geometry, strict=True)]
        on_map = np.zeros_like(chip.truth)
        for class_id in set(table["class_id"]):
            shapes = [g for k, g in back if k == class_id]
            on_map[class_id - 1] = rasterize(shapes, (300, 420), transform=transform) > 0
        np.testing.assert_array_equal(on_map, chip.truth)


def test_files_say_what_they_are(tmp_path: Path) -> None:
    shares: list[float] = []
    files = simulate(tmp_path / "new" / "town.tif", height=200, width=260, seed=2, progress=shares.append, tile=64)
    assert sorted(p.name for p in files.image.parent.iterdir()) == ["town.tif", "town_truth.gpkg", "town_truth.tif"]
    with rasterio.open(files.image) as image:
        assert (image.count, image.height, image.width, image.dtypes[0]) == (8, 200, 260, "uint16")
        assert image.crs.to_epsg() == 9377
        assert image.transform == files.grid.transform
        assert image.transform.a == pytest.approx(1.24)
        assert image.profile["tiled"]
        assert image.nodata is None
        assert image.descriptions[0] == "coastal"
        assert image.descriptions[7] == "nir2"
    with rasterio.open(files.truth) as truth:
        assert truth.descriptions == tuple(c.name for c in CLASSES)
        assert truth.crs.to_epsg() == 9377
        assert set(np.unique(truth.read())) <= {0, 1}
    table = pyogrio.read_dataframe(files.polygons)
    assert table.crs.to_epsg() == 9377
    assert all(CLASS_KEYS[k - 1] == name for k, name in zip(table["class_id"], table["class"], strict=True))
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_without_a_crs_there_is_no_georeference(tmp_path: Path) -> None:
    files = simulate(tmp_path / "a.tif", height=32, width=48, seed=2, crs=None)
    with rasterio.open(files.image) as image:
        assert image.crs is None
        assert image.transform.is_identity
    x0, y0, x1, y1 = pyogrio.read_bounds(files.polygons)[1]
    assert min(x0.min(), y0.min()) >= 0
    assert x1.max() <= 48
    assert y1.max() <= 32


def test_the_margin_has_zeros_in_all_bands_and_no_truth() -> None:
    with_margin = simulate_array(240, 300, 14, style="mixed", nodata_margin=40)
    without = simulate_array(240, 300, 14, style="mixed")
    valid = with_margin.image.any(0)
    assert not with_margin.image[:, ~valid].any()
    assert not with_margin.truth[:, ~valid].any()
    np.testing.assert_array_equal(with_margin.image[:, valid], without.image[:, valid])
    np.testing.assert_array_equal(with_margin.truth[:, valid], without.truth[:, valid])
    assert not valid[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    assert valid[60:-60, 60:-60].all()
    # Slanted: the first valid column differs from row to row.
    assert len(set(valid[60:180].argmax(1))) > 3
    np.testing.assert_array_equal(_rasterised(with_margin.objects, (240, 300)), with_margin.truth)


def test_nothing_is_left_behind_when_writing_stops(tmp_path: Path) -> None:
    def stop(share: float) -> None:
        if share > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "a.tif", height=128, width=128, seed=1, tile=64, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_height(tmp_path: Path) -> None:
    held: list[int] = []
    tracemalloc.start()
    try:
        simulate(
            tmp_path / "tall.tif",
            height=2048,
            width=128,
            seed=1,
            tile=256,
            progress=lambda _: held.append(tracemalloc.get_traced_memory()[0]),
        )
    finally:
        tracemalloc.stop()
    assert max(held[4:]) < 1.35 * max(held[:4])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"height": 8}, "at least 16"),
        ({"seed": -1}, "seed"),
        ({"gsd_m": 0.0}, "ground sampling distance"),
        ({"style": "moon"}, "mixed"),
        ({"nodata_margin": 90}, "margin"),
    ],
)
def test_impossible_requests_are_refused(tmp_path: Path, wrong: dict[str, object], message: str) -> None:
    request: dict[str, object] = {"height": 100, "width": 100, "seed": 1} | wrong
    with pytest.raises(InputError, match=message):
        simulate(tmp_path / "a.tif", **request)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
