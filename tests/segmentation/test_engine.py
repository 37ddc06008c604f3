"""Probabilities of a scene: the network's own, whatever the tiling, streamed, and stoppable."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pytest
import rasterio
from affine import Affine
from rio_cogeo.cogeo import cog_validate

from suelo.errors import CancelledError, ImageError, SueloError
from suelo.landcover import CLASS_KEYS
from suelo.segmentation.engine import predict, predict_to_file
from suelo.segmentation.tiling import Tiling

CUTS = [
    Tiling(64, 16, single_pass=0),
    Tiling(112, 32, single_pass=0),
    Tiling(80, 16, single_pass=0, strip_bytes=1),
    Tiling(96, 16, single_pass=0),
]


def smooth_noise(height, width, seed=0):
    """Pixels between 0 and 1 with structure at every scale, float32 (8, height, width)."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((8, height, width))
    for step in (1, 4, 16, 64):
        coarse = rng.random((8, height // step + 2, width // step + 2))
        pixels += coarse.repeat(step, axis=1).repeat(step, axis=2)[:, :height, :width] / 4
    return pixels.astype(np.float32)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (160, 160), (33, 100), (130, 47)])
def test_a_chip_has_the_networks_own_probabilities(make_scene, pixelwise, unchanged, height, width):
    pixels = smooth_noise(height, width)
    pixels[:, 3:7, 2:9] = np.nan
    found = predict(make_scene(pixels), pixelwise, unchanged)
    expected = np.rint(pixels[np.arange(10) % 8].astype(np.float64) * 250)
    expected[:, 3:7, 2:9] = 255
    assert found.dtype == np.uint8
    assert abs(found - expected).max() <= 1
    assert (found != expected).mean() < 1e-3  # ties of rounding only
    assert ((found == 255) == (expected == 255)).all()


@pytest.mark.parametrize("tiling", CUTS)
@pytest.mark.parametrize("network", [{"box": 31}, {"pool": 16}])
def test_the_tiling_does_not_show(make_scene, make_model, unchanged, network, tiling):
    # A window of 31 reaches 15 pixels; blocks of 16 notice any tile that starts off the lattice of 16.
    model = make_model(**network, gain=1.5, tile=512, halo=16)
    pixels = smooth_noise(205, 283)
    pixels[:, 90:140, 60:220] = np.nan
    pixels[:, :, 270:] = np.nan
    scene = make_scene(pixels)
    whole = predict(scene, model, unchanged, tiling=Tiling(512, 16))
    cut = predict(scene, model, unchanged, tiling=tiling)
    assert whole[:, :90].std() > 10
    assert abs(whole.astype(int) - cut).max() <= 1
    assert ((whole == 255) == (cut == 255)).all()


@pytest.mark.parametrize(("height", "width"), [(40, 500), (500, 40)])
def test_the_tiling_does_not_show_on_a_narrow_scene(make_scene, make_model, unchanged, height, width):
    model = make_model(box=31, tile=512, halo=16)
    scene = make_scene(smooth_noise(height, width))
    whole = predict(scene, model, unchanged)
    cut = predict(scene, model, unchanged, tiling=CUTS[3])
    assert abs(whole.astype(int) - cut).max() <= 1


@pytest.mark.parametrize(("tile", "strip_bytes"), [(256, 1 << 26), (320, 1), (384, 1 << 26)])
def test_the_tiling_does_not_show_with_the_shipped_model(make_scene, tile, strip_bytes):
    from suelo.imagery.statistics import measure_statistics
    from suelo.model.session import load_model
    from suelo.simulation import simulate_array

    model = load_model(precision="f32")
    halo = model.contract.halo
    scene = make_scene(simulate_array(420, 460, 11).image)
    statistics = measure_statistics(scene)
    whole = predict(scene, model, statistics, tiling=Tiling(512, halo))
    cut = predict(scene, model, statistics, tiling=Tiling(tile, halo, 0, strip_bytes))
    apart = abs(whole.astype(int) - cut)
    assert apart.max() <= 1
    assert (apart > 0).mean() < 1e-4  # other tiles are added up in another order: nothing but ties of rounding


