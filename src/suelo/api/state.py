"""The job service behind the app that answers the current request."""

from __future__ import annotations

from typing import cast

from flask import current_app

from suelo.jobs.service import JobService


def service() -> JobService:
    """The job service of the current app."""
    return cast(JobService, current_app.extensions["suelo"])
