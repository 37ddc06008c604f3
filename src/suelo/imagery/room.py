"""Full disks, told apart from all else that keeps a file from being written."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suelo.errors import FullDiskError

_LITTLE = 1 << 20
"""Bytes. With fewer free, a file that GDAL could not write was too large for the disk: it does not say why."""


@contextmanager
def noticing_full_disk(folder: Path) -> Iterator[None]:
    """Say that the disk of a folder is full, where that is why something fails.

    Args:
        folder: Where something is written.

    Raises:
        FullDiskError: It is full.
    """
    try:
        yield
    except OSError as error:
        if is_full(folder, error):
            raise FullDiskError(folder) from error
        raise


def lacks_room(error: Exception) -> bool:
    """Whether an error of the system says that a disk, or what a user may have of it, is full."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def is_full(folder: Path, error: Exception | None) -> bool:
    """Whether something failed because the disk of a folder is full.

    Args:
        folder: Where something was to be written; what was written there has not been removed yet.
        error: How it failed, if something was raised.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return lacks_room(error)
    if "No space left on device" in str(error):
        return True
    try:
        return shutil.disk_usage(folder).free < _LITTLE
    except OSError:
        return False
