"""Scene to probabilities: strips stream through the network, from the file to the raster, in bounded memory."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suelo.errors import CancelledError
from suelo.imagery.geotiff import RasterWriter
from suelo.imagery.scene import Scene
from suelo.imagery.statistics import BandStatistics
from suelo.landcover import CLASSES
from suelo.model.session import Model
from suelo.segmentation.keeping import Keeper, fingerprint
from suelo.segmentation.network import finished_strips, joined
from suelo.segmentation.pipeline import ahead
from suelo.segmentation.profile import Profile
from suelo.segmentation.reading import ResampledRows, network_view, read_strips
from suelo.segmentation.restoring import restored_rows
from suelo.segmentation.selection import NO_DATA
from suelo.segmentation.tiling import Tiling

PROGRESS_SECONDS = 0.1
"""Progress is reported at most this often."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a piece of work is.

    Attributes:
        done: Units that are done.
        total: Units that there are.
        stage: "reading", "network", "polygons" or "files".
    """

    done: int
    total: int
    stage: str


ProgressCallback = Callable[[Progress], None]
Cancelled = Callable[[], bool]
OpenKeeper = Callable[[str], Keeper]
"""Opens the store of finished strips that belong to a fingerprint; see `suelo.segmentation.keeping`."""


def predict(
    scene: Scene,
    model: Model,
    statistics: BandStatistics,
    progress: ProgressCallback | None = None,
    cancelled: Cancelled | None = None,
    *,
    tiling: Tiling | None = None,
) -> NDArray[np.uint8]:
    """Probabilities of a scene that fits in memory.

    Args:
        scene: The image.
        model: The network.
        statistics: Normalise the image: those of the scene, or of another one that it is to be compared with.
        progress: Told how much is done, a few times per second.
        cancelled: Asked several times per strip; True stops the work.
        tiling: How the scene is cut; what the model asks for by default.

    Returns:
        uint8 (10, height, width): 0..250 for 0..1, 255 where there is no data.

    Raises:
        CancelledError: `cancelled` said so.
        ImageError: The image is damaged.
    """
    report = _Reporter(progress, cancelled)
    with closing(_rows(scene, model, statistics, tiling, report)) as rows:
        parts = list(rows)
    report.finish()
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def predict_to_file(
    scene: Scene,
    model: Model,
    statistics: BandStatistics,
    path: str | os.PathLike[str],
    progress: ProgressCallback | None = None,
    cancelled: Cancelled | None = None,
    *,
    tiling: Tiling | None = None,
    keeper: OpenKeeper | None = None,
    profile: Profile | None = None,
) -> None:
    """Write the probabilities of a scene of any size as a cloud-optimised GeoTIFF.

    The next strip is read while the network is busy with this one. Memory grows with the width of the scene, not with
    its height.

    Args:
        scene: The image.
        model: The network.
        statistics: Normalise the image.
        path: The file: ten bands, uint8, 0..250 for 0..1, 255 where there is no data.
        progress: Told how much is done, a few times per second.
        cancelled: Asked several times per strip; True stops the work.
        tiling: How the scene is cut; what the model asks for by default.
        keeper: Opens a store of finished strips: what an earlier run put there is not done again.
        profile: Told where the time goes.

    Raises:
        CancelledError: `cancelled` said so; there is no file.
        ImageError: The image is damaged.
    """
    report = _Reporter(progress, cancelled)
    profile = profile or Profile()
    rows = _rows(scene, model, statistics, tiling, report, keeper, profile)
    writer = probability_writer(path, scene, model)
    with profile.prediction(scene.grid.height * scene.grid.width), closing(rows), writer:
        for part in rows:
            with profile.stage("write"):
                writer.write(part)
    report.finish()


def probability_writer(path: str | os.PathLike[str], scene: Scene, model: Model) -> RasterWriter:
    """A writer for the probability raster of a scene, as `predict_to_file` makes it."""
    return RasterWriter(
        Path(path),
        scene.grid,
        bands=len(CLASSES),
        dtype="uint8",
        nodata=NO_DATA,
        descriptions=[c.key for c in CLASSES],
        resampling="average",
        tags=raster_tags(scene, model),
        smooth=False,  # mostly plateaus, of 0 and near 250
    )


def raster_tags(scene: Scene, model: Model) -> dict[str, str]:
    """Tags of a probability raster; the ground sampling distance is what a raster without CRS cannot say itself."""
    return {
        "SUELO_GSD_M": repr(scene.grid.gsd_m),
        "SUELO_MODEL": f"{model.contract.name} {model.contract.version}",
        "SUELO_MODEL_SHA256": model.sha256,
    }


def _rows(
    scene: Scene,
    model: Model,
    statistics: BandStatistics,
    tiling: Tiling | None,
    report: Callable[[int, int], None],
    open_keeper: OpenKeeper | None = None,
    profile: Profile | None = None,
) -> Generator[NDArray[np.uint8]]:
    source, down, across = network_view(scene, model.contract, tiling)
    keeper = open_keeper(fingerprint(model.sha256, statistics, down, across)) if open_keeper else None
    wanted = [index for index in range(len(down.starts)) if keeper is None or index not in keeper.kept]
    total = len(down.starts) * len(across.starts)
    if profile is not None:
        profile.add_strips(len(down.starts), len(down.starts) - len(wanted))
    strips = read_strips(source, statistics, down, across, wanted, profile)
    # Closing does not wait for somebody to drop the traceback of an error: afterwards no thread reads any more.
    with closing(ahead(strips) if len(wanted) > 1 else strips) as read:
        # The network runs in the thread of the caller, who has it for long: OpenVINO keeps something for each thread.
        finished = finished_strips(model, read, down, across, lambda done: report(done, total), keeper, profile)
        rows = joined(finished, source.grid.height)
        if isinstance(source, ResampledRows):
            rows = restored_rows(rows, source.grid, scene.grid, source.take_valid)
        yield from rows


class _Reporter:
    """Passes progress on, not too often, and stops the work when it is cancelled."""

    def __init__(self, progress: ProgressCallback | None, cancelled: Cancelled | None) -> None:
        self._progress = progress
        self._cancelled = cancelled
        self._total = 1
        self._told = -math.inf  # a monotonic clock may start anywhere

    def __call__(self, done: int, total: int) -> None:
        self._total = total
        now = time.monotonic()
        cancelled = self._cancelled is not None and self._cancelled()
        # The last word on a cancelled segmentation is how far it came: it may go on from there.
        if self._progress and (cancelled or now - self._told >= PROGRESS_SECONDS):
            self._told = now
            self._progress(Progress(done, total, "network"))
        if cancelled:
            raise CancelledError("The segmentation was cancelled before it was done.")

    def finish(self) -> None:
        if self._progress:
            self._progress(Progress(self._total, self._total, "network"))
