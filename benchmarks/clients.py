"""Many clients at once: chips per second of a real server, against the network alone on the same chips."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import rasterio
from rasterio.io import MemoryFile
from rasterio.windows import Window

from benchmarks.images import Mirrored
from benchmarks.measurement import Measurement
from benchmarks.network import throughput

CLIENTS = 16
CHIPS = 320
SIDE = 160


def clients() -> Iterator[Measurement]:
    """`POST /segment_tiff` over loopback, every chip another one, by one client and by `CLIENTS` at a time."""
    from suelo.model.session import load_model

    model = load_model()

    def alone(images: object) -> None:
        with model.run(images):  # type: ignore[arg-type]
            pass

    rate, _ = throughput([alone, alone], SIDE, SIDE)
    chips_alone = rate * 1e6 / SIDE**2
    yield Measurement("network alone on chips of 160 × 160", chips_alone, "chips/s", "two requests at a time")
    with tempfile.TemporaryDirectory() as folder:
        images = _chips(Path(folder))
        for processes in (1, os.cpu_count() or 1):
            yield from _served(Path(folder) / str(processes), processes, images, chips_alone)


def _served(folder: Path, processes: int, images: list[bytes], chips_alone: float) -> Iterator[Measurement]:
    folder.mkdir()
    with _Server(folder, processes) as server:
        for image in images[:8]:
            server.send(image)
        for count, part in ((1, images[8:48]), (CLIENTS, images[48:])):
            seconds: list[float] = []
            failed = 0
            started = time.perf_counter()
            with ThreadPoolExecutor(count) as threads:
                for status, elapsed in threads.map(server.send, part):
                    seconds.append(elapsed)
                    failed += status != 200
            per_second = len(part) / (time.perf_counter() - started)
            detail = (
                f"{failed} of {len(part)} failed, median {1000 * statistics.median(seconds):.0f} ms, "
                f"longest {1000 * max(seconds):.0f} ms"
            )
            name = f"chips over HTTP, {_several(count, 'client')} at once, {_several(processes, 'server process')}"
            yield Measurement(name, per_second, "chips/s", detail)
            yield Measurement(f"{name}: of the network's speed", per_second / chips_alone, "")


def _several(count: int, name: str) -> str:
    plural = f"{name}es" if name.endswith("s") else f"{name}s"
    return f"{count} {name if count == 1 else plural}"


def _chips(folder: Path) -> list[bytes]:
    """TIFFs that all differ, cut from one mirrored scene."""
    path = folder / "scene.tif"
    columns = 20
    rows = -(-(CHIPS + 48) // columns)
    Mirrored().write(path, rows * (SIDE + 7), columns * (SIDE + 7))
    found = []
    with rasterio.open(path) as scene:
        for number in range(CHIPS + 48):
            row, column = divmod(number, columns)
            window = Window(column * (SIDE + 7), row * (SIDE + 7), SIDE, SIDE)
            profile = {**scene.profile, "height": SIDE, "width": SIDE, "tiled": False}
            profile["transform"] = scene.window_transform(window)
            for key in ("blockxsize", "blockysize"):
                profile.pop(key, None)
            with MemoryFile() as memory:
                with memory.open(**profile) as chip:
                    chip.write(scene.read(window=window))
                found.append(memory.read())
    return found


class _Server:
    """`suelo serve` in a process of its own."""

    def __init__(self, folder: Path, processes: int) -> None:
        self._log = folder / "server.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "suelo", "serve", "--port", "0", "--processes", str(processes)],
                env={**os.environ, "SUELO_HOME": str(folder / "home"), "PYTHONUNBUFFERED": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._url = ""

    def __enter__(self) -> _Server:
        end = time.monotonic() + 60
        while not self._url:
            words = self._log.read_text().split()
            self._url = next((word.rstrip("/.") for word in words if word.startswith("http://127")), "")
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError(self._log.read_text())
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def send(self, image: bytes) -> tuple[int, float]:
        """Status and seconds of one request."""
        request = urllib.request.Request(f"{self._url}/segment_tiff", image, {"Content-Type": "image/tiff"})
        started = time.perf_counter()
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                answer.read()
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        return status, time.perf_counter() - started
