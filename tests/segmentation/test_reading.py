"""Strips of pixels: the file's own numbers, each row read once."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import Transformer

from suelo.imagery.scene import open_scene
from suelo.imagery.statistics import BandStatistics, normalise
from suelo.segmentation.engine import predict
from suelo.segmentation.reading import NativeRows, network_view, read_strips
from suelo.segmentation.tiling import Tiling

TILING = Tiling(64, 16, 0)
STATISTICS = BandStatistics((10.0,) * 8, (190.5,) * 8, 1.0, 99.0, 1.0)


@pytest.fixture
def write(tmp_path):
    """A function that writes pixels of some type and opens them."""
    opened = []

    def write(pixels, dtype, **profile):
        path = tmp_path / f"{dtype}.tif"
        bands, height, width = pixels.shape
        with rasterio.open(
            path, "w", driver="GTiff", count=bands, height=height, width=width, dtype=dtype, **profile
        ) as file:
            file.write(pixels.astype(dtype))
        opened.append(open_scene(path))
        return opened[-1]

    yield write
    for scene in opened:
        scene.close()


@pytest.fixture
def pixels():
    values = np.random.default_rng(0).integers(1, 250, (8, 211, 150))
    values[:, 50:90, 20:100] = 0  # the fill of WorldView products
    values[:7, 150, 3] = 0  # not in all bands: a pixel like others
    return values


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_every_type_of_file_gives_the_same_map(write, pixels, pixelwise, dtype):
    nodata = {} if dtype.startswith("u") else {"nodata": 0}
    found = predict(write(pixels, dtype, **nodata), pixelwise, STATISTICS, tiling=TILING)
    expected = np.rint(np.clip((pixels[np.arange(10) % 8] - 10) / 180.5, 0, 1) * 250)
    expected[:, 50:90, 20:100] = 255
    assert abs(found - expected).max() <= 1
    assert ((found == 255) == (expected == 255)).all()


@pytest.mark.parametrize(("dtype", "kept"), [("uint8", np.uint8), ("uint16", np.uint16), ("float64", np.float32)])
def test_strips_hold_the_smallest_type_that_is_exact(write, pixels, dtype, kept):
    scene = write(pixels, dtype)
    down, across = TILING.spans(211, 150)
    strips = list(read_strips(NativeRows(scene), STATISTICS, down, across))
    assert {strip.values.dtype for strip in strips} == {np.dtype(kept)}
    whole = normalise(scene.read(), STATISTICS)
    for strip in strips:
        start = down.starts[strip.index]
        inside = min(start + down.tile, 211) - start
        expected = whole[:, start : start + inside, 32:96]
        np.testing.assert_array_equal(strip.normalised(32, 64)[0, :, :inside], expected)


@pytest.mark.parametrize(
    ("epsg", "height", "width", "expected"),
    [
        (4326, 1.24, 1.24, None),
        (4326, 1.24, 0.62, (211, 75)),
        (4326, 2.48, 1.24, (422, 150)),
        (3857, 2.48, 2.48, None),  # twice as large at 60 degrees as on the ground
        (3857, 4.96, 4.96, (422, 300)),
        (32635, 1.24, 1.24, None),
        (32635, 2.48, 1.24, (422, 150)),
    ],
)
def test_the_network_sees_square_pixels_of_its_own_size(write, pixels, pixelwise, epsg, height, width, expected):
    """Height and width are in metres; of EPSG:4326 they are those on the ground at 60 degrees."""
    down, across = (height / 111_412, width / 55_800) if epsg == 4326 else (height, width)
    west, north = (25, 60) if epsg == 4326 else Transformer.from_crs(4326, epsg, always_xy=True).transform(25, 60)
    scene = write(pixels, "uint16", crs=f"EPSG:{epsg}", transform=Affine(across, 0, west, 0, -down, north))
    grid = network_view(scene, pixelwise.contract)[0].grid
    assert grid.shape == pytest.approx(expected or scene.grid.shape, abs=2)
    assert (grid.shape == scene.grid.shape) == (expected is None)
    assert predict(scene, pixelwise, STATISTICS).shape == (10, *scene.grid.shape)


def test_rows_are_read_once_and_from_multiples_of_a_block(write, monkeypatch):
    monkeypatch.setattr("suelo.segmentation.reading._BLOCK_ROWS", 32)
    scene = write(np.ones((8, 500, 70)), "uint16")
    read = []
    samples = scene.samples
    monkeypatch.setattr(scene, "samples", lambda window: read.append(window) or samples(window))
    down, across = Tiling(112, 16, 0).spans(500, 70)
    list(read_strips(NativeRows(scene), STATISTICS, down, across))
    assert [window.row for window in read[1:]] == [window.stop_row for window in read[:-1]]
    assert (read[0].row, read[-1].stop_row) == (0, 500)
    assert all(window.row // 32 == (window.stop_row - 1) // 32 for window in read)
