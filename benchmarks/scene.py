"""Whole scenes: throughput against the raw network, and peak memory by height."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measurement import Measurement

SIDE = 2048

_PROBE = """
import json, resource, sys, time
from pathlib import Path
import suelo
from suelo.imagery.statistics import measure_statistics
from suelo.segmentation.engine import predict_to_file
model = suelo.load_model()
with suelo.open_scene(sys.argv[1]) as scene:
    statistics = measure_statistics(scene)
    started = time.perf_counter()
    predict_to_file(scene, model, statistics, Path(sys.argv[2]))
    seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(json.dumps({"mpix_per_s": scene.grid.height * scene.grid.width / 1e6 / seconds, "peak_gb": peak}))
"""


def raw_network() -> tuple[float, int]:
    """Megapixels per second of the network alone on tiles of its own size, and that size."""
    import numpy as np

    from suelo.model.session import load_model

    model = load_model()
    side = model.contract.tile
    batch = np.random.default_rng(0).random((4, 8, side, side), dtype=np.float32)
    model.predict(batch)
    done, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < 5:
        model.predict(batch)
        done += batch.shape[0] * side * side
    return done / 1e6 / elapsed, side


def scenes() -> Iterator[Measurement]:
    """Throughput and memory for scenes of one width and growing height."""
    from suelo.simulation import simulate

    raw, side = raw_network()
    yield Measurement("network alone", raw, "MPix/s", f"tiles of {side} × {side}, batches of 4")
    with tempfile.TemporaryDirectory() as folder:
        for height in (SIDE, 2 * SIDE):
            path = Path(folder) / f"{height}.tif"
            simulate(path, height=height, width=SIDE, seed=5)
            probe = subprocess.run(
                [sys.executable, "-c", _PROBE, str(path), str(Path(folder) / "probabilities.tif")],
                check=True,
                capture_output=True,
                text=True,
            )
            found = json.loads(probe.stdout.splitlines()[-1])
            size = f"{SIDE} × {height}"
            share = found["mpix_per_s"] / raw
            yield Measurement(
                f"scene {size}: probabilities", found["mpix_per_s"], "MPix/s", f"{share:.0%} of the network"
            )
            yield Measurement(f"scene {size}: peak memory of the process", found["peak_gb"], "GB")