def test_the_tiling_does_not_show_on_a_real_image(shared_data, make_scene):
    # Its contrasts carry a cut farther than those of simulated scenes do.
    from suelo.imagery.statistics import measure_statistics
    from suelo.model.session import load_model
    from suelo.training.dstl import DstlFolder
    from suelo.training.dstl_scenes import load_dstl

    (image,) = load_dstl(DstlFolder(shared_data / "dstl"), ["6110_3_1"])
    scene = make_scene(np.where(image.valid, image.values, np.nan).astype(np.float32))
    model = load_model(precision="f32")
    statistics = measure_statistics(scene)
    whole = predict(scene, model, statistics, tiling=Tiling(864, model.contract.halo))
    cut = predict(scene, model, statistics, tiling=Tiling(384, model.contract.halo, 0))
    apart = abs(whole.astype(int) - cut)
    assert apart.max() <= 1
    assert (apart > 0).mean() < 1e-4


@pytest.mark.parametrize("across", [True, False])
def test_a_cut_that_is_felt_beyond_the_halo_fades_instead_of_stepping(make_scene, make_model, unchanged, across):
    # The window reaches 40 pixels and finds zeros beyond a cut, the halo is 16: every tile is wrong near its seams.
    model = make_model(box=81, tile=128, halo=16)
    scene = make_scene(np.full((8, 128, 700) if across else (8, 700, 128), 0.9, np.float32))
    found = predict(scene, model, unchanged, tiling=Tiling(128, 16, single_pass=0)).astype(int)
    middle = found[0, 64, 100:600] if across else found[0, 100:600, 64]
    assert np.ptp(middle) > 20
    assert abs(np.diff(middle)).max() <= 5


def test_tiles_without_data_cost_nothing(make_scene, pixelwise, unchanged, monkeypatch):
    pixels = smooth_noise(300, 300)
    pixels[:, 60:, 60:] = np.nan
    seen = []
    original = pixelwise.run
    monkeypatch.setattr(pixelwise, "run", lambda images: (seen.append(images.shape[0]), original(images))[1])
    tiling = Tiling(64, 16, single_pass=0)
    found = predict(make_scene(pixels), pixelwise, unchanged, tiling=tiling)
    down, across = tiling.spans(300, 300)
    assert 0 < sum(seen) < len(down.starts) * len(across.starts) / 2
    assert (found[:, 60:, 60:] == 255).all()
    assert (found[:, :60] != 255).all()


def test_a_file_of_probabilities_is_a_georeferenced_cog(make_scene, make_model, unchanged, tmp_path):
    model = make_model(tile=128, halo=16)
    pixels = smooth_noise(700, 650)
    pixels[:, 100:200, 300:] = np.nan
    scene = make_scene(pixels)
    path = tmp_path / "probabilities.tif"
    tiling = Tiling(128, 16, 0)
    predict_to_file(scene, model, unchanged, path, tiling=tiling)
    valid, errors, warnings = cog_validate(path)
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(path) as file:
        assert (file.count, set(file.dtypes), file.nodata) == (10, {"uint8"}, 255)
        assert file.descriptions == CLASS_KEYS
        assert file.crs == scene.grid.crs
        assert file.transform == scene.grid.transform
        assert (file.read() == predict(scene, model, unchanged, tiling=tiling)).all()


def test_a_raster_without_crs_remembers_its_ground_sampling_distance(make_scene, pixelwise, unchanged, tmp_path):
    from suelo.imagery.scene import open_scene
    from suelo.segmentation.raster import opened

    source = make_scene(smooth_noise(40, 40), epsg=None).source
    with open_scene(source, gsd_m=1.1) as scene:
        predict_to_file(scene, pixelwise, unchanged, tmp_path / "p.tif")
    with opened(tmp_path / "p.tif") as raster:
        assert raster.grid.gsd_m == pytest.approx(1.1)
        assert raster.grid.crs is None


