"""Raster files that stay open for a while: opening one and reading its blocks again costs more than a tile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import rasterio

from suelo.imagery.gdal import bound_cache

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


class OpenRasters:
    """Open files that wait for their next use. Each is used by one thread at a time, as GDAL asks for."""

    def __init__(self, size: int) -> None:
        """Keep up to `size` files open while nobody uses them; the ones used longest ago are closed first.

        Files that are removed are closed with the next use of any: as long as they are open, they take their room on
        the disk.
        """
        self._size = size
        self._idle: list[tuple[str, DatasetReader]] = []
        self._lock = threading.Lock()

    @contextmanager
    def use(self, path: str) -> Iterator[DatasetReader]:
        """A raster file, to be read from in the `with` block only."""
        bound_cache()
        dataset = self._take(path) or rasterio.open(path)
        try:
            yield dataset
        except BaseException:
            dataset.close()
            raise
        with self._lock:
            self._idle.append((path, dataset))
            surplus = self._idle[: -self._size]
            del self._idle[: -self._size]
            there = [Path(path).exists() for path, _ in self._idle]
            surplus += [old for old, kept in zip(self._idle, there, strict=True) if not kept]
            self._idle = [old for old, kept in zip(self._idle, there, strict=True) if kept]
        for _, old in surplus:
            old.close()

    def close(self, folder: str = "") -> None:
        """Close the files that wait, all of them or those whose path contains a folder."""
        with self._lock:
            closing = [dataset for path, dataset in self._idle if folder in path]
            self._idle = [(path, dataset) for path, dataset in self._idle if folder not in path]
        for dataset in closing:
            dataset.close()

    def _take(self, path: str) -> DatasetReader | None:
        with self._lock:
            for index in range(len(self._idle) - 1, -1, -1):
                if self._idle[index][0] == path:
                    return self._idle.pop(index)[1]
        return None
