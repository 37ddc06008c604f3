"""Waiting for a database or an object store that is away for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import OperationalError

from suelo.errors import UnavailableError

_log = logging.getLogger(__name__)

AWAY = (OperationalError, UnavailableError)
"""What is raised while the database or the object store cannot be reached."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 8.0
_STEP_S = 0.25

T = TypeVar("T")


def patiently(work: Callable[[], T], seconds: float, give_up: Callable[[], bool]) -> T:
    """Do something that needs the database or the store, again and again while they are away.

    Args:
        work: What to do; it may be done several times.
        seconds: How long to go on after the first failure; 0 for a single try.
        give_up: Asked while waiting; True ends it.

    Raises:
        OperationalError: The database was away for too long.
        UnavailableError: The object store was.
    """
    end, pause = time.monotonic() + seconds, _FIRST_PAUSE_S
    while True:
        try:
            return work()
        except AWAY as error:
            if time.monotonic() >= end or give_up():
                raise
            _log.warning("Trying again: %s", str(error).partition("\n")[0])
        until = min(end, time.monotonic() + pause)
        while time.monotonic() < until and not give_up():
            time.sleep(_STEP_S)
        pause = min(2 * pause, _LONGEST_PAUSE_S)
