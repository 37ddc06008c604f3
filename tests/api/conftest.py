"""The API over Flask's test client, with the shipped model behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from flask import Flask
from flask.testing import FlaskClient

from suelo.api.app import create_api
from suelo.imagery.geotiff import write_cog
from suelo.imagery.grid import Grid
from suelo.jobs.service import JobService
from suelo.landcover import CLASS_KEYS
from suelo.segmentation.selection import NO_DATA
from suelo.settings import Settings


@pytest.fixture(params=["sqlite-folder"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Where records and objects are kept; images of more than 200 × 200 pixels are queued."""
    return Settings(home=tmp_path / "home", max_direct_pixels=200 * 200, max_upload_mb=2)


@pytest.fixture
def service(settings: Settings) -> Iterator[JobService]:
    service = JobService(settings)
    yield service
    service.stop()


@pytest.fixture
def app(service: JobService) -> Flask:
    return create_api(service)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor's browser: it keeps its cookie."""
    return app.test_client()


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    """Another visitor."""
    return app.test_client()


@pytest.fixture
def chip(draw_image: Callable[..., Path], tmp_path: Path) -> bytes:
    """A chip without CRS, 128 × 96."""
    return draw_image(tmp_path / "chip.tif").read_bytes()


@pytest.fixture
def planted(service: JobService) -> Callable[[str], None]:
    """A function that puts patches of all classes into a job, whatever the model thinks of made-up ground."""

    def plant(job_id: str) -> None:
        path = Path(service.results.raster(job_id, "probabilities"))
        with rasterio.open(path) as dataset:
            grid = Grid(dataset.height, dataset.width, dataset.transform, dataset.crs)
        blocks = np.random.default_rng(3).integers(0, 200, (10, grid.height // 8, grid.width // 8), np.uint8)
        values = blocks.repeat(8, axis=1).repeat(8, axis=2)
        values[:, :8] = NO_DATA
        service.results.forget(job_id)
        write_cog(path, values, grid, nodata=NO_DATA, descriptions=CLASS_KEYS)

    return plant
