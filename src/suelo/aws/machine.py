"""What a Lambda machine keeps between invocations: one job service with its model."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from suelo.jobs.service import JobService
from suelo.settings import Settings


@cache
def job_service() -> JobService:
    """The job service of this machine. Its background threads run only while it works on a scene."""
    settings = Settings()
    if _on_lambda():
        _sweep(settings.home.expanduser())
    return JobService(settings)


def warm_up() -> None:
    """Load the model while Lambda starts the machine, before the first event; nothing elsewhere.

    Raises:
        ModelError: It cannot be used.
    """
    if _on_lambda():
        _ = job_service().model


def _on_lambda() -> bool:
    return "AWS_LAMBDA_RUNTIME_API" in os.environ


def _sweep(home: Path) -> None:
    """Remove what a process that was killed left: Lambda starts the next on the same files, all of them ours."""
    for path in [home / "work", *(home / "cache").rglob(".*"), *Path(tempfile.gettempdir()).glob("suelo-*")]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
