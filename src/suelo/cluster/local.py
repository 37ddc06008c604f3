"""What Dask runs first in each worker process of a cluster on this machine."""

from __future__ import annotations

import signal
from typing import Any


def dask_setup(_worker: Any) -> None:  # noqa: ANN401
    """Leave Ctrl-C to the command that started the worker, and that ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
