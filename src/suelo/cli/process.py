"""What the long-running commands share: their log, and an orderly end when they are told to stop."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable


def write_log(level: str) -> None:
    """Write Suelo's messages from a level on, and other libraries' warnings, to standard error.

    Each line has the number of the request that it belongs to in brackets, or - outside of one.
    """
    from suelo.api.request_id import RequestIdFilter

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(RequestIdFilter())
    logging.getLogger("suelo").setLevel(level)


def on_stop(stop: Callable[[], None]) -> None:
    """Call a function when the process is told to end: by Ctrl-C, by a service manager, or by a container's host.

    Args:
        stop: What to do; it runs in the main thread, between two of its steps.
    """
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop())
