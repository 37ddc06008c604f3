import subprocess
import sys

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rio_cogeo.cogeo import cog_validate

from suelo.errors import SueloError
from suelo.imagery.geotiff import RasterWriter, crs_of, write_cog
from suelo.imagery.grid import Grid
from suelo.imagery.overviews import halve

NAMES = [f"class {n}" for n in range(1, 11)]


def grid_of(height, width):
    return Grid(height, width, Affine(1.24, 0, 4.88e6, 0, -1.24, 2.06e6), CRS.from_epsg(9377))


def probabilities(height, width):
    array = np.random.default_rng(4).integers(0, 251, (10, height, width), dtype=np.uint8)
    array[:, : height // 3, : width // 2] = 255
    return array


@pytest.mark.parametrize(
    "shape", [(16, 16), (160, 160), (325, 300), (512, 512), (513, 17), (16, 1100), (1025, 700), (1600, 2100)]
)
def test_what_is_written_is_a_cloud_optimised_geotiff(tmp_path, shape):
    path = tmp_path / "p.tif"
    array = probabilities(*shape)
    grid = grid_of(*shape)
    write_cog(path, array, grid, nodata=255, descriptions=NAMES, tags={"SUELO": "yes"})
    valid, errors, warnings = cog_validate(path, strict=True)
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(path) as file:
        assert np.array_equal(file.read(), array)
        assert file.crs == grid.crs
        assert file.transform == grid.transform
        assert file.nodatavals == (255,) * 10
        assert list(file.descriptions) == NAMES
        assert file.tags()["SUELO"] == "yes"
        assert not {ColorInterp.alpha, ColorInterp.red} & set(file.colorinterp)
        smallest = max(shape) / max(file.overviews(1), default=1)
        assert smallest <= 512
    assert [p.name for p in tmp_path.iterdir()] == ["p.tif"]


def test_an_image_without_a_crs_has_none_afterwards(tmp_path):
    for size in (20, 600):
        path = tmp_path / f"{size}.tif"
        write_cog(path, probabilities(size, 20), Grid(size, 20), nodata=255, descriptions=NAMES)
        with rasterio.open(path) as file:
            assert file.crs is None
            assert file.transform == Affine.identity()


@pytest.mark.parametrize("size", [20, 600])
def test_a_crs_that_geotiff_cannot_hold_comes_back(tmp_path, size):
    urban = CRS.from_string("+proj=col_urban +lat_0=4.68 +lon_0=-74.146 +x_0=92335 +y_0=109321 +h_0=2550 +ellps=GRS80")
    grid = Grid(size, 20, Affine(1.24, 0, 92_000, 0, -1.24, 109_000), urban)
    path = tmp_path / "urban.tif"
    write_cog(path, probabilities(size, 20), grid, nodata=255, descriptions=NAMES, tags={"SUELO": "yes"})
    with rasterio.open(path) as file:
        assert crs_of(file) == urban
        assert file.transform == grid.transform
        assert file.tags()["SUELO"] == "yes"
    assert [p.name for p in tmp_path.iterdir()] == ["urban.tif"]
    assert cog_validate(path, strict=True) == (True, [], [])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("bands", [1, 3, 4, 8])
def test_bands_are_never_taken_for_colours_or_alpha(tmp_path, bands, dtype):
    array = np.random.default_rng(1).uniform(0, 200, (bands, 600, 40)).astype(dtype)
    write_cog(tmp_path / "a.tif", array, grid_of(600, 40), nodata=None, descriptions=["x"] * bands)
    with rasterio.open(tmp_path / "a.tif") as file:
        assert np.array_equal(file.read(), array)
        assert file.nodata is None
        assert set(file.colorinterp) <= {ColorInterp.gray, ColorInterp.undefined}
        assert file.dataset_mask().all()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_rows_may_arrive_in_any_number(tmp_path, data):
    height = data.draw(st.integers(1, 1300))
    array = probabilities(height, 21)
    cuts = sorted(data.draw(st.lists(st.integers(0, height), max_size=6)))
    with RasterWriter(
        tmp_path / "a.tif", grid_of(height, 21), bands=10, dtype="uint8", nodata=255, descriptions=NAMES
    ) as writer:
        for start, stop in zip([0, *cuts], [*cuts, height], strict=True):
            writer.write(array[:, start:stop])
    with rasterio.open(tmp_path / "a.tif") as file:
        assert np.array_equal(file.read(), array)


def test_overviews_average_and_leave_nodata_out(tmp_path):
    array = np.full((1, 1024, 1024), 100, np.uint8)
    array[:, :, 1::2] = 200
    array[:, 511:, :] = 0
    write_cog(tmp_path / "a.tif", array, grid_of(1024, 1024), nodata=0, descriptions=["x"], resampling="average")
    with rasterio.open(tmp_path / "a.tif", overview_level=0) as file:
        overview = file.read(1)
    assert set(np.unique(overview[:256])) == {150}
    assert not overview[256:].any()


@pytest.mark.parametrize("shape", [(1300, 1100), (1023, 2049)])
def test_each_overview_is_half_of_the_one_before(tmp_path, shape):
    array = probabilities(*shape)
    write_cog(tmp_path / "a.tif", array, grid_of(*shape), nodata=255, descriptions=NAMES, resampling="average")
    with rasterio.open(tmp_path / "a.tif") as file:
        count = len(file.overviews(1))
    assert count >= 2
    for level in range(count):
        array = halve(array, nodata=255, average=True)
        with rasterio.open(tmp_path / "a.tif", overview_level=level) as file:
            assert np.array_equal(file.read(), array)
            assert file.nodata == 255


def test_overviews_nearest_make_no_new_values(tmp_path):
    array = np.where(np.random.default_rng(1).uniform(size=(1, 1024, 1024)) < 0.5, 10, 200).astype(np.uint8)
    write_cog(tmp_path / "a.tif", array, grid_of(1024, 1024), nodata=255, descriptions=["x"])
    with rasterio.open(tmp_path / "a.tif", overview_level=1) as file:
        assert set(np.unique(file.read())) == {10, 200}


def write_all(writer, parts):
    for part in parts:
        writer.write(part)


def writer_for(path, shape=(1200, 40)):
    return RasterWriter(path, grid_of(*shape), bands=10, dtype="uint8", nodata=255, descriptions=NAMES)


@pytest.mark.parametrize("shape", [(40, 40), (1200, 40)])
def test_the_name_appears_when_the_file_is_whole(tmp_path, shape):
    path = tmp_path / "p.tif"
    with writer_for(path, shape) as writer:
        writer.write(probabilities(*shape)[:, :-1])
        assert not path.exists()
        writer.write(probabilities(*shape)[:, -1:])
        assert not path.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["p.tif"]


@pytest.mark.parametrize("shape", [(40, 40), (1200, 40)])
def test_after_an_error_nothing_is_left_and_the_old_file_stays(tmp_path, shape):
    path = tmp_path / "p.tif"
    path.write_text("the old file")

    def interrupted():
        yield probabilities(*shape)[:, :30]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), writer_for(path, shape) as writer:
        write_all(writer, interrupted())
    assert [p.name for p in tmp_path.iterdir()] == ["p.tif"]
    assert path.read_text() == "the old file"


