"""Jobs, numbers and a real service for the tests of the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dash.development.base_component import Component
from plotly.utils import PlotlyJSONEncoder

from suelo.jobs.job import Job
from suelo.jobs.service import JobService
from suelo.landcover import CLASSES
from suelo.model.contract import Metrics, ModelContract
from suelo.segmentation.summary import ClassSummary
from suelo.settings import Settings

THRESHOLDS = (0.5, 0.45, 0.5, 0.5, 0.5, 0.4, 0.5, 0.5, 0.35, 0.35)


@pytest.fixture
def make_job() -> Callable[..., Job]:
    """A function that makes a job value; any field can be given."""

    def make(**fields: Any) -> Job:
        values: dict[str, Any] = {
            "id": "0123456789abcdef0123456789abcdef",
            "owner": "somebody",
            "shared": False,
            "name": "scene",
            "status": "succeeded",
            "progress": 1.0,
            "stage": "",
            "message": "",
            "created_at": datetime(2026, 3, 1, 14, 5, tzinfo=UTC),
            "started_at": None,
            "finished_at": None,
            "width": 325,
            "height": 320,
            "gsd_m": 1.24,
            "crs": "EPSG:9377",
            "georeferenced": True,
            "image_sha256": "0" * 64,
            "image_bytes": 1000,
            "model_name": "unet 1.0",
            "model_sha256": "1" * 64,
            "model_thresholds": THRESHOLDS,
            "statistics": None,
        }
        return Job(**{**values, **fields})

    return make


@pytest.fixture
def rows() -> list[ClassSummary]:
    """Numbers of all ten classes: the larger the number of the class, the larger they are; crops have none."""
    return [
        ClassSummary(c.id, c.key, c.name, THRESHOLDS[c.id - 1], 0, 0.0, 0.0, None)
        if c.key == "crops"
        else ClassSummary(c.id, c.key, c.name, THRESHOLDS[c.id - 1], 1000 * c.id, 12_345.0 * c.id, 0.01 * c.id, 0.75)
        for c in CLASSES
    ]


@pytest.fixture
def contract() -> ModelContract:
    """A model that was measured, all classes but waterways."""
    jaccard = {c.key: None if c.key == "waterway" else 0.05 * c.id for c in CLASSES}
    metrics = Metrics(measured_on="simulated scenes", jaccard=jaccard, mean_jaccard=0.617)
    return ModelContract(name="unet", version="1.0", metrics=metrics)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobService]:
    """A real service with a home of its own; images of more than 200 × 200 pixels are queued and stay there."""
    service = JobService(Settings(home=tmp_path_factory.mktemp("home"), max_direct_pixels=200 * 200))
    yield service
    service.stop()


@pytest.fixture(scope="module")
def georeferenced(
    service: JobService, draw_image: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Job:
    """A finished job of somebody else with a CRS."""
    path = draw_image(tmp_path_factory.mktemp("image") / "place.tif", epsg=9377)
    return service.submit_image(path.read_bytes(), path.name, "somebody")


@pytest.fixture(scope="module")
def plane(service: JobService, draw_image: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A finished job of somebody else without a CRS."""
    path = draw_image(tmp_path_factory.mktemp("image") / "plane.tif", seed=1)
    return service.submit_image(path.read_bytes(), path.name, "somebody")


@pytest.fixture
def parts() -> Callable[[object], list[dict[str, Any]]]:
    """A function that lists all components of a tree as `{"type": …, "props": …}`, in reading order."""

    def walk(node: object) -> Iterator[dict[str, Any]]:
        if isinstance(node, list):
            for item in node:
                yield from walk(item)
        elif isinstance(node, dict):
            if {"type", "props", "namespace"} <= set(node):
                yield node
            for value in node.values():
                yield from walk(value)

    def list_parts(tree: object) -> list[dict[str, Any]]:
        assert isinstance(tree, list | Component)
        return list(walk(json.loads(json.dumps(tree, cls=PlotlyJSONEncoder))))

    return list_parts


@pytest.fixture
def words() -> Callable[[object], str]:
    """A function that gives the text of a tree of components, as a reader sees it."""

    def read(node: object) -> str:
        if isinstance(node, str | int | float):
            return str(node)
        if isinstance(node, list | tuple):
            return " ".join(read(item) for item in node)
        return read(getattr(node, "children", None) or "")

    return read
