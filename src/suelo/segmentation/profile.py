"""Where the time of a segmentation goes: seconds per stage, and megapixels per second against the network's own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

Stage = Literal["statistics", "read", "normalise", "network", "blend", "write", "polygons", "files"]
"""Pieces of work: the percentiles of a scene; decoding (and resampling) its pixels; stretching them; running the
network; fading tiles into each other; the probability raster; polygons and their files; all other files."""

STAGES: tuple[Stage, ...] = get_args(Stage)


class Profile:
    """Seconds per stage of one or more segmentations, filled while they run; any number of threads may add to it.

    The seconds of a stage are those during which it was going on in at least one thread. Stages run at the same time,
    so together they may take longer than the whole.

    Attributes:
        pixels: Pixels of the scenes.
        network_pixels: Pixels that the network worked on: tiles with their halos and padding, without those tiles that
            have no data.
        strips: Strips that the scenes were cut into.
        kept_strips: Those of them that were there already, made by workers or by an earlier run.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.pixels = 0
        self.network_pixels = 0
        self.strips = 0
        self.kept_strips = 0
        self._lock = threading.Lock()
        self._spans = {name: _Span() for name in (*STAGES, "prediction", "whole")}

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Time a piece of work."""
        with self._timed(name):
            yield

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Time everything: what is done for the result of a scene, from outside. Such blocks may be nested."""
        with self._timed("whole"):
            yield

    @contextmanager
    def prediction(self, pixels: int) -> Iterator[None]:
        """Time the way of a scene from its file to its probability raster.

        Args:
            pixels: Pixels of the scene.
        """
        with self._timed("prediction"), self._timed("whole"):
            yield
        with self._lock:
            self.pixels += pixels

    def add_network_pixels(self, pixels: int) -> None:
        """Count pixels that the network has worked on."""
        with self._lock:
            self.network_pixels += pixels

    def add_strips(self, strips: int, kept: int) -> None:
        """Count strips of a scene, and those of them that were there already."""
        with self._lock:
            self.strips += strips
            self.kept_strips += kept

    def seconds(self, name: Stage) -> float:
        """Seconds during which a stage was going on."""
        return self._spans[name].seconds

    @property
    def wall_s(self) -> float:
        """Seconds in all."""
        return self._spans["whole"].seconds

    @property
    def prediction_s(self) -> float:
        """Seconds from the file of the scene to its probability raster, statistics left out."""
        return self._spans["prediction"].seconds

    @property
    def mpix_per_s(self) -> float:
        """Megapixels of scene per second from its file to its probability raster; 0 where not all was done here."""
        return 0.0 if self.kept_strips else _ratio(self.pixels / 1e6, self.prediction_s)

    @property
    def network_mpix_per_s(self) -> float:
        """Megapixels of tiles per second while the network ran, halos counted; 0 before it has run."""
        return _ratio(self.network_pixels / 1e6, self.seconds("network"))

    @property
    def network_share(self) -> float:
        """Speed of the whole way as a share of the network's own in the same run.

        What is missing to 1 is halo, and work that the network had to wait for; skipped tiles can bring it above 1.
        """
        return _ratio(self.mpix_per_s, self.network_mpix_per_s)

    def to_dict(self) -> dict[str, Any]:
        """All figures, ready for JSON; None for speeds that cannot be told of work that was done elsewhere."""
        return {
            "seconds": {name: round(self.seconds(name), 4) for name in STAGES},
            "wall_s": round(self.wall_s, 4),
            "prediction_s": round(self.prediction_s, 4),
            "megapixels": self.pixels / 1e6,
            "network_megapixels": self.network_pixels / 1e6,
            "strips": self.strips,
            "kept_strips": self.kept_strips,
            "mpix_per_s": round(self.mpix_per_s, 4) or None,
            "network_mpix_per_s": round(self.network_mpix_per_s, 4) or None,
            "network_share": round(self.network_share, 4) or None,
        }

    def table(self) -> str:
        """All figures as lines of text: stages, their seconds, and their share of the whole time."""
        lines = [f"{'stage':<12}{'seconds':>9}{'of all':>8}"]
        lines += [
            f"{name:<12}{self.seconds(name):>9.2f}{_ratio(self.seconds(name), self.wall_s):>8.0%}" for name in STAGES
        ]
        lines.append(f"{'all':<12}{self.wall_s:>9.2f}   stages overlap")
        lines.append(self._verdict())
        return "\n".join(lines)

    def _verdict(self) -> str:
        if not self.pixels:
            return "The probabilities were there already."
        size = f"{self.pixels / 1e6:.2f} MPix"
        if self.kept_strips:
            return (
                f"{size}; {self.kept_strips} of {self.strips} strips were made by workers or by an earlier run, "
                "so their speed is not known here"
            )
        if not self.network_pixels:
            return f"{size} at {self.mpix_per_s:.3f} MPix/s; there was nothing for the network to do"
        return (
            f"{size} at {self.mpix_per_s:.3f} MPix/s: {self.network_share:.0%} of the network's "
            f"{self.network_mpix_per_s:.3f} MPix/s on {self.network_pixels / 1e6:.2f} MPix of tiles"
        )

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        span = self._spans[name]
        with self._lock:
            span.enter()
        try:
            yield
        finally:
            with self._lock:
                span.leave()


class _Span:
    """Time during which at least one thread is inside."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._inside = 0
        self._since = 0.0

    def enter(self) -> None:
        if self._inside == 0:
            self._since = time.perf_counter()
        self._inside += 1

    def leave(self) -> None:
        self._inside -= 1
        if self._inside == 0:
            self.seconds += time.perf_counter() - self._since


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
