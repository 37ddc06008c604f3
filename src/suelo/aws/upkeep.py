"""The function of the schedule: takes up what dead workers left, announces lost jobs, removes what is old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suelo.aws.machine import job_service
from suelo.aws.telemetry import count, observed
from suelo.errors import InputError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

RECOVER, TIDY = "recover", "tidy"
"""What a schedule may ask for as `task`."""


def _handle(event: dict[str, Any], _context: LambdaContext) -> None:
    task = event.get("task")
    service = job_service()
    if task == RECOVER:
        service.recover()
        count("AnnouncedAgain", service.announce_lost())
    elif task == TIDY:
        service.tidy()
    else:
        raise InputError(f"The task of an event is {RECOVER!r} or {TIDY!r}; {task!r} is neither.")


handler = observed(_handle, "upkeep")
