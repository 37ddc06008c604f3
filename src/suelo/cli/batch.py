"""Several images on their way into folders of results; the workers of a cluster get the next ones early."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from suelo.segmentation.profile import Profile

if TYPE_CHECKING:
    from suelo.cluster.driver import Cluster, Spread
    from suelo.imagery.scene import Scene
    from suelo.imagery.statistics import BandStatistics
    from suelo.model.session import Model
    from suelo.segmentation.engine import ProgressCallback
    from suelo.segmentation.resumable import Run
    from suelo.segmentation.segment import Segmentation
    from suelo.segmentation.selection import Selection

_AHEAD = 2
"""Images that a cluster has in hand beyond the one whose files are made."""


class Finish(Protocol):
    """Makes the result of one image that has been begun."""

    def __call__(
        self, selection: Selection, formats: Sequence[str], progress: ProgressCallback
    ) -> tuple[Segmentation, Profile]:
        """The result, and where the time went.

        Raises:
            SueloError: The image cannot be used, or something broke.
        """
        ...


@dataclass(frozen=True)
class Batch:
    """How images become results.

    Attributes:
        model: The network.
        statistics: Normalise all images with these; each with its own by default.
        gsd_m: Metres per pixel where an image does not say.
        resume: Go on with what is there.
        store: Where the workers of a cluster put strips; beside the result by default.
        cluster: Who computes; this process by default.
    """

    model: Model
    statistics: BandStatistics | None
    gsd_m: float | None
    resume: bool
    store: str
    cluster: Cluster | None

    def begin(self, images: Iterable[str], folders: Iterable[Path]) -> Generator[Finish]:
        """Begin images one after the other, on a cluster some of them ahead.

        Yields:
            For each image what finishes it, and raises what went wrong.
        """
        pairs = zip(images, folders, strict=True)
        if self.cluster is None:
            for image, folder in pairs:
                yield partial(_finish, partial(self._begin, image, folder))
            return
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="suelo-begin")
        waiting: deque[Future[_Begun]] = deque()
        try:
            for image, folder in pairs:
                waiting.append(executor.submit(self._begin, image, folder))
                if len(waiting) > _AHEAD:
                    yield partial(_finish, waiting[0].result)
                    waiting.popleft()
            while waiting:
                yield partial(_finish, waiting[0].result)
                waiting.popleft()
        except BaseException:
            self.cluster.stop()  # the thread may wait for a worker that never comes
            raise
        finally:
            executor.shutdown(cancel_futures=True)
            for future in waiting:
                if not future.cancelled() and future.exception() is None:
                    future.result().run.close()

    def _begin(self, image: str, folder: Path) -> _Begun:
        from suelo.segmentation.resumable import Run

        profile = Profile()
        with profile.whole():
            run = Run(
                image,
                folder,
                self.model,
                statistics=self.statistics,
                gsd_m=self.gsd_m,
                resume=self.resume,
                store=self.store,
                measure=partial(self._measure, image) if self.cluster else None,
                profile=profile,
            )
            if self.cluster is None or run.predicted:
                return _Begun(run, profile)
            try:
                return _Begun(run, profile, self.cluster.spread(run, self.gsd_m))
            except BaseException:
                run.close()
                raise

    def _measure(self, image: str, scene: Scene) -> BandStatistics:
        assert self.cluster is not None
        return self.cluster.measure(image, self.gsd_m, scene, self.model.contract)


@dataclass(frozen=True)
class _Begun:
    run: Run
    profile: Profile
    spread: Spread | None = None


def _finish(
    begun: Callable[[], _Begun], selection: Selection, formats: Sequence[str], progress: ProgressCallback
) -> tuple[Segmentation, Profile]:
    image = begun()
    with image.run as run, image.profile.whole():
        result = run.complete(selection, formats)
        if result is None:
            spread = image.spread
            keeper, abandon = (spread.open, spread.abandon) if spread else (None, None)
            result = run.finish(selection, formats, keeper=keeper, abandon=abandon, progress=progress)
        return result, image.profile
