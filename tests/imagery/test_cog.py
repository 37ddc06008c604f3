"""Resolutions put together to one cloud-optimised GeoTIFF."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rio_cogeo.cogeo import cog_info, cog_validate

from suelo.imagery import cog
from suelo.imagery.cog import BrokenTiffError, assemble


@pytest.fixture
def parts(tmp_path):
    """Three resolutions of an image, and their pixels."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (3, size, size - 30), dtype=np.uint8) for size in (1024, 512, 256)]
    paths = []
    for number, image in enumerate(images):
        paths.append(tmp_path / f"{number}.tif")
        profile = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate", "bigtiff": "yes"}
        if number == 0:
            profile |= {"crs": CRS.from_epsg(9377), "transform": Affine(1.24, 0, 4.88e6, 0, -1.24, 2.06e6)}
        bands, height, width = image.shape
        with rasterio.open(
            paths[-1], "w", driver="GTiff", count=bands, height=height, width=width, dtype="uint8", nodata=255,
            interleave="band", **profile,
        ) as file:  # fmt: skip
            file.write(image)
            if number == 0:
                file.update_tags(SUELO="yes")
                file.descriptions = ("a", "b", "c")
    return paths, images


@pytest.mark.parametrize("largest", [cog._CLASSIC_BYTES, 1000])
def test_the_file_is_a_cog_of_the_same_pixels(parts, tmp_path, monkeypatch, largest):
    monkeypatch.setattr(cog, "_CLASSIC_BYTES", largest)
    paths, images = parts
    path = tmp_path / "whole.tif"
    assemble(paths, path)
    assert path.read_bytes()[:4] == (b"II+\0" if largest == 1000 else b"II*\0")
    assert cog_validate(path, strict=True) == (True, [], [])
    info = cog_info(path)
    assert [(ifd.Height, ifd.Width) for ifd in info.IFD] == [image.shape[1:] for image in images]
    for level, image in enumerate(images):
        options = {} if level == 0 else {"overview_level": level - 1}
        with rasterio.open(path, **options) as file:
            np.testing.assert_array_equal(file.read(), image)
            assert file.nodatavals == (255,) * 3
    with rasterio.open(path) as file:
        assert file.crs.to_epsg() == 9377
        assert file.transform.c == 4.88e6
        assert file.tags()["SUELO"] == "yes"
        assert file.descriptions == ("a", "b", "c")


def test_a_part_that_was_cut_off_is_noticed(parts, tmp_path):
    paths, _ = parts
    content = paths[1].read_bytes()
    for end in (len(content) - 1, len(content) // 2, 10):
        paths[1].write_bytes(content[:end])
        with pytest.raises(BrokenTiffError):
            assemble(paths, tmp_path / "whole.tif")
