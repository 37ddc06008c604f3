"""What a Lambda machine keeps between invocations: one job service with its model."""

from __future__ import annotations

import os
from functools import cache

from suelo.jobs.service import JobService
from suelo.settings import Settings


@cache
def job_service() -> JobService:
    """The job service of this machine. Its background threads run only while it works on a scene."""
    return JobService(Settings())


def warm_up() -> None:
    """Load the model while Lambda starts the machine, before the first event; nothing elsewhere.

    Raises:
        ModelError: It cannot be used.
    """
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        _ = job_service().model
