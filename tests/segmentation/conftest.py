"""Scenes with known pixels, networks with known answers, and probability rasters of noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from suelo.imagery.grid import Grid
from suelo.imagery.scene import open_scene
from suelo.imagery.statistics import BandStatistics
from suelo.model.session import load_model
from suelo.segmentation.raster import ArrayProbabilities

NORTH_UP = Affine(1.24, 0, 4_880_000, 0, -1.24, 2_080_000)
"""Pixels of 1.24 m near Bogotá in EPSG:9377."""


@pytest.fixture(scope="session")
def unchanged():
    """Statistics that leave pixels between -0.5 and 1.5 as they are."""
    return BandStatistics((0.0,) * 8, (1.0,) * 8, 1.0, 99.0, 1.0)


@pytest.fixture
def make_scene(tmp_path):
    """A function that writes float32 pixels (8, height, width) and opens them as a scene; NaN is no data."""
    opened = []

    def make(pixels, transform=NORTH_UP, epsg=9377, name="scene"):
        path = tmp_path / f"{name}.tif"
        profile = {"crs": CRS.from_epsg(epsg), "transform": transform} if epsg else {}
        bands, height, width = pixels.shape
        with rasterio.open(
            path, "w", driver="GTiff", count=bands, height=height, width=width, dtype="float32", **profile
        ) as file:
            file.write(pixels.astype(np.float32))
        opened.append(open_scene(path))
        return opened[-1]

    yield make
    for scene in opened:
        scene.close()


@pytest.fixture(scope="session")
def make_model(tmp_path_factory, write_model):
    """A function that makes a small network, as `write_model` writes it."""

    def make(**options):
        return load_model(write_model(tmp_path_factory.mktemp("model") / "test.onnx", **options), precision="f32")

    return make


@pytest.fixture(scope="session")
def pixelwise(make_model):
    """A network that looks at one pixel at a time."""
    return make_model(tile=64, halo=16)


MakeNoise = Callable[..., ArrayProbabilities]


@pytest.fixture(scope="session")
def make_noise():
    """A function that makes ten bands of random probabilities, above 0.5 for about `share` of the pixels."""

    def make(height=90, width=70, share=0.55, *, seed=0, empty=0.05, transform=NORTH_UP, epsg=9377):
        rng = np.random.default_rng(seed)
        inside = rng.random((10, height, width)) < share
        bands = np.where(inside, rng.integers(125, 251, inside.shape), rng.integers(0, 125, inside.shape))
        bands[:, rng.random((height, width)) < empty] = 255
        grid = Grid(height, width, transform, CRS.from_epsg(epsg)) if epsg else Grid(height, width)
        return ArrayProbabilities(bands.astype(np.uint8), grid)

    return make
