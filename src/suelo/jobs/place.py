"""Where a job stands in lists, as text that leads from one page of a list to the next."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from suelo.jobs.job import Job

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_PLACE = re.compile(r"(?P<microseconds>[0-9]{1,17})-(?P<id>[0-9a-f]{32})")


@dataclass(frozen=True)
class Place:
    """Where a job stands in lists, whether or not it is still there.

    Attributes:
        created_at: When it was asked for.
        id: The job.
    """

    created_at: datetime
    id: str

    @classmethod
    def of(cls, job: Job) -> Self:
        """The place of a job."""
        return cls(job.created_at, job.id)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what `str` wrote; None if it is something else."""
        found = _PLACE.fullmatch(text)
        if found is None:
            return None
        return cls(_EPOCH + int(found["microseconds"]) * _MICROSECOND, found["id"])

    def __str__(self) -> str:
        """The place as it can stand in an address."""
        return f"{(self.created_at - _EPOCH) // _MICROSECOND}-{self.id}"
