"""A real Dask cluster: a scheduler and two workers as processes, started the way the manual says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

import pytest
import rasterio

pytest.importorskip("distributed", reason="Dask is not installed")


@pytest.fixture(scope="module")
def scheduler(s3, tmp_path_factory):
    """Address of the scheduler; its two workers may use the S3 server of the tests."""
    folder = tmp_path_factory.mktemp("dask")
    environment = os.environ | s3 | {"DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "info"}
    log = (folder / "scheduler.log").open("w+")

    def start(*arguments, **options):
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments], cwd=folder, stderr=subprocess.STDOUT, **options
        )

    # A port of its own choice, which its log tells.
    processes = [start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", stdout=log)]
    try:
        while not (found := re.search(r"tcp://127.0.0.1:\d+", (folder / "scheduler.log").read_text())):
            assert processes[0].poll() is None, (folder / "scheduler.log").read_text()
            time.sleep(0.05)
        processes.append(
            start(
                "worker", found[0], "--nworkers", "2", "--nthreads", "2", "--no-dashboard",
                env=environment, stdout=log,
            )
        )  # fmt: skip
        yield found[0]
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(30)
        log.close()


@pytest.fixture
def client(scheduler):
    """The tests' own connection, by which they find the processes of workers."""
    from distributed import Client

    with Client(scheduler, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        yield client


@pytest.fixture(scope="module")
def model_file(write_model, tmp_path_factory):
    """A network that is not in the package; it needs about a tenth of a second for a strip of `scene`."""
    return write_model(tmp_path_factory.mktemp("model") / "slow.onnx", box=9, times=30, halo=16)


@pytest.fixture(scope="module")
def scene(draw_image, tmp_path_factory):
    """A scene of eleven strips."""
    return draw_image(tmp_path_factory.mktemp("scene") / "scene.tif", 18000, 128, seed=3, epsg=9377, empty_rows=20)


@pytest.fixture(scope="session")
def damage():
    """A function that overwrites a block of a TIFF with zeros, which no compressed block consists of."""

    def overwrite(path, row):
        with rasterio.open(path) as image:
            start, length = (int(image.get_tag_item(f"BLOCK_{k}_0_{row}", "TIFF", bidx=1)) for k in ("OFFSET", "SIZE"))
        with path.open("r+b") as file:
            file.seek(start)
            file.write(bytes(length))

    return overwrite
