"""Reading: which pixels are valid, resampling, threads."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio
import tifffile
from rasterio.enums import ColorInterp

from suelo.imagery import scene as scene_module
from suelo.imagery.grid import Window
from suelo.imagery.readers import open_reader
from suelo.imagery.scene import open_scene


def valid_of(path):
    with open_scene(path) as scene:
        pixels = scene.read()
    assert (pixels.values[:, ~pixels.valid] == 0).all()
    assert np.isfinite(pixels.values).all()
    return pixels.valid


def only(*holes, shape=(70, 90)):
    valid = np.ones(shape, bool)
    for hole in holes:
        valid[hole] = False
    return valid


HOLE = np.s_[10:20, 30:50]
DOT = np.s_[5, 6]


def test_worldview_fill_is_zero_in_all_bands_of_an_integer_image(image, save):
    image[:, *HOLE] = 0
    image[3, *DOT] = 0
    assert np.array_equal(valid_of(save(image)), only(HOLE))
    assert np.array_equal(valid_of(save((image >> 3).astype(np.uint8))), only(HOLE) & (image >> 3).any(axis=0))


def test_zeros_are_measurements_where_another_nodata_value_is_declared(image, save):
    image[:, *HOLE] = 0
    image[:, 40:45, 3:9] = 65535
    image[2, *DOT] = 65535
    assert np.array_equal(valid_of(save(image, nodata=65535)), only(np.s_[40:45, 3:9]))


def test_zeros_are_measurements_in_a_float_image(image, save):
    image[:, *HOLE] = 0
    assert valid_of(save(image.astype(np.float32))).all()


def test_a_declared_nodata_value_that_the_type_cannot_hold_is_none(image, tmp_path):
    image[:, *HOLE] = 0
    path = tmp_path / "a.tif"
    for value in ("-9999", "65536", "nan"):
        nodata = (42113, "s", 0, value, True)  # GDAL's tag for it
        tifffile.imwrite(path, image, photometric="minisblack", planarconfig="separate", extratags=[nodata])
        assert np.array_equal(valid_of(path), only(HOLE))


def test_nan_and_infinity_in_any_band_have_no_data(image, save):
    for dtype in (np.float32, np.float64):
        floats = image.astype(dtype)
        floats[4, *HOLE] = np.nan
        floats[0, *DOT] = np.inf
        floats[7, 60, 60] = -np.inf
        assert np.array_equal(valid_of(save(floats)), only(HOLE, DOT, np.s_[60, 60]))
        assert np.array_equal(valid_of(save(floats, nodata=float("nan"))), only(HOLE, DOT, np.s_[60, 60]))


def test_half_floats_with_nan(image, tmp_path):
    floats = image.astype(np.float16)
    floats[4, *HOLE] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", floats)
    assert np.array_equal(valid_of(tmp_path / "a.tif"), only(HOLE))


def test_a_float_nodata_value_in_any_band_has_no_data(image, save):
    floats = image.astype(np.float32)
    floats[2, *HOLE] = -9999
    assert np.array_equal(valid_of(save(floats, nodata=-9999)), only(HOLE))
    lowest = float(np.finfo(np.float32).min)
    floats[2, *HOLE] = lowest
    assert np.array_equal(valid_of(save(floats, nodata=lowest)), only(HOLE))


def test_a_float_nodata_value_of_zero_must_be_in_all_bands(image, save):
    floats = image.astype(np.float32)
    floats[:, *HOLE] = 0
    floats[1, *DOT] = 0
    assert np.array_equal(valid_of(save(floats, nodata=0)), only(HOLE))


def test_doubles_beyond_single_precision_have_no_data(image, save):
    floats = image.astype(np.float64)
    floats[:, *HOLE] = -1.7976931348623157e308
    assert np.array_equal(valid_of(save(floats, nodata=-1.7976931348623157e308)), only(HOLE))
    assert np.array_equal(valid_of(save(floats)), only(HOLE))


@pytest.mark.parametrize("internal", [True, False])
def test_mask_bands(image, save, internal):
    image[:, *DOT] = 0
    mask = np.full((70, 90), 255, np.uint8)
    mask[HOLE] = 0
    assert np.array_equal(valid_of(save(image, mask=mask, internal_mask=internal)), only(HOLE, DOT))


@pytest.mark.parametrize("masks", [1, 8])
def test_pages_with_mask_bands(image, tmp_path, masks):
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "count": 1, "height": 70, "width": 90, "dtype": "uint16"}
    for band, page in enumerate(image):
        mask = np.full((70, 90), 255, np.uint8)
        mask[HOLE] = 0
        append = "YES" if band else "NO"
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(path, "w", **profile, append_subdataset=append) as file,
        ):
            file.write(page, 1)
            if band < masks:
                file.write_mask(mask)
    assert np.array_equal(valid_of(path), only(HOLE))
    with open_scene(path) as scene:
        assert np.array_equal(scene.read(Window(20, 0, 50, 90)).values, image[:, 20:])


def test_an_alpha_band(image, save):
    alpha = np.full((1, 70, 90), 65535, np.uint16)
    alpha[0, *HOLE] = 0
    alpha[0, *DOT] = 1
    path = save(np.concatenate([image, alpha]))
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [ColorInterp.gray, *[ColorInterp.undefined] * 7, ColorInterp.alpha]
    assert np.array_equal(valid_of(path), only(HOLE))
    with open_scene(path) as scene:
        pixels = scene.read()
    assert np.array_equal(pixels.values[:, pixels.valid], image[:, pixels.valid])


def test_resampled_reads_have_no_halo_at_nodata(image, save):
    image[:] = 1000
    image[:, :37, :] = 0
    image[:, :, 61:] = 0
    with open_scene(save(image)) as scene:
        for shape in ((20, 31), (69, 89), (140, 180), (71, 30)):
            pixels = scene.read(shape=shape)
            assert pixels.values.shape == (8, *shape)
            assert np.allclose(pixels.values[:, pixels.valid], 1000, rtol=1e-5)
            assert (pixels.values[:, ~pixels.valid] == 0).all()
            assert pixels.valid.mean() == pytest.approx(33 / 70 * 61 / 90, abs=0.03)


def test_shrinking_averages_and_enlarging_interpolates(save):
    rows, columns = np.mgrid[:60, :80]
    plane = np.broadcast_to(100 + 3.0 * rows + 5.0 * columns, (8, 60, 80)).astype(np.float32)
    with open_scene(save(plane)) as scene:
        small = scene.read(shape=(20, 16)).values
        assert np.allclose(small, plane.reshape(8, 20, 3, 16, 5).mean(axis=(2, 4)), rtol=1e-6)
        for shape in ((150, 120), (90, 16), (20, 100)):
            r, c = ((np.arange(n) + 0.5) * s / n - 0.5 for n, s in zip(shape, (60, 80), strict=True))
            expected = 100 + 3 * r[:, None] + 5 * c
            inner = np.s_[3:-3, 3:-3]
            assert np.allclose(scene.read(shape=shape).values[0][inner], expected[inner], rtol=1e-5)


def test_a_window_is_resampled_by_itself(image, save):
    with open_scene(save(image)) as scene:
        window = Window(10, 20, 40, 60)
        part = scene.read(window, shape=(20, 30)).values
        assert np.allclose(part, image[:, 10:50, 20:80].reshape(8, 20, 2, 30, 2).mean(axis=(2, 4)), rtol=1e-6)


def test_resampling_in_strips_gives_the_same(image, save, monkeypatch):
    image[:, *HOLE] = 0
    with open_scene(save(image)) as scene:
        for shape in ((33, 41), (100, 41)):
            whole = scene.read(shape=shape)
            with monkeypatch.context() as patch:
                patch.setattr(scene_module, "_STRIP_PIXELS", 400)
                strips = scene.read(shape=shape)
            assert np.allclose(whole.values, strips.values, rtol=1e-5)
            assert np.array_equal(whole.valid, strips.valid)


@pytest.mark.parametrize("layout", ["tiles", "pages", "rows", "bytes"])
def test_threads_read_the_same(image, tmp_path, layout):
    path = tmp_path / "a.tif"
    image[:, *HOLE] = 0
    if layout == "tiles":
        tifffile.imwrite(path, image, tile=(16, 16), compression="zlib", photometric="rgb", planarconfig="separate")
    elif layout == "rows":
        tifffile.imwrite(path, np.moveaxis(image, 0, 2), compression="zlib")
    else:
        tifffile.imwrite(path, image, compression="zlib")
    rng = np.random.default_rng(5)
    windows = [Window(*(int(v) for v in (r, c, 70 - r, 90 - c))) for r, c in rng.integers(0, (60, 80), (60, 2))]
    start = threading.Barrier(6)
    with open_scene(path.read_bytes() if layout == "bytes" else path) as scene, ThreadPoolExecutor(6) as pool:
        pool.map(lambda _: start.wait(), range(6))
        for window, pixels in zip(windows, pool.map(scene.read, windows), strict=True):
            assert np.array_equal(pixels.values, image[:, window.row :, window.col :])
            assert np.array_equal(pixels.valid, only(HOLE)[window.row :, window.col :])


def test_no_two_threads_use_one_open_file(image, save, monkeypatch):
    shared = []

    class Watched:
        def __init__(self, *arguments):
            self.reader = open_reader(*arguments)
            self.busy = threading.Lock()

        def read(self, window):
            shared.append(not self.busy.acquire(blocking=False))
            time.sleep(0.002)
            result = self.reader.read(window)
            self.busy.release()
            return result

        def close(self):
            self.reader.close()

    monkeypatch.setattr(scene_module, "open_reader", Watched)
    with open_scene(save(image)) as scene, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: scene.read(), range(24)))
    assert shared == [False] * 24


def test_windows_outside_the_scene_are_mistakes(image, save):
    with open_scene(save(image)) as scene:
        for window in (Window(-1, 0, 5, 5), Window(0, 85, 5, 6), Window(3, 3, 0, 5), Window(69, 0, 2, 2)):
            with pytest.raises(ValueError, match="scene"):
                scene.read(window)
        with pytest.raises(ValueError, match="no pixel"):
            scene.read(shape=(0, 10))


def test_a_loaded_scene_reads_no_file(image, save):
    image[:, *HOLE] = 0
    path = save(image)
    with open_scene(path) as scene:
        resampled = scene.read(shape=(30, 30))
        scene.load()
        path.unlink()
        part = scene.read(Window(5, 20, 30, 40))
        assert np.array_equal(part.values, image[:, 5:35, 20:60])
        assert np.array_equal(part.valid, only(HOLE)[5:35, 20:60])
        part.values[:] = 0  # is the caller's own
        assert np.array_equal(scene.read().values, image)
        assert np.array_equal(scene.read(shape=(30, 30)).values, resampled.values)
    with pytest.raises(ValueError, match="closed"):
        scene.read()


def test_a_closed_scene_gives_nothing(image, save):
    path = save(image)
    for source in (path, path.read_bytes()):
        scene = open_scene(source)
        scene.read()
        scene.close()
        scene.close()
        with pytest.raises(ValueError, match="closed"):
            scene.read()
