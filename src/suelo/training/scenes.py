"""Simulated scenes for training, made once and kept on disk, and for evaluation, written as GeoTIFF."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from suelo.imagery.geotiff import write_cog
from suelo.imagery.grid import DEFAULT_GSD_M, Grid
from suelo.imagery.scene import BAND_NAMES
from suelo.segmentation.selection import FULL_SCALE
from suelo.simulation.simulate import simulate_array
from suelo.training.labelled import LabelledScene, band_statistics

_OTHER_GSD_SHARE = 0.5
_GSD_RANGE_M = (0.95, 1.6)


@cache
def simulator_version() -> str:
    """Hash of the simulator's source: scenes made by another simulator are other scenes."""
    digest = hashlib.sha256()
    for source in sorted(files("suelo.simulation").iterdir(), key=lambda entry: entry.name):
        if source.name.endswith(".py"):
            digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()[:16]


def training_gsd(seed: int) -> float:
    """Ground sampling distance in metres of a training scene: often another than the usual one.

    The network runs on the pixels of any scene within a quarter of its own ground sampling distance.
    """
    rng = np.random.default_rng((seed, 11))
    if rng.random() >= _OTHER_GSD_SHARE:
        return DEFAULT_GSD_M
    return float(np.exp(rng.uniform(*np.log(_GSD_RANGE_M))))


def prepare_scenes(
    folder: Path,
    seeds: Sequence[int],
    size: int,
    *,
    vary_gsd: bool,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[LabelledScene]:
    """Simulate the scenes that are not in the folder yet, and open them all as memory maps.

    Args:
        folder: Where scenes are kept.
        seeds: Seeds of the scenes.
        size: Height and width in pixels.
        vary_gsd: Whether scenes differ in ground sampling distance, see `training_gsd`.
        workers: Processes that simulate.
        progress: Called with the scenes that are done and all.
    """
    place = folder / f"{simulator_version()}-{size}-coverage{'-gsd' if vary_gsd else ''}"
    place.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in seeds if not _truth_path(place, seed).is_file()]
    done = len(seeds) - len(missing)
    make = partial(_make, place, size, vary_gsd)
    if missing and workers > 1:
        # Forked processes would inherit locks of OpenMP threads that do not exist in them.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            for count, _ in enumerate(pool.map(make, missing), done + 1):
                _tell(progress, count, len(seeds))
    else:
        for count, seed in enumerate(missing, done + 1):
            make(seed)
            _tell(progress, count, len(seeds))
    return [_open(place, seed) for seed in seeds]


def simulated_name(seed: int) -> str:
    """What a simulated scene is called."""
    return f"simulated-{seed}"


def write_simulated(path: Path, seed: int, size: int) -> NDArray[np.bool_]:
    """Write a simulated scene as GeoTIFF near Bogotá.

    Returns:
        The truth, bool (10, size, size).
    """
    simulated = simulate_array(size, size, seed, with_objects=False)
    transform = Affine.translation(4_880_000, 2_080_000) @ Affine.scale(DEFAULT_GSD_M, -DEFAULT_GSD_M)
    grid = Grid(size, size, transform, CRS.from_epsg(9377))
    write_cog(path, simulated.image, grid, nodata=0, descriptions=BAND_NAMES)
    return simulated.truth


def _make(place: Path, size: int, vary_gsd: bool, seed: int) -> None:
    gsd = training_gsd(seed) if vary_gsd else DEFAULT_GSD_M
    simulated = simulate_array(size, size, seed, gsd_m=gsd, with_objects=False)
    # The truth is written last: where it is, the scene is whole.
    _save(_values_path(place, seed), simulated.image)
    _save(_truth_path(place, seed), simulated.truth.astype(np.uint8) * np.uint8(FULL_SCALE))


def _open(place: Path, seed: int) -> LabelledScene:
    values = np.load(_values_path(place, seed), mmap_mode="r")
    truth = np.load(_truth_path(place, seed), mmap_mode="r")
    valid = np.ones(values.shape[1:], np.bool_)
    return LabelledScene(values, truth, valid, band_statistics(values, valid), simulated_name(seed))


def _save(path: Path, array: NDArray[np.generic]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            np.save(file, array)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _values_path(place: Path, seed: int) -> Path:
    return place / f"{seed}.values.npy"


def _truth_path(place: Path, seed: int) -> Path:
    return place / f"{seed}.truth.npy"


def _tell(progress: Callable[[int, int], None] | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)
