"""One process at a time makes a result in a folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from suelo.errors import InputError

try:
    import fcntl
except ModuleNotFoundError:  # Windows has none
    fcntl = None  # type: ignore[assignment]


class Claim:
    """A lock on a folder; the system takes it back when the process ends, however it does."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is not claimed yet."""
        self._folder = folder
        self._descriptor: int | None = None

    def take(self) -> None:
        """Claim the folder, unless it is claimed already or not there.

        Raises:
            InputError: Another process has it.
        """
        if fcntl is None or self._descriptor is not None or not self._folder.is_dir():
            return
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise InputError(
                f"Another process is making a result in {self._folder}; wait for it, or choose another folder."
            ) from None
        except OSError:  # some network file systems know no locks
            os.close(descriptor)
            return
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the folder back."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)
