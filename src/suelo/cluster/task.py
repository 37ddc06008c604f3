"""What runs on a worker: one strip of a scene, from the image to the store that all workers share."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import ParamSpec, TypeVar

from suelo.errors import ImageError, InputError, ModelError, SueloError
from suelo.imagery.scene import Scene, open_scene
from suelo.imagery.statistics import BandStatistics
from suelo.model.contract import Normalisation
from suelo.model.session import Model, load_model
from suelo.segmentation.keeping import fingerprint
from suelo.segmentation.network import finish_strip
from suelo.segmentation.reading import network_view, read_strips
from suelo.segmentation.strips import StripStore

P = ParamSpec("P")
T = TypeVar("T")

MODEL = "model.onnx"
"""Name, in the store of strips, of a model that is not in the package."""

WANTED = "wanted"
"""Name, in the store of strips, of what says that strips are still wanted there."""

# One strip at a time has the network, and its threads have the cores, while the next one is being read.
_network = threading.Lock()


@dataclass(frozen=True)
class Image:
    """An image that workers open themselves.

    Attributes:
        address: Absolute path, or address.
        gsd_m: Ground sampling distance in metres for an image without CRS; None for the default.
        shape: Height and width that it must have.
    """

    address: str
    gsd_m: float | None
    shape: tuple[int, int]


@dataclass(frozen=True)
class Work:
    """All that the strips of one scene have in common.

    Attributes:
        image: The image.
        statistics: What normalises it.
        model_sha256: Hash of the model file.
        model: Word for one in the package, see `suelo.model.session.SHIPPED`; empty if it is in the store of strips.
        threads: Threads that run the network; 0 for all cores that the worker may use.
        provider: Execution provider of ONNX Runtime that runs it; empty for OpenVINO.
        store: Where finished strips go.
        fingerprint: What the strips are known by there.
        version: Version of Suelo that asks for them.
    """

    image: Image
    statistics: BandStatistics
    model_sha256: str
    model: str
    threads: int
    provider: str
    store: str
    fingerprint: str
    version: str


def _sendable(task: Callable[P, T]) -> Callable[P, T]:
    """Let a task fail with errors of Suelo that arrive: those of GDAL, which are their causes, cannot be unpickled."""

    @wraps(task)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return task(*args, **kwargs)
        except SueloError as error:
            failure = type(error)(*error.args)
        raise failure  # here, where it has neither cause nor context

    return run


@_sendable
def measure(image: Image, normalisation: Normalisation) -> BandStatistics:
    """Measure the statistics of a scene on a worker.

    Raises:
        InputError: The worker does not see the image.
        ImageError: No pixel has data.
    """
    with _open(image) as scene:
        return normalisation.measure(scene)


@_sendable
def finish(work: Work, index: int) -> int:
    """Run the network over a strip and store what comes out.

    Args:
        work: The scene.
        index: Number of the strip.

    Returns:
        The same number.

    Raises:
        InputError: This worker differs from who asks: in its version, its model, or in what it sees of the image and
            the store.
        ImageError: The image is damaged.
        UnavailableError: The store in S3 cannot be reached.
    """
    if version("suelo") != work.version:
        raise InputError(
            f"A worker has Suelo {version('suelo')} and this is {work.version}; they need to be of one version."
        )
    store = StripStore(work.store, work.fingerprint)
    if not store.has(WANTED):
        raise InputError(
            f"A worker does not see what is in {work.store}; strips need a place that all share: a folder under the "
            "same path everywhere, or --store s3://bucket/prefix."
        )
    model = _models.get(work)
    with _open(work.image) as scene:
        rows, down, across = network_view(scene, model.contract)
        if fingerprint(model.sha256, work.statistics, down, across) != work.fingerprint:
            raise InputError("A worker would cut the scene differently; it needs the same Suelo and the same image.")
        strip = next(read_strips(rows, work.statistics, down, across, [index]))
    with _network:
        finished = finish_strip(model, strip, down, across, lambda _done: None)
    with store:
        store.save(index, finished)
    return index


def _open(image: Image) -> Scene:
    try:
        scene = open_scene(image.address, gsd_m=image.gsd_m)
    except ImageError as error:
        raise InputError(f"A worker cannot open {image.address}, which each needs to see: {error}") from None
    if scene.grid.shape != image.shape:
        scene.close()
        raise InputError(f"A worker sees another image at {image.address} than this machine does.")
    return scene


class _Models:
    """The networks of this process: the last two, as scenes of two commands may come in turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, int, str], Model] = {}

    def get(self, work: Work) -> Model:
        """The network for a scene; whichever store it came from, one is enough of it."""
        key = (work.model_sha256, work.threads, work.provider)
        with self._lock:
            model = self._kept.pop(key, None) or _load(work)
            if len(self._kept) == 2:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = model
            return model


_models = _Models()


def _load(work: Work) -> Model:
    threads = work.threads
    if not threads:
        from dask.system import CPU_COUNT  # knows the limits of containers

        threads = CPU_COUNT
    if not work.model:
        with tempfile.TemporaryDirectory(prefix="suelo-") as folder:
            path = Path(folder) / MODEL
            path.write_bytes(StripStore(work.store).get(MODEL))
            model = load_model(path, threads=threads, provider=work.provider)
    else:
        model = load_model(Path(work.model), threads=threads, provider=work.provider)
    if model.sha256 != work.model_sha256:
        raise ModelError("A worker has another model in its package than this machine; they need the same Suelo.")
    return model
