"""Every layout of eight bands in a TIFF gives the same pixels."""

import subprocess
import sys

import numpy as np
import pytest
import rasterio
import tifffile
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from suelo.imagery.grid import Window
from suelo.imagery.scene import open_scene

RASTERIO = {
    "pixel interleaved strips": {"interleave": "pixel"},
    "band interleaved strips": {"interleave": "band", "blockysize": 7},
    "one strip": {"blockysize": 70},
    "pixel interleaved tiles": {"tiled": True, "blockxsize": 32, "blockysize": 16, "interleave": "pixel"},
    "band interleaved tiles": {"tiled": True, "blockxsize": 16, "blockysize": 48, "interleave": "band"},
    "deflate": {"compress": "deflate", "predictor": 2},
    "lzw": {"compress": "lzw", "tiled": True, "blockxsize": 64, "blockysize": 64},
    "zstd": {"compress": "zstd", "predictor": 2, "interleave": "band"},
    "lzma": {"compress": "lzma"},
    "packbits": {"compress": "packbits"},
    "big-endian": {"endianness": "big", "compress": "deflate"},
    "BigTIFF": {"bigtiff": "yes", "endianness": "big"},
    "eleven bits": {"nbits": 11, "compress": "deflate"},
    "red, green and blue first": {"photometric": "rgb"},
    "a band flagged as alpha by mistake": {"photometric": "rgb", "alpha": "yes"},
}

TIFFFILE = {
    "8 pages": {},
    "8 pages, deflate": {"compression": "zlib"},
    "8 pages, big-endian BigTIFF": {"bigtiff": True, "byteorder": ">"},
    "8 pages of tiles": {"tile": (32, 32)},
    "8 pages, ImageJ": {"imagej": True},
    "8 pages, OME": {"ome": True, "metadata": {"axes": "CYX"}},
    "8 planes": {"photometric": "rgb", "planarconfig": "separate"},
}

TIFFFILE_CHANNELS_LAST = {
    "a page per row": {},
    "a page per row, deflate": {"compression": "zlib"},
    "a page per row, big-endian": {"byteorder": ">"},
    "a page per row, BigTIFF": {"bigtiff": True},
    "channels last": {"photometric": "minisblack", "planarconfig": "contig"},
    "channels last, rgb": {"photometric": "rgb"},
}


def assert_same(scene, image):
    assert scene.grid.shape == image.shape[1:]
    assert scene.dtype == image.dtype.name
    pixels = scene.read()
    assert pixels.values.dtype == np.float32
    assert np.array_equal(pixels.values, image.astype(np.float32))
    assert pixels.valid.all()
    part = scene.read(Window(11, 33, 25, 40))
    assert np.array_equal(part.values, pixels.values[:, 11:36, 33:73])


@pytest.mark.parametrize("options", RASTERIO.values(), ids=RASTERIO)
def test_bands_of_one_image(image, save, options):
    path = save(image, **options)
    for source in (path, str(path), path.read_bytes()):
        with open_scene(source) as scene:
            assert_same(scene, image)


@pytest.mark.parametrize("options", TIFFFILE.values(), ids=TIFFFILE)
def test_arrays_with_channels_first(image, tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", image, **options)
    for source in (tmp_path / "a.tif", (tmp_path / "a.tif").read_bytes()):
        with open_scene(source) as scene:
            assert_same(scene, image)


@pytest.mark.parametrize("options", TIFFFILE_CHANNELS_LAST.values(), ids=TIFFFILE_CHANNELS_LAST)
def test_arrays_with_channels_last(image, tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(image, 0, 2), **options)
    for source in (tmp_path / "a.tif", (tmp_path / "a.tif").read_bytes()):
        with open_scene(source) as scene:
            assert_same(scene, image)


@pytest.mark.parametrize("compress", ["none", "lzw", "zstd"])
def test_a_page_per_row_that_gdal_wrote(image, tmp_path, compress):
    path = tmp_path / "a.tif"
    for row in range(20):
        page = np.moveaxis(image[:, row], 0, 1)
        options = {"driver": "GTiff", "count": 1, "height": 90, "width": 8, "dtype": "uint16", "compress": compress}
        with rasterio.open(path, "w", **options, append_subdataset="YES" if row else "NO") as file:
            file.write(page, 1)
    for source in (path, path.read_bytes()):
        with open_scene(source) as scene:
            assert np.array_equal(scene.read().values, image[:, :20])
            assert np.array_equal(scene.read(Window(3, 40, 6, 9)).values, image[:, 3:9, 40:49])


@pytest.mark.parametrize("axis", [0, 2])
def test_a_batch_of_one_array(image, tmp_path, axis):
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(image, 0, axis)[None])
    with open_scene(tmp_path / "a.tif") as scene:
        assert_same(scene, image)


@pytest.mark.parametrize("layout", ["bands", "pages", "rows"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64"])
def test_sample_types(tmp_path, dtype, layout):
    image = np.random.default_rng(3).uniform(0.1, 1, (8, 20, 30))
    image = (image * 250).astype(dtype) if dtype.startswith("u") else image.astype(dtype)
    array = {"bands": np.moveaxis(image, 0, 2), "pages": image, "rows": np.moveaxis(image, 0, 2)}[layout]
    options = {"photometric": "minisblack", "planarconfig": "contig"} if layout == "bands" else {}
    tifffile.imwrite(tmp_path / "a.tif", array, **options)
    with open_scene(tmp_path / "a.tif") as scene:
        assert scene.dtype == dtype
        assert np.array_equal(scene.read().values, image.astype(np.float32))


def test_overviews_masks_and_thumbnails_are_no_pages(image, save):
    path = save(image, tiled=True, blockxsize=16, blockysize=16, mask=np.full((70, 90), 255, np.uint8))
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4])
    tifffile.imwrite(path, np.zeros((10, 12, 3), np.uint8), append=True, photometric="rgb")
    with open_scene(path) as scene:
        assert_same(scene, image)


