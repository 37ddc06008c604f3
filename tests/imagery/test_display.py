import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from suelo.errors import CancelledError
from suelo.imagery.display import COMPOSITES, DISPLAY_BANDS, display_bands, render, write_display
from suelo.imagery.scene import Pixels, open_scene
from suelo.imagery.statistics import BandStatistics, measure_statistics

STATISTICS = BandStatistics((100.0,) * 8, (1100.0,) * 8, 1, 99, 1.0)


def shown(**bands):
    """Display bands of one pixel; bands by their number, 600 elsewhere."""
    values = np.full((8, 1, 1), 600, np.float32)
    for name, value in bands.items():
        values[int(name[1:])] = value
    return display_bands(Pixels(values, np.ones((1, 1), bool)), STATISTICS)[:, 0, 0].astype(int)


def test_bands_are_blue_green_red_nir1_and_ndvi():
    assert DISPLAY_BANDS == ("blue", "green", "red", "nir1", "ndvi")
    usual = shown()
    for target, source in enumerate((1, 2, 4, 6)):
        bright = shown(**{f"b{source}": 1100})
        assert bright[target] == 255
        assert np.array_equal(np.delete(bright[:4], target), np.delete(usual[:4], target))
    for unused in (0, 3, 5, 7):
        assert np.array_equal(shown(**{f"b{unused}": 1100}), usual)


def test_the_stretch_runs_from_1_to_255_and_lifts_the_dark_half():
    ramp = [shown(b4=value)[2] for value in (-50, 100, 350, 600, 850, 1100, 9000)]
    assert ramp[0] == ramp[1] == 1
    assert ramp[-1] == ramp[-2] == 255
    assert ramp == sorted(ramp)
    assert 128 < ramp[3] < 190


def test_ndvi_is_that_of_the_files_own_numbers():
    for red, nir1 in ((200, 800), (500, 500), (900, 100), (0, 700), (700, 0)):
        assert shown(b4=red, b6=nir1)[4] == round(127 * (nir1 - red) / (nir1 + red)) + 128
    assert shown(b4=0, b6=0)[4] == 128
    assert shown(b4=-300, b6=200)[4] == 128


def test_a_constant_band_is_grey_and_no_data_is_0():
    pixels = Pixels(np.full((8, 2, 2), 5, np.float32), np.array([[True, False], [False, True]]))
    display = display_bands(pixels, BandStatistics((5.0,) * 8, (5.0,) * 8, 1, 99, 1))
    assert display[:, 0, 0].tolist() == [128] * 5
    assert not display[:, 0, 1].any()


def test_composites():
    assert list(COMPOSITES) == ["true-colour", "near-infrared", "ndvi"]
    display = np.array([10, 20, 30, 40, 228], np.uint8).reshape(5, 1, 1)
    assert render(display, "true-colour")[:, 0, 0].tolist() == [30, 20, 10, 255]
    assert render(display, "near-infrared")[:, 0, 0].tolist() == [40, 30, 20, 255]
    with pytest.raises(KeyError):
        render(display, "thermal")


def test_ndvi_shows_plants_green_water_blue_and_ground_pale():
    ndvi = np.array([[-0.5, 0.1, 0.8]])
    display = np.full((5, 1, 3), 100, np.uint8)
    display[4] = np.rint(127 * ndvi) + 128
    red, green, blue, alpha = render(display, "ndvi")[:, 0].astype(int)
    assert blue[0] > green[0] > red[0]
    assert min(red[1], green[1], blue[1]) > 150
    assert green[2] > 1.5 * max(red[2], blue[2])
    assert (alpha == 255).all()


@pytest.mark.parametrize("composite", COMPOSITES)
def test_no_data_is_transparent(composite):
    display = np.full((5, 2, 2), 90, np.uint8)
    display[:, 0, 1] = 0
    rgba = render(display, composite)
    assert rgba.shape == (4, 2, 2)
    assert rgba.dtype == np.uint8
    assert rgba[:, 0, 1].tolist() == [0, 0, 0, 0]
    assert rgba[3].tolist() == [[255, 0], [255, 255]]


@pytest.mark.parametrize("height", [70, 700])
def test_a_display_raster_is_the_whole_scene_in_strips(save, tmp_path, height):
    image = np.random.default_rng(3).integers(1, 2000, (8, height, 90), dtype=np.uint16)
    image[:, : height // 2, :30] = 0
    path = tmp_path / "display.tif"
    rows = []
    with open_scene(save(image)) as scene:
        statistics = measure_statistics(scene)
        write_display(scene, path, statistics, progress=lambda done, total: rows.append((done, total)))
        expected = display_bands(scene.read(), statistics)
    assert cog_validate(path, strict=True) == (True, [], [])
    with rasterio.open(path) as file:
        assert np.array_equal(file.read(), expected)
        assert file.nodata == 0
        assert file.descriptions == DISPLAY_BANDS
    assert rows[-1] == (height, height)
    assert rows == sorted(rows)


def test_a_cancelled_display_leaves_nothing(save, tmp_path):
    source = save(np.ones((8, 700, 20), np.uint16))
    asked = iter([False, True])
    with open_scene(source) as scene, pytest.raises(CancelledError):
        write_display(scene, tmp_path / "display.tif", STATISTICS, cancelled=lambda: next(asked))
    assert list(tmp_path.iterdir()) == [source]


def test_overviews_average_and_have_no_dark_edge(save, tmp_path):
    image = np.full((8, 1024, 1024), 900, np.uint16)
    image[:, ::2] = 400
    image[:, :, 501:] = 0
    path = tmp_path / "display.tif"
    with open_scene(save(image)) as scene:
        write_display(scene, path, STATISTICS)
    with rasterio.open(path) as file:
        dark, bright = file.read(1)[:2, 0].astype(int)
    with rasterio.open(path, overview_level=0) as file:
        overview = file.read(1)
    assert np.abs(overview[:, :251] - (dark + bright) / 2).max() <= 1
    assert not overview[:, 251:].any()
