"""Folders that records and objects are kept in."""

from __future__ import annotations

import os
from pathlib import Path

from suelo.errors import InputError


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, if it is not there.

    Raises:
        InputError: It cannot be made, or not written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
    else:
        if os.access(path, os.W_OK | os.X_OK):
            return
        reason = "Permission denied"
    raise InputError(
        f"Results cannot be kept in {path} ({reason}); SUELO_HOME, SUELO_STORE or SUELO_DATABASE needs a folder that "
        "Suelo may write to."
    )
