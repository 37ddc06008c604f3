"""Where probabilities come from: image, model and statistics, by which a run knows what an earlier one left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from suelo.imagery.statistics import BandStatistics


@dataclass(frozen=True)
class Origin:
    """What decides the probabilities of a result.

    Attributes:
        image_sha256: Hash of the image's bytes, or None where they were read over the network.
        shape: Height and width of the image.
        crs: Its CRS in words, or None; it may lie beside the image, and change without it.
        transform: Six numbers from its pixels to coordinates.
        gsd_m: Its ground sampling distance in metres.
        model_sha256: Hash of the model's file.
        statistics: What normalised the image.
        measured: Whether the statistics are the image's own; False if they were given.
    """

    image_sha256: str | None
    shape: tuple[int, int]
    crs: str | None
    transform: tuple[float, ...]
    gsd_m: float
    model_sha256: str
    statistics: BandStatistics
    measured: bool

    def to_json(self) -> dict[str, Any]:
        """In the form of `result.json`."""
        return {
            "image": {
                "sha256": self.image_sha256,
                "height": self.shape[0],
                "width": self.shape[1],
                "gsd_m": self.gsd_m,
                "crs": self.crs,
                "transform": self.transform,
            },
            "model": {"sha256": self.model_sha256},
            "statistics": self.statistics.to_json(),
            "statistics_measured": self.measured,
        }

    @classmethod
    def from_json(cls, document: Any) -> Self:  # noqa: ANN401
        """Read what `to_json` gave, or `result.json`."""
        image = document["image"]
        return cls(
            image["sha256"],
            (image["height"], image["width"]),
            image["crs"],
            tuple(image["transform"]),
            image["gsd_m"],
            document["model"]["sha256"],
            BandStatistics.from_json(document["statistics"]),
            document["statistics_measured"],
        )
