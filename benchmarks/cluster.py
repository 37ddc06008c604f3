"""Strips over the processes of this machine: one scene with one and with two workers."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measurement import Measurement

HEIGHT, WIDTH = 10_000, 2000
"""With the shipped model an even number of strips: an odd one would keep one of two workers waiting at the end."""


def keep_to(core: int) -> None:
    """Keep this process to one core, with all threads that it has and will have."""
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def workers(height: int = HEIGHT, width: int = WIDTH) -> Iterator[Measurement]:
    """Megapixels per second from the file to the probability raster, with one worker and with two.

    Each worker is kept to a core of its own. Whoever puts strips together takes what is left of both cores.

    Args:
        height: Rows of the scene.
        width: Its columns.
    """
    from distributed import Client, LocalCluster

    from suelo.cluster.driver import connected
    from suelo.model.session import load_model
    from suelo.segmentation.engine import predict_to_file
    from suelo.segmentation.resumable import Run
    from suelo.simulation import simulate

    cores = sorted(os.sched_getaffinity(0))
    model = load_model(threads=1)
    seconds: dict[int, float] = {}
    rasters = []
    with tempfile.TemporaryDirectory() as folder:
        scene, warm = Path(folder) / "scene.tif", Path(folder) / "warm.tif"
        simulate(scene, height=height, width=width, seed=5)
        simulate(warm, height=1000, width=1000, seed=5)
        for count in (1, 2):
            with (
                LocalCluster(n_workers=count, threads_per_worker=2, memory_limit=0, dashboard_address=None) as local,
                Client(local, set_as_default=False) as client,
                connected(local.scheduler_address, threads=1) as cluster,
            ):
                for core, address in zip(cores, client.scheduler_info(n_workers=-1)["workers"], strict=False):
                    client.run(keep_to, core, workers=[address])
                # The workers load their model before the clock starts.
                for turn in range(3 * count):
                    with Run(str(warm), Path(folder) / f"warm-{count}-{turn}", model) as run:
                        cluster.spread(run).load(0)
                with Run(str(scene), Path(folder) / f"out-{count}", model) as run:
                    rasters.append(Path(folder) / f"{count}.tif")
                    started = time.perf_counter()
                    before = time.process_time()
                    spread = cluster.spread(run)
                    strips = len(spread.futures)
                    predict_to_file(run.scene, model, run.statistics, rasters[-1], keeper=spread.open)
                    seconds[count] = time.perf_counter() - started
                    here = time.process_time() - before
        assert rasters[0].read_bytes() == rasters[1].read_bytes()
    megapixels = height * width / 1e6
    size = f"{width} × {height}, {strips} strips, a core each"
    yield Measurement("scene on 1 worker", megapixels / seconds[1], "MPix/s", size)
    share = f"{seconds[1] / seconds[2]:.2f} times one; {here:.1f} s of a core to put strips together"
    yield Measurement("scene on 2 workers", megapixels / seconds[2], "MPix/s", share)
