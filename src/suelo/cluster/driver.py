"""Who hands strips to the workers of a Dask cluster and puts together what they finish."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suelo.cluster.task import MODEL, WANTED, Image, Work, finish, measure
from suelo.errors import InputError, SueloError
from suelo.imagery.scene import Scene
from suelo.imagery.statistics import BandStatistics
from suelo.model.contract import ModelContract
from suelo.model.session import SHIPPED
from suelo.segmentation.keeping import Keeper, KeptStrip, fingerprint
from suelo.segmentation.reading import network_view
from suelo.segmentation.resumable import Run
from suelo.segmentation.strips import StripStore

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_S = 20
"""How long a scheduler may take to answer."""

_SETTLE_S = 60
"""How long workers may take to end a strip that nobody wants any more."""

_SLOTS = 2
"""Strips that a worker of a local cluster has in hand: one in the network, one being read."""


class Cluster:
    """Workers that finish strips. Safe to use from several threads."""

    def __init__(self, client: Client, threads: int = 0, model: Path | None = None, provider: str = "") -> None:
        """Use a cluster.

        Args:
            client: A connected client of Dask.
            threads: Threads that run the network on each worker; 0 for all cores that the worker may use.
            model: Word for a model in the package, or another file, which workers get through the store of strips.
            provider: Execution provider of ONNX Runtime that runs the network on each worker; empty for OpenVINO.
        """
        self._client = client
        self._threads = threads
        self._model = model
        self._provider = provider
        self._lock = threading.Lock()
        self._measuring: set[Future[Any]] = set()
        self._stopped = False

    @property
    def workers(self) -> int:
        """Workers that are there now."""
        return len(self._client.scheduler_info(n_workers=-1)["workers"])

    def measure(self, image: str, gsd_m: float | None, scene: Scene, contract: ModelContract) -> BandStatistics:
        """Measure the statistics of a scene on one worker.

        Raises:
            SueloError: The image or a worker failed, or `stop` was called.
        """
        sent = _image(image, gsd_m, scene)
        with self._lock:
            if self._stopped:
                raise SueloError("The cluster is not asked any more.")
            future = self._client.submit(measure, sent, contract.normalisation, pure=False, priority=1)
            self._measuring.add(future)
        try:
            found: BandStatistics = _outcome(future)
        finally:
            with self._lock:
                self._measuring.discard(future)
        return found

    def stop(self) -> None:
        """End waiting for statistics, which may never come where there are no workers; nothing is measured any more."""
        with self._lock:
            self._stopped = True
            waiting = list(self._measuring)
        if waiting:
            self._client.cancel(waiting)

    def spread(self, run: Run, gsd_m: float | None = None) -> Spread:
        """Hand the strips of a scene, those left out that are finished already, to the workers.

        Args:
            run: The scene and its folder.
            gsd_m: What the run was given.

        Returns:
            The strips, as the workers finish them: a keeper for `run.finish`.
        """
        _, down, across = network_view(run.scene, run.model.contract)
        mark = fingerprint(run.model.sha256, run.statistics, down, across)
        store = StripStore(run.strips.address).open(mark)
        word = str(self._model or "fp32")
        if word not in SHIPPED:
            store.put(MODEL, Path(word).read_bytes())
        store.put(WANTED, b"yes")
        work = Work(
            image=_image(run.source, gsd_m, run.scene),
            statistics=run.statistics,
            model_sha256=run.model.sha256,
            model=word if word in SHIPPED else "",
            threads=self._threads,
            provider=self._provider,
            store=store.address,
            fingerprint=mark,
            version=version("suelo"),
        )
        count = len(down.starts)
        missing = [index for index in range(count) if index not in store.kept]
        futures = {index: self._client.submit(finish, work, index, pure=False) for index in missing}
        return Spread(store, mark, count, futures)


class Spread:
    """The strips of a scene that workers finish: a keeper that has them all, and waits for those that are not there.

    Attributes:
        kept: Numbers of all strips.
        futures: Those that are still to be loaded, and were not there when the scene was handed out.
    """

    def __init__(self, store: StripStore, fingerprint: str, count: int, futures: dict[int, Future[Any]]) -> None:
        """Use `Cluster.spread`."""
        self.kept = range(count)
        self._store = store
        self._fingerprint = fingerprint
        self.futures = futures

    def open(self, fingerprint: str) -> Keeper:
        """The strips, if they are those that the caller means."""
        assert fingerprint == self._fingerprint
        return self

    def load(self, index: int) -> KeptStrip:
        """A strip, when a worker has stored it.

        Raises:
            SueloError: No worker could finish it, or this machine does not see the store of the workers.
        """
        future = self.futures.pop(index, None)
        if future is not None:
            _outcome(future)
        return self._store.load(index)

    def abandon(self) -> None:
        """Remove all strips, and see to it that no worker puts one there afterwards.

        Workers do not begin with a strip any more, and one that is at work has a minute to end it.
        """
        from distributed import CancelledError, wait

        self._store.clear()
        if self.futures:
            futures = list(self.futures.values())
            with suppress(TimeoutError, CancelledError), futures[0].client.as_current():
                wait(futures, timeout=_SETTLE_S)
            self.futures.clear()
            self._store.clear()

    def save(self, index: int, strip: KeptStrip) -> None:
        """Not called: workers store strips themselves."""
        raise AssertionError(f"strip {index} was computed here: {strip.rows.shape}")


@contextmanager
def connected(
    scheduler: str = "", *, workers: int = 0, threads: int = 0, model: Path | None = None, provider: str = ""
) -> Iterator[Cluster]:
    """A cluster: one that runs already, or one of processes on this machine for as long as the block lasts.

    Args:
        scheduler: Address of a scheduler, as in `tcp://host:8786`; none for workers on this machine.
        workers: Processes on this machine.
        threads: Threads that run the network on each worker. By default a worker on this machine has its share of the
            cores, and one elsewhere all that it may use.
        model: As for `Cluster`.
        provider: As for `Cluster`.

    Raises:
        InputError: Dask is not installed, or no scheduler answers.
    """
    try:
        from dask.system import CPU_COUNT
        from distributed import Client, LocalCluster
    except ImportError:
        raise InputError(
            "Workers need Dask, which is not installed here; in Suelo's source folder: pip install '.[cluster]'."
        ) from None
    with ExitStack() as stack:
        if scheduler:
            try:
                client = stack.enter_context(Client(scheduler, timeout=CONNECT_S, set_as_default=False))
            except (OSError, ValueError) as error:
                raise InputError(
                    f"No Dask scheduler answers at {scheduler}; it needs to run, and to be reachable from here."
                ) from error
        else:
            threads = threads or max(1, CPU_COUNT // workers)
            # Nothing of a strip stays in a worker, so that there is nothing to spill when memory is short.
            local = LocalCluster(
                n_workers=workers,
                threads_per_worker=_SLOTS,
                processes=True,
                memory_limit=0,
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,  # what goes wrong with a strip comes back; Ctrl-C breaks connections
                preload=["suelo.cluster.local"],
            )
            client = stack.enter_context(Client(stack.enter_context(local), set_as_default=False))
        yield Cluster(client, threads, model, provider)


def _image(address: str, gsd_m: float | None, scene: Scene) -> Image:
    local = "://" not in address
    return Image(str(Path(address).absolute()) if local else address, gsd_m, scene.grid.shape)


def _outcome(future: Future[Any]) -> Any:  # noqa: ANN401
    """What a worker made of a task; its errors in Suelo's words."""
    from distributed import KilledWorker

    try:
        return future.result()
    except SueloError:
        raise
    except KilledWorker as error:
        raise SueloError(
            f"One strip ended {error.allowed_failures + 1} workers, the last at {error.last_worker.address}; look into "
            "their logs, and whether they have enough memory."
        ) from None
    except Exception as error:
        raise SueloError(f"A worker failed: {type(error).__name__}: {error}.") from error
