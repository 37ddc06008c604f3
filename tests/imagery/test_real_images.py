"""Real WorldView images open, and look as they should."""

import numpy as np
import pytest

from suelo.imagery.display import display_bands, render
from suelo.imagery.scene import open_scene
from suelo.imagery.statistics import measure_statistics, normalise

pytestmark = pytest.mark.shared_data

CHIPS = {
    "dstl_160_float16_8pages.tiff": ("float16", (160, 160), False, 1.24, 1.0),
    "spacenet_shanghai_325_uint16.tif": ("uint16", (325, 325), True, 1.11, 1.0),
    "spacenet_paris_325_nodata.tif": ("uint16", (325, 325), True, 0.97, 0.28),
    "spacenet_650_uint8.tif": ("uint8", (650, 500), True, 0.27, 1.0),
    "worldview2_320_uint16.tif": ("uint16", (320, 320), False, 1.24, 1.0),
}


@pytest.mark.parametrize("name", CHIPS)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_chips(shared_data, name, as_bytes):
    dtype, shape, georeferenced, gsd_m, valid_fraction = CHIPS[name]
    path = shared_data / "chips" / name
    with open_scene(path.read_bytes() if as_bytes else path) as scene:
        assert (scene.dtype, scene.grid.shape) == (dtype, shape)
        assert (scene.grid.crs is not None) == georeferenced
        assert scene.grid.gsd_m == pytest.approx(gsd_m, abs=0.01)
        statistics = measure_statistics(scene)
        pixels = scene.read()
        assert statistics.valid_fraction == pytest.approx(valid_fraction, abs=0.005)
        normalised = normalise(pixels, statistics)
        assert np.median(normalised[:, pixels.valid], axis=1) == pytest.approx(0.4, abs=0.35)


def test_the_chip_of_three_quarters_without_data_is_transparent_there(shared_data):
    with open_scene(shared_data / "chips" / "spacenet_paris_325_nodata.tif") as scene:
        pixels = scene.read()
        shown = display_bands(pixels, measure_statistics(scene))
    for composite in ("true-colour", "near-infrared", "ndvi"):
        assert np.array_equal(render(shown, composite)[3] == 255, pixels.valid)
    # Fields and trees lie in the south.
    assert pixels.valid[260:].all()
    assert not pixels.valid[:200].any()


def test_gardens_are_green_and_red_in_near_infrared(shared_data):
    with open_scene(shared_data / "chips" / "spacenet_shanghai_325_uint16.tif") as scene:
        shown = display_bands(scene.read(), measure_statistics(scene))
    garden = np.s_[:, 140:190, 240:290]
    canal = np.s_[:, 140:160, 195:200]
    red, green, blue, _ = render(shown, "true-colour")[garden].mean(axis=(1, 2))
    assert green > max(red, blue)
    red, green, blue, _ = render(shown, "near-infrared")[garden].mean(axis=(1, 2))
    assert red > 1.5 * max(green, blue)
    assert shown[4][garden[1:]].mean() > 160 > 140 > shown[4][canal[1:]].mean()


def test_kaggle_layout(shared_data):
    paths = sorted((shared_data / "dstl" / "sixteen_band").glob("*.tif"))
    assert len(paths) == 46
    for path in paths:
        with open_scene(path) as scene:
            assert scene.name == path.stem
            assert scene.dtype == "uint16"
            assert scene.grid.crs is None
            assert max(scene.grid.shape) < 900
    with open_scene(paths[0]) as scene:
        assert scene.read().valid.all()
