"""The API on each backend, over HTTP, with the shipped model behind it. One backend of each kind serves all tests,
so a test looks only at what its own visitors did."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import numpy as np
import obstore
import pytest
import rasterio
from obstore.store import from_url
from waitress import create_server

from suelo.api.app import create_api
from suelo.imagery.geotiff import write_cog
from suelo.imagery.grid import Grid
from suelo.jobs.objects import PROBABILITIES, key
from suelo.jobs.service import JobService
from suelo.landcover import CLASS_KEYS
from suelo.segmentation.selection import NO_DATA
from suelo.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "aws"))
from api_client import Backend, Client, over_http, send_image

StartBackend = Callable[..., Backend]


class LocalBackend:
    """A server in a thread of the tests. Nothing serves its queue: jobs stay queued until `work`."""

    https = False

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        self.settings = settings
        self.environment = environment
        with _environment(environment):
            self.service = JobService(settings)
        self._server = create_server(create_api(self.service), host="127.0.0.1", port=0, threads=4)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.effective_port}"

    def visit(self) -> Client:
        return Client(over_http(self.address))

    def work(self, job_id: str) -> None:
        self.service.run_announced(job_id, lambda: False)

    def stop(self) -> None:
        with suppress(OSError):  # the server's thread may close the trigger before it is pulled
            self._server.trigger.pull_trigger(self._server.close)
        self._thread.join()
        self._server.task_dispatcher.shutdown()
        self.service.stop()


@pytest.fixture(scope="session", params=["sqlite-folder", "postgresql-s3", "lambda"])
def start_backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartBackend]:
    """A function that starts a backend of this kind with an empty database and store, and settings of its own."""
    kind = request.param

    with ExitStack() as running:

        def start(**settings: object) -> Backend:
            home = tmp_path_factory.mktemp("api")
            environment: Mapping[str, str] = {}
            if kind != "sqlite-folder":
                settings["database"] = request.getfixturevalue("new_database")()
                settings["store"] = f"s3://results/{uuid4().hex}"
                environment = request.getfixturevalue("s3")
            backend: Backend
            if kind == "lambda":
                from lambda_backend import LambdaBackend

                backend = LambdaBackend(Settings(home=home, **settings), environment, home)
            else:
                backend = LocalBackend(Settings(home=home, **settings), environment)
            running.callback(backend.stop)
            return backend

        yield start


@pytest.fixture(scope="session")
def backend(start_backend: StartBackend) -> Backend:
    """A backend that queues images of more than 200 × 200 pixels."""
    return start_backend(max_direct_pixels=200 * 200, max_upload_mb=2)


@pytest.fixture
def client(backend: Backend) -> Client:
    """A visitor."""
    return backend.visit()


@pytest.fixture
def stranger(backend: Backend) -> Client:
    """Another visitor."""
    return backend.visit()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def stored(backend: Backend) -> Callable[[str], set[str]]:
    """A function that names the objects of a job or upload that are in the backend's store."""

    def names(job_id: str) -> set[str]:
        with _environment(backend.environment):
            store = from_url(backend.settings.store_url)
        return {Path(found["path"]).name for batch in obstore.list(store, f"jobs/{job_id}") for found in batch}

    return names


@pytest.fixture
def plant(backend: Backend, client: Client, tmp_path: Path) -> Callable[..., dict]:
    """A function that makes a job of the visitor's of a chip and puts patches of all classes into its result,
    whatever the model thinks of made-up ground. The same chip sent again is answered from it."""

    def make(image: bytes, name: str = "chip.tif") -> dict:
        # A job that was made of an upload has shown nothing of its result to anybody yet, so no old values are kept.
        job = send_image(client, image, name).json()
        with _environment(backend.environment):
            store = from_url(backend.settings.store_url)
        path = tmp_path / "planted.tif"
        place = key(job["id"], PROBABILITIES)
        path.write_bytes(bytes(obstore.get(store, place).bytes()))
        with rasterio.open(path) as dataset:
            grid = Grid(dataset.height, dataset.width, dataset.transform, dataset.crs)
        blocks = np.random.default_rng(3).integers(0, 200, (10, grid.height // 8, grid.width // 8), np.uint8)
        values = blocks.repeat(8, axis=1).repeat(8, axis=2)
        values[:, :8] = NO_DATA
        write_cog(path, values, grid, nodata=NO_DATA, descriptions=CLASS_KEYS)
        obstore.put(store, place, path.read_bytes())
        return job

    return make


@pytest.fixture
def chip(draw_image: Callable[..., Path], tmp_path: Path) -> bytes:
    """A chip without CRS, 128 × 96."""
    return draw_image(tmp_path / "chip.tif").read_bytes()