def test_wrong_rows_are_mistakes(tmp_path):
    path = tmp_path / "p.tif"
    good = probabilities(1200, 40)
    for rows in (good[:9], good[:, :, 1:], good.astype(np.uint16), good[0]):
        with pytest.raises(ValueError, match="rows"), writer_for(path) as writer:
            writer.write(rows)
    with pytest.raises(ValueError, match="more rows than the 1200"), writer_for(path) as writer:
        write_all(writer, [good, good[:, :1]])
    with pytest.raises(ValueError, match="1199 rows were written of the 1200"), writer_for(path) as writer:
        writer.write(good[:, 1:])
    with pytest.raises(ValueError, match="descriptions"):
        RasterWriter(path, grid_of(9, 9), bands=2, dtype="uint8", nodata=0, descriptions=["x"])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(SueloError, match=r"The raster p\.tif cannot be written; Suelo needs a folder"):
        writer_for(tmp_path / "none" / "p.tif")


FULL_DISK = """
import resource, signal, sys
import numpy as np
from suelo.errors import SueloError
from suelo.imagery.geotiff import write_cog
from suelo.imagery.grid import Grid

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, size, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
array = np.random.default_rng(0).integers(0, 250, (2, size, size), dtype=np.uint8)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    write_cog(path, array, Grid(size, size), nodata=255, descriptions=["a", "b"])
except SueloError as error:
    print(error)
"""


@pytest.mark.parametrize("size", [160, 700])
def test_a_full_disk_leaves_nothing(tmp_path, size):
    path = tmp_path / "p.tif"
    write_cog(
        path,
        np.random.default_rng(0).integers(0, 250, (2, size, size), dtype=np.uint8),
        Grid(size, size),
        nodata=255,
        descriptions=["a", "b"],
    )
    whole = path.stat().st_size
    path.unlink()
    # The last limit cuts the file where only its closing writes it.
    for limit in (1000, whole // 2, whole - 1):
        command = [sys.executable, "-c", FULL_DISK, str(path), str(size), str(limit)]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        assert result.stdout.startswith("The raster p.tif cannot be written; Suelo needs"), result
        assert list(tmp_path.iterdir()) == []


def test_memory_grows_with_the_width_and_not_with_the_height(tmp_path):
    code = """
import resource, sys
import numpy as np
from suelo.imagery.geotiff import RasterWriter
from suelo.imagery.grid import Grid

height, width = int(sys.argv[2]), 512
rows = np.random.default_rng(0).integers(0, 250, (10, 64, width), dtype=np.uint8)
options = {"bands": 10, "dtype": "uint8", "nodata": 255, "descriptions": ["x"] * 10}
with RasterWriter(sys.argv[1], Grid(height, width), **options) as writer:
    for _ in range(height // 64):
        writer.write(rows)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    peaks = []
    for height in (2048, 20480):
        command = [sys.executable, "-c", code, str(tmp_path / "a.tif"), str(height)]
        environment = {"GDAL_CACHEMAX": "16", "PATH": ""}
        result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        peaks.append(int(result.stdout))
    # Kilobytes; the second array has 94 MB more.
    assert peaks[1] - peaks[0] < 40_000
