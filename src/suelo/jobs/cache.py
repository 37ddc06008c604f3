"""A folder of files that can be made again, bounded in size; the ones used longest ago go first."""

from __future__ import annotations

import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from suelo.imagery.room import noticing_full_disk

_HALF_MADE_SECONDS = 24 * 3600


class FileCache:
    """Files by name. Several threads may ask at once: each file is made by one of them, and never seen half-made."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Use a folder; files that are in it already are kept.

        Args:
            folder: Where the files are.
            max_bytes: When they are larger together, old ones are removed; the newest always stays.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._making: dict[str, tuple[threading.Lock, int]] = {}

    def get(self, name: str, make: Callable[[Path], None]) -> Path:
        """The file with a name, made if it is not there.

        Args:
            name: Relative path with forward slashes.
            make: Writes the file to the path it is given, which has the suffix of `name`.

        Raises:
            FullDiskError: The disk has no room for it.
        """
        path = self._folder / name
        if _use(path):
            return path
        with self._turn(name):
            if _use(path):
                return path
            unfinished = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
            try:
                with noticing_full_disk(self._folder):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    make(unfinished)
                    unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
            self._shrink(path)
        return path

    def drop(self, name: str) -> None:
        """Remove a file, or all files in a folder."""
        path = self._folder / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def folders(self, name: str) -> list[str]:
        """Names of the folders in a folder."""
        try:
            with os.scandir(self._folder / name) as entries:
                return [entry.name for entry in entries if entry.is_dir()]
        except FileNotFoundError:
            return []

    @contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        with self._lock:
            lock, users = self._making.get(name, (threading.Lock(), 0))
            self._making[name] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, users = self._making[name]
                if users == 1:
                    del self._making[name]
                else:
                    self._making[name] = lock, users - 1

    def sweep(self) -> None:
        """Remove what a process that died left half-made."""
        limit = time.time() - _HALF_MADE_SECONDS
        for folder, names, files in os.walk(self._folder):
            for name in (*names, *files):
                path = Path(folder, name)
                with suppress(OSError):
                    if name.startswith(".") and path.stat().st_mtime < limit:
                        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _shrink(self, newest: Path) -> None:
        found = []
        # os.walk goes on where a folder vanishes under its feet.
        for folder, names, files in os.walk(self._folder):
            names[:] = [name for name in names if not name.startswith(".")]
            for name in files:
                with suppress(OSError):
                    if not name.startswith("."):
                        status = Path(folder, name).stat()
                        found.append((status.st_mtime_ns, status.st_size, Path(folder, name)))
        excess = sum(size for _, size, _ in found) - self._max_bytes
        for _, size, path in sorted(found):
            if excess <= 0:
                break
            if path != newest:
                path.unlink(missing_ok=True)
                excess -= size


def _use(path: Path) -> bool:
    """Note that a file was used now; False if it is not there."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True
