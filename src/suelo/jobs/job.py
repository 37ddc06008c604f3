"""The values that the job service hands out: jobs, uploads and options. No database, no files."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from suelo.errors import InputError
from suelo.imagery.georeference import MAX_GSD_M, MIN_GSD_M
from suelo.imagery.statistics import BandStatistics

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
UNFINISHED: tuple[Status, ...] = ("queued", "running")
"""States that a job leaves by itself."""


@dataclass(frozen=True)
class JobOptions:
    """What a job may be told besides its image.

    Attributes:
        gsd_m: Ground sampling distance in metres of an image without a CRS; None for the sensor's own.
        statistics: Band statistics to use in place of the image's own.
    """

    gsd_m: float | None = None
    statistics: BandStatistics | None = None

    def __post_init__(self) -> None:
        """Check the ground sampling distance.

        Raises:
            InputError: It is not a length between 1 cm and 100 m.
        """
        if self.gsd_m is not None and not MIN_GSD_M <= self.gsd_m <= MAX_GSD_M:
            raise InputError(
                f"A ground sampling distance is between {MIN_GSD_M:g} and {MAX_GSD_M:g} m; {self.gsd_m:g} is not."
            )

    def to_json(self) -> dict[str, object]:
        """The options as plain values, without those that were not given."""
        values: dict[str, object] = {}
        if self.gsd_m is not None:
            values["gsd_m"] = self.gsd_m
        if self.statistics is not None:
            values["statistics"] = self.statistics.to_json()
        return values

    @classmethod
    def from_json(cls, values: dict[str, object]) -> JobOptions:
        """Read options that `to_json` wrote or that came over HTTP.

        Raises:
            InputError: There is an unknown option or a value of the wrong kind.
        """
        unknown = set(values) - {"gsd_m", "statistics"}
        if unknown:
            raise InputError(f"There is no option {min(unknown)!r}; the options are gsd_m and statistics.")
        gsd, statistics = values.get("gsd_m"), values.get("statistics")
        if gsd is not None and (isinstance(gsd, bool) or not isinstance(gsd, int | float)):
            raise InputError(f"The option gsd_m is a number of metres; {gsd!r} is not.")
        if statistics is not None and not isinstance(statistics, dict):
            raise InputError("The option statistics is an object as result.json has it.")
        try:
            return cls(
                gsd_m=None if gsd is None else float(gsd),
                statistics=None if statistics is None else BandStatistics.from_json(statistics),
            )
        except OverflowError:
            raise InputError("The options have a number that is too large.") from None

    @property
    def key(self) -> str:
        """A short digest that is equal for equal options."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Upload:
    """Room for an image that is on its way.

    Attributes:
        id: Unguessable; it becomes the id of the job that is made of the upload.
        name: File name that the sender gave, made safe.
        size: Bytes that were announced, or None.
        received: Bytes that are stored; None until the image is whole.
        sha256: Digest of the image in hexadecimal; until the image is whole the one that was announced, or None.
        created_at: When room was made.
    """

    id: str
    name: str
    size: int | None
    received: int | None
    sha256: str | None
    created_at: datetime


@dataclass(frozen=True)
class Job:
    """A segmentation that is remembered.

    Attributes:
        id: Unguessable: 128 random bits, safe in addresses. Who knows it may look at the result.
        owner: Whose list it is in.
        shared: True for samples, which are in everybody's list.
        name: Name of the image without folder and suffix.
        status: queued, running, succeeded, failed or cancelled.
        progress: 0 to 1.
        stage: What is being done, in a word; empty when nothing is.
        message: Why it failed or was cancelled, in one sentence; empty otherwise.
        created_at: When it was asked for.
        started_at: When work on it (last) began, or None.
        finished_at: When it came to an end, or None.
        width: Columns of the image.
        height: Rows of the image.
        gsd_m: Ground sampling distance in metres.
        crs: CRS as `EPSG:…` or WKT; empty if the image has none.
        georeferenced: True if the image has a CRS.
        image_sha256: Digest of the image file.
        image_bytes: Size of the image file.
        model_name: Name and version of the model.
        model_sha256: Digest of the model file.
        model_thresholds: Default threshold per class in the order of `CLASSES`.
        statistics: Band statistics that normalised the image; None until they are measured.
        options: What it was told.
        cancel_requested: True if somebody asked to stop it.
    """

    id: str
    owner: str
    shared: bool
    name: str
    status: Status
    progress: float
    stage: str
    message: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    width: int
    height: int
    gsd_m: float
    crs: str
    georeferenced: bool
    image_sha256: str
    image_bytes: int
    model_name: str
    model_sha256: str
    model_thresholds: tuple[float, ...]
    statistics: BandStatistics | None
    options: JobOptions = field(default_factory=JobOptions)
    cancel_requested: bool = False

    @property
    def finished(self) -> bool:
        """True if its state will not change any more."""
        return self.status not in UNFINISHED


def new_id() -> str:
    """An unguessable name for a job or an upload: 128 random bits as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)
