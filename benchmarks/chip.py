"""A 160 × 160 chip: server time of a request, and the time from process start to the first result."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measurement import Measurement, median_and_range

REPEATS = 40


def chip_request() -> Iterator[Measurement]:
    """Server time of `POST /segment_tiff`, each time with another chip, so that no stored result is returned."""
    from suelo.api.app import create_api
    from suelo.jobs.service import JobService
    from suelo.settings import Settings
    from suelo.simulation import simulate

    with tempfile.TemporaryDirectory() as folder:
        service = JobService(Settings(home=Path(folder) / "home"))
        client = create_api(service).test_client()
        totals: list[float] = []
        parts: dict[str, list[float]] = {}
        for seed in range(REPEATS + 5):
            path = Path(folder) / f"{seed}.tif"
            simulate(path, height=160, width=160, seed=90_000 + seed)
            started = time.perf_counter()
            response = client.post("/segment_tiff", data=path.read_bytes(), content_type="image/tiff")
            elapsed = (time.perf_counter() - started) * 1000
            if response.status_code != 200:
                raise RuntimeError(response.get_data(as_text=True))
            if seed >= 5:
                totals.append(elapsed)
                for name, ms in re.findall(r"([\w-]+);dur=([\d.]+)", response.headers.get("Server-Timing", "")):
                    parts.setdefault(name, []).append(float(ms))
        service.stop()
        detail = ", ".join(f"{name} {sorted(ms)[len(ms) // 2]:.1f}" for name, ms in parts.items())
        yield median_and_range("chip: POST /segment_tiff, warm, server time", totals, "ms", detail)


def cold_start() -> Iterator[Measurement]:
    """Process start to first result, of the library and of the command line."""
    from suelo.simulation import simulate

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chip.tif"
        simulate(path, height=160, width=160, seed=90_000)
        code = "import sys, suelo; suelo.segment(sys.argv[1]).summary()"
        commands = {
            "cold start: import suelo, segment a chip, areas": [sys.executable, "-c", code, str(path)],
            "cold start: suelo segment, all files written": [
                *(sys.executable, "-m", "suelo", "segment", str(path), "-q"),
                *("-o", str(Path(folder) / "out")),
            ],
            "cold start: suelo --help": [sys.executable, "-m", "suelo", "--help"],
        }
        for name, command in commands.items():
            times = []
            for _ in range(6):
                started = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                times.append(time.perf_counter() - started)
            yield median_and_range(name, times[1:], "s", "files cached by the system")