@pytest.mark.parametrize("gsd_m", [0.4, 0.31, 2.0, 7.5])
def test_another_ground_sampling_distance_comes_back_on_the_scenes_own_grid(make_scene, make_model, unchanged, gsd_m):
    model = make_model(tile=64, halo=16)
    transform = Affine(gsd_m, 0, 4_880_000, 0, -gsd_m, 2_080_000)
    rows, columns = np.mgrid[0:150, 0:200] / 200
    pixels = np.stack([np.hypot(rows - 0.3, columns - 0.5) / 2 + 0.05 * band for band in range(8)])
    pixels[:, 20:60, 100:130] = np.nan
    scene = make_scene(pixels, transform)
    found = predict(scene, model, unchanged)
    assert found.shape == (10, 150, 200)
    valid = ~np.isnan(pixels[0])
    assert ((found[0] != 255) == valid).all()
    expected = pixels[np.arange(10) % 8][:, valid] * 250
    assert abs(found[:, valid] - expected).max() <= 6  # a slope of about one level per pixel, averaged
    assert abs((found[:, valid] - expected).mean()) < 0.5  # nothing is shifted


@pytest.mark.parametrize("gsd_m", [0.4, 0.31, 2.0])
@pytest.mark.parametrize("tiling", CUTS[:3])
def test_the_tiling_does_not_show_on_a_resampled_scene(make_scene, make_model, unchanged, tiling, gsd_m):
    model = make_model(box=9, pool=16, tile=512, halo=16)
    pixels = smooth_noise(430, 610)
    pixels[:, 200:, 300:500] = np.nan
    scene = make_scene(pixels, Affine(gsd_m, 0, 4_880_000, 0, -gsd_m, 2_080_000))
    whole = predict(scene, model, unchanged, tiling=Tiling(2048, 16, single_pass=10**8))
    cut = predict(scene, model, unchanged, tiling=tiling)
    assert abs(whole.astype(int) - cut).max() <= 1
    assert ((whole == 255) == (cut == 255)).all()


def test_a_ground_sampling_distance_within_a_quarter_is_left_alone(make_scene, pixelwise, unchanged):
    pixels = smooth_noise(64, 64)
    expected = predict(make_scene(pixels), pixelwise, unchanged)
    for gsd_m in (1.0, 1.54):
        scene = make_scene(pixels, Affine(gsd_m, 0, 4_880_000, 0, -gsd_m, 2_080_000), name=str(gsd_m))
        assert (predict(scene, pixelwise, unchanged) == expected).all()


def test_progress_grows_to_its_total(make_scene, pixelwise, unchanged, tmp_path, monkeypatch):
    monkeypatch.setattr("suelo.segmentation.engine.PROGRESS_SECONDS", 0)
    told = []
    scene = make_scene(smooth_noise(300, 200))
    predict_to_file(scene, pixelwise, unchanged, tmp_path / "p.tif", told.append, tiling=Tiling(64, 16, 0))
    done = [p.done for p in told]
    assert done == sorted(done)
    assert len(set(done)) > 6
    assert (done[0], done[-1]) == (0, told[-1].total)
    assert {p.stage for p in told} == {"network"}
    assert len({p.total for p in told}) == 1


def test_progress_is_not_told_more_often_than_asked(make_scene, pixelwise, unchanged, tmp_path, monkeypatch):
    monkeypatch.setattr("suelo.segmentation.engine.PROGRESS_SECONDS", 3600)
    told = []
    scene = make_scene(smooth_noise(600, 200))
    predict_to_file(scene, pixelwise, unchanged, tmp_path / "p.tif", told.append, tiling=Tiling(64, 16, 0))
    assert [p.done for p in told] == [0, told[0].total]


