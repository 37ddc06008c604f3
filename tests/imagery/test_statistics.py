import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suelo.errors import ImageError, InputError
from suelo.imagery import statistics as statistics_module
from suelo.imagery.scene import Pixels, open_scene
from suelo.imagery.statistics import CLIP, BandStatistics, measure_statistics, normalise


def measured(path, *percentiles):
    with open_scene(path) as scene:
        return measure_statistics(scene, *percentiles)


def test_percentiles_of_each_band_over_valid_pixels(image, save):
    image += (np.arange(8, dtype=np.uint16) * 100)[:, None, None]
    image[:, :30] = 0
    statistics = measured(save(image), 2, 98)
    expected = np.percentile(image[:, 30:].reshape(8, -1).astype(float), [2, 98], axis=1)
    assert statistics.low == pytest.approx(expected[0].tolist())
    assert statistics.high == pytest.approx(expected[1].tolist())
    assert (statistics.low_percentile, statistics.high_percentile) == (2, 98)
    assert statistics.valid_fraction == pytest.approx(4 / 7)


def test_nodata_nan_and_infinity_do_not_count(image, save):
    floats = image.astype(np.float32)
    expected = np.percentile(floats[:, 20:].reshape(8, -1), [1, 99], axis=1)
    floats[:, :10] = np.nan
    floats[5, 10:15] = np.inf
    floats[2, 15:20] = -9999
    statistics = measured(save(floats, nodata=-9999))
    assert statistics.low == pytest.approx(expected[0].tolist())
    assert statistics.high == pytest.approx(expected[1].tolist())


def test_one_valid_pixel_is_enough(image, save):
    image[:] = 0
    image[:, 3, 4] = range(1, 9)
    statistics = measured(save(image))
    assert statistics.low == statistics.high == tuple(float(v) for v in range(1, 9))


def test_no_valid_pixel_is_refused(image, save):
    with pytest.raises(ImageError, match="no pixel with data; Suelo needs"):
        measured(save(image * 0))
    with pytest.raises(ImageError, match="no pixel with data; Suelo needs"):
        measured(save(np.full(image.shape, np.nan, np.float32)))


def test_a_big_scene_is_sampled_the_same_however_it_is_tiled(save, monkeypatch):
    monkeypatch.setattr(statistics_module, "SAMPLE_PIXELS", 10_000)
    rows, columns = np.mgrid[:600, :500]
    scene = np.stack([500 + band * 50 + 400 * np.sin(rows / 40) * np.cos(columns / 30) for band in range(8)])
    scene = (scene + np.random.default_rng(2).normal(0, 30, scene.shape)).clip(1).astype(np.uint16)
    scene[:, :, :100] = 0
    strips = measured(save(scene, "a.tif"))
    tiles = measured(save(scene, "b.tif", tiled=True, blockxsize=64, blockysize=64, compress="deflate"))
    assert strips == tiles
    exact = np.percentile(scene[:, :, 100:].reshape(8, -1), [1, 99], axis=1)
    assert np.allclose([strips.low, strips.high], exact, atol=25)
    assert strips.valid_fraction == pytest.approx(0.8, abs=0.02)


def test_sampling_looks_at_few_pixels_of_a_big_scene(save, monkeypatch):
    monkeypatch.setattr(statistics_module, "SAMPLE_PIXELS", 10_000)
    with open_scene(save(np.ones((8, 600, 500), np.uint16))) as scene:
        read = []
        monkeypatch.setattr(
            scene, "read", lambda window, read_window=scene.read: read.append(window) or read_window(window)
        )
        measure_statistics(scene)
    assert sum(window.height for window in read) == 100


def test_normalising_makes_the_percentiles_0_and_1(image, save):
    path = save(image)
    statistics = measured(path)
    with open_scene(path) as scene:
        pixels = scene.read()
    normalised = normalise(pixels, statistics)
    assert normalised.dtype == np.float32
    expected = (image - np.array(statistics.low)[:, None, None]) / (
        np.array(statistics.high) - np.array(statistics.low)
    )[:, None, None]
    assert np.allclose(normalised, expected.clip(*CLIP), atol=1e-5)
    assert np.allclose(np.percentile(normalised, [1, 99], axis=(1, 2)).T, [[0, 1]] * 8, atol=1e-3)