def test_overviews_that_disagree_are_not_believed(image, save):
    path = save(image)
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2])
    with rasterio.open(path, "r+", overview_level=0) as file:
        file.write(np.full((8, 35, 45), 9, np.uint16))
    with open_scene(path) as scene:
        expected = image.reshape(8, 35, 2, 45, 2).mean(axis=(2, 4))
        assert np.allclose(scene.read(shape=(35, 45)).values, expected, rtol=1e-5)


def test_the_smallest_scene_has_16_by_16_pixels(image, save):
    with open_scene(save(image[:, :16, :16])) as scene:
        assert scene.read().values.shape == (8, 16, 16)


def test_opening_a_huge_scene_reads_its_headers_only(tmp_path):
    options = {"driver": "GTiff", "count": 8, "height": 100_000, "width": 100_000, "dtype": "uint16"}
    with rasterio.open(tmp_path / "a.tif", "w", **options, tiled=True, sparse_ok=True, bigtiff="yes") as file:
        file.write(np.full((8, 256, 256), 5, np.uint16), window=rasterio.windows.Window(51200, 76800, 256, 256))
    with open_scene(tmp_path / "a.tif") as scene:
        assert scene.grid.shape == (100_000, 100_000)
        pixels = scene.read(Window(76799, 51200, 3, 2))
        assert pixels.valid.tolist() == [[False, False], [True, True], [True, True]]


def test_the_name_is_the_stem_of_the_file(image, save):
    path = save(image, "6100_2_2_M.tif")
    with open_scene(path) as scene:
        assert (scene.name, scene.source) == ("6100_2_2_M", str(path))
    with open_scene(path, name="Kennedy") as scene:
        assert scene.name == "Kennedy"
    with open_scene(path.read_bytes(), name="upload") as scene:
        assert scene.name == "upload"
        assert "vsimem" not in scene.source
    with open_scene(path.as_uri()) as scene:
        assert scene.name == "6100_2_2_M"


def test_odd_file_names_are_only_names(image, save):
    for name in ("a b ñ.tif", "x:y.tif", "GTIFF_DIR:2:x.tif", "100%25.tif", "image", "semi;colon,tif.dat"):
        with open_scene(save(image, name)) as scene:
            assert_same(scene, image)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("kind", ["tiles", "pages", "rows", "compressed rows"])
def test_any_window_is_a_slice_of_the_whole(tmp_path, image, kind, data):
    path = tmp_path / f"{kind}.tif"
    if not path.exists():
        if kind == "tiles":
            tifffile.imwrite(path, image, tile=(32, 16), photometric="rgb", planarconfig="separate")
        elif kind == "pages":
            tifffile.imwrite(path, image, compression="zlib")
        else:
            options = {"compression": "zlib"} if kind == "compressed rows" else {}
            tifffile.imwrite(path, np.moveaxis(image, 0, 2), **options)
    row = data.draw(st.integers(0, 69))
    col = data.draw(st.integers(0, 89))
    window = Window(row, col, data.draw(st.integers(1, 70 - row)), data.draw(st.integers(1, 90 - col)))
    with open_scene(path) as scene:
        rows, columns = window.slices
        assert np.array_equal(scene.read(window).values, image[:, rows, columns])


def test_georeference(image, save):
    transform = Affine.translation(4.88e6, 2.06e6) @ Affine.rotation(12) @ Affine.scale(1.3, -1.3)
    with open_scene(save(image, crs=CRS.from_epsg(9377), transform=transform), gsd_m=9) as scene:
        assert scene.grid.crs == CRS.from_epsg(9377)
        assert scene.grid.transform.almost_equals(transform)
        assert scene.grid.gsd_m == pytest.approx(1.3)


def test_half_a_georeference_is_none(image, save):
    sources = [
        save(image, "crs.tif", crs=CRS.from_epsg(9377)),
        save(image, "transform.tif", transform=Affine(1.3, 0, 4.88e6, 0, -1.3, 2.06e6)),
        save(image, "local.tif", crs=CRS.from_wkt('LOCAL_CS["here"]'), transform=Affine(2, 0, 7, 0, -2, 9)),
    ]
    gcps = [rasterio.control.GroundControlPoint(r, c, 4.88e6 + c, 2e6 - r) for r, c in ((0, 0), (0, 90), (70, 0))]
    sources.append(save(image, "gcps.tif", gcps=gcps, crs=CRS.from_epsg(9377)))
    for source in sources:
        with open_scene(source) as scene:
            assert scene.grid.crs is None
            assert scene.grid.transform == Affine.identity()
            assert scene.grid.gsd_m == pytest.approx(1.24)


def test_without_a_crs_the_user_says_the_ground_sampling_distance(image, save):
    with open_scene(save(image), gsd_m=0.31) as scene:
        assert scene.grid.gsd_m == pytest.approx(0.31)


def test_no_warning_about_a_missing_georeference(image, save):
    code = "import sys; from suelo.imagery.scene import open_scene; open_scene(sys.argv[1]).read()"
    path = save(image)
    result = subprocess.run([sys.executable, "-W", "error", "-c", code, path], capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