def test_a_cancelled_scene_stops_within_one_strip_and_leaves_nothing(make_scene, pixelwise, unchanged, tmp_path):
    scene = make_scene(smooth_noise(600, 200))
    folder = tmp_path / "out"
    folder.mkdir()
    tiling = Tiling(64, 16, 0)
    asked, rows_read = [], []
    original = scene.read
    scene.read = lambda window, *rest: (rows_read.append(window.stop_row), original(window, *rest))[1]
    with pytest.raises(CancelledError):
        predict_to_file(
            scene,
            pixelwise,
            unchanged,
            folder / "p.tif",
            cancelled=lambda: (asked.append(1), len(asked) > 8)[1],
            tiling=tiling,
        )
    down, _ = tiling.spans(600, 200)
    # The tiles of a strip fit in one batch here: the ninth strip was not run, one waited and one was being read.
    assert max(rows_read) <= down.starts[10] + down.tile
    assert list(folder.iterdir()) == []
    assert not [t for t in threading.enumerate() if t.name.startswith("ahead")]


def test_a_cancelled_scene_says_how_far_it_came(make_scene, pixelwise, unchanged, tmp_path, monkeypatch):
    monkeypatch.setattr("suelo.segmentation.engine.PROGRESS_SECONDS", 3600)
    scene = make_scene(smooth_noise(600, 200))
    told, asked = [], []

    def cancelled():
        asked.append(1)
        return len(asked) > 5

    with pytest.raises(CancelledError):
        predict_to_file(
            scene, pixelwise, unchanged, tmp_path / "p.tif", told.append, cancelled, tiling=Tiling(64, 16, 0)
        )
    assert told[0].done < told[-1].done < told[-1].total


def test_a_damaged_scene_leaves_nothing(make_scene, pixelwise, unchanged, tmp_path):
    scene = make_scene(smooth_noise(600, 200))
    folder = tmp_path / "out"
    folder.mkdir()
    original = scene.read

    def read(window):
        if window.stop_row > 400:
            raise ImageError("Rows 300 to 400 of the image cannot be read.")
        return original(window)

    scene.read = read
    with pytest.raises(ImageError, match="cannot be read"):
        predict_to_file(scene, pixelwise, unchanged, folder / "p.tif", tiling=Tiling(64, 16, 0))
    assert list(folder.iterdir()) == []


def test_a_full_disk_leaves_no_thread_that_reads(make_scene, pixelwise, unchanged, tmp_path, monkeypatch):
    def write(_writer, _rows):
        raise SueloError("The disk is full.")

    monkeypatch.setattr("suelo.imagery.geotiff.RasterWriter.write", write)
    scene = make_scene(smooth_noise(600, 200))
    with pytest.raises(SueloError) as caught:
        predict_to_file(scene, pixelwise, unchanged, tmp_path / "p.tif", tiling=Tiling(64, 16, 0))
    assert caught.tb is not None
    assert not [t for t in threading.enumerate() if t.name.startswith("ahead")]
    assert [p.name for p in tmp_path.iterdir()] == ["scene.tif"]


@pytest.mark.parametrize("gsd_m", [1.24, 0.5])
def test_memory_does_not_grow_with_the_height(make_scene, pixelwise, unchanged, tmp_path, gsd_m):
    peaks = []
    for height in (1500, 4500):
        pixels = np.tile(smooth_noise(100, 600), (1, height // 100, 1))
        scene = make_scene(pixels, Affine(gsd_m, 0, 4_880_000, 0, -gsd_m, 2_080_000), name=str(height))
        del pixels
        tracemalloc.start()
        predict_to_file(scene, pixelwise, unchanged, tmp_path / f"{height}p.tif", tiling=Tiling(128, 16, 0))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Where three strips meet is chance; rows that stayed would double it.
    assert peaks[1] < 1.5 * peaks[0]
