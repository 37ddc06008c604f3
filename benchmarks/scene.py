"""Whole scenes: throughput against the raw network, where the time goes, and peak memory by size."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.images import Mirrored
from benchmarks.measurement import Measurement

SIZES = ((1024, 1024), (2048, 2048), (4096, 4096))
LARGE = ((10_000, 10_000), (20_000, 10_000), (20_000, 20_000))
"""Height and width of scenes; the large ones take 100, 200 and 400 times as long as the first."""


def scenes(large: bool = False) -> Iterator[Measurement]:
    """Scenes of growing size in a process each: from the open file to the finished probability raster.

    Args:
        large: Also those of `LARGE`.
    """
    mirrored = Mirrored()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.tif"
        for height, width in SIZES + (LARGE if large else ()):
            mirrored.write(path, height, width)
            probe = [sys.executable, "-m", "benchmarks.scene", str(path), str(Path(folder) / "probabilities.tif")]
            found = json.loads(subprocess.run(probe, check=True, capture_output=True, text=True).stdout)
            name = f"scene {height} × {width}"
            seconds = ", ".join(f"{stage} {s:.1f}" for stage, s in found["seconds"].items() if s >= 0.05)
            yield Measurement(f"{name}: probabilities", found["mpix_per_s"], "MPix/s", f"seconds: {seconds}")
            detail = f"tiles of {found['tile'][0]} × {found['tile'][1]}, raw {found['raw_mpix_per_s']:.2f} MPix/s"
            yield Measurement(f"{name}: of the network's speed on the same tiles", found["share"], "", detail)
            yield Measurement(f"{name}: the network's part of the processor time", found["cpu_share"], "")
            detail = f"{found['halo_share']:.0%} of what the network sees is no halo"
            yield Measurement(
                f"{name}: of the network's speed, halos its own", found["share"] * found["halo_share"], "", detail
            )
            yield Measurement(f"{name}: with statistics", found["whole_mpix_per_s"], "MPix/s")
            yield Measurement(f"{name}: peak memory of the process", found["peak_gb"], "GB")


def peak_gb() -> float:
    """Largest resident memory of this process; that of `getrusage` counts the one that started it, too."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e9


def probe(image: str, output: str) -> None:
    """Segment an image and print figures as JSON; a process of its own, for its memory."""
    import time

    import suelo
    from benchmarks.network import throughput
    from suelo.imagery.statistics import measure_statistics
    from suelo.segmentation.engine import predict_to_file
    from suelo.segmentation.profile import Profile
    from suelo.segmentation.tiling import Tiling

    model = suelo.load_model()
    profile = Profile()
    with suelo.open_scene(image) as scene:
        down, across = Tiling.of(model.contract).spans(scene.grid.height, scene.grid.width)

        def run(images: object) -> None:
            with model.run(images):  # type: ignore[arg-type]
                pass

        # The speed of a shared machine changes, so the network is measured before and after.
        clock = time.process_time()
        before, count = throughput([run], down.tile, across.tile)
        cpu_of_tile = (time.process_time() - clock) / count
        with profile.whole():
            with profile.stage("statistics"):
                statistics = measure_statistics(scene)
            clock = time.process_time()
            predict_to_file(scene, model, statistics, Path(output), profile=profile)
            cpu = time.process_time() - clock
        peak = peak_gb()
        raw = (before + throughput([run], down.tile, across.tile)[0]) / 2
    figures = profile.to_dict()
    figures["tile"] = [down.tile, across.tile]
    figures["raw_mpix_per_s"] = raw
    figures["share"] = figures["network_megapixels"] / raw / figures["prediction_s"]
    figures["halo_share"] = figures["megapixels"] / figures["network_megapixels"]
    figures["whole_mpix_per_s"] = figures["megapixels"] / figures["wall_s"]
    figures["cpu_share"] = cpu_of_tile * profile.network_pixels / (down.tile * across.tile) / cpu
    figures["peak_gb"] = peak
    print(json.dumps(figures))


if __name__ == "__main__":
    probe(sys.argv[1], sys.argv[2])