def test_normalised_values_are_clipped_beyond_half_a_stretch():
    statistics = BandStatistics((100.0,) * 8, (200.0,) * 8, 1, 99, 1)
    values = np.broadcast_to(np.array([-1e9, 40, 50, 100, 150, 200, 250, 260, 1e9], np.float32), (8, 1, 9)).copy()
    result = normalise(Pixels(values, np.ones((1, 9), bool)), statistics)
    assert result[3, 0].tolist() == pytest.approx([-0.5, -0.5, -0.5, 0, 0.5, 1, 1.5, 1.5, 1.5])


def test_pixels_without_data_are_0_when_normalised():
    statistics = BandStatistics((100.0,) * 8, (200.0,) * 8, 1, 99, 1)
    result = normalise(Pixels(np.zeros((8, 2, 2), np.float32), np.array([[True, False], [False, True]])), statistics)
    assert result[0].tolist() == [[-0.5, 0], [0, -0.5]]


def test_a_constant_band_says_nothing(save):
    path = save(np.full((8, 20, 20), 700, np.uint16))
    with open_scene(path) as scene:
        result = normalise(scene.read(), measure_statistics(scene))
    assert (result == 0).all()


def test_parts_of_a_scene_with_the_same_statistics_are_parts_of_the_whole(image, save):
    path = save(image)
    with open_scene(path) as scene:
        statistics = measure_statistics(scene)
        whole = normalise(scene.read(), statistics)
    left = Pixels(image[:, :, :40].astype(np.float32), np.ones((70, 40), bool))
    assert np.array_equal(normalise(left, statistics), whole[:, :, :40])


numbers = st.floats(-1e6, 1e6)


@settings(deadline=None)
@given(
    bands=st.lists(st.tuples(numbers, numbers).map(sorted), min_size=8, max_size=8),
    fraction=st.floats(0, 1),
)
def test_statistics_come_back_from_json_exactly(bands, fraction):
    low, high = zip(*bands, strict=True)
    statistics = BandStatistics(tuple(low), tuple(high), 0.5, 99.5, fraction)
    assert BandStatistics.from_json(json.loads(json.dumps(statistics.to_json()))) == statistics


def test_statistics_are_saved_and_loaded(tmp_path, image, save):
    statistics = measured(save(image))
    path = tmp_path / "statistics.json"
    statistics.save(path)
    assert BandStatistics.load(path) == statistics
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []


GOOD = {"low": [1] * 8, "high": [2] * 8, "low_percentile": 1, "high_percentile": 99, "valid_fraction": 1}


@pytest.mark.parametrize(
    "content",
    [
        None,
        "no JSON",
        "[1, 2]",
        json.dumps({"low": [1] * 8}),
        json.dumps(GOOD | {"low": [1] * 4}),
        json.dumps(GOOD | {"low": [3] * 8}),
        json.dumps(GOOD | {"high": [math.nan] * 8}),
        json.dumps(GOOD | {"high": ["x"] * 8}),
        json.dumps(GOOD | {"low_percentile": 99}),
        json.dumps(GOOD | {"valid_fraction": 2}),
    ],
)
def test_what_is_not_a_statistics_file_is_refused(tmp_path, content):
    path = tmp_path / "statistics.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError) as caught:
        BandStatistics.load(path)
    assert "statistics" in str(caught.value)
    assert str(caught.value).endswith(".")
    assert not isinstance(caught.value, ImageError)


def test_a_binary_statistics_file_is_refused(tmp_path):
    (tmp_path / "s.json").write_bytes(b"\xff\xfe\x80")
    with pytest.raises(InputError, match="not JSON"):
        BandStatistics.load(tmp_path / "s.json")
