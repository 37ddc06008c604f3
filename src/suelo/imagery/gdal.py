"""GDAL as this package uses it: opening one TIFF, and every error that it raises."""

from __future__ import annotations

import os
from functools import cache

from rasterio._env import get_gdal_config, set_gdal_config
from rasterio._err import CPLE_BaseError
from rasterio.enums import Interleaving
from rasterio.env import getenv, hasenv
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

GDAL_ERRORS = (RasterioError, CPLE_BaseError)
"""What a call of rasterio may raise; some of its functions let GDAL's own errors through."""


CACHE_BYTES = 128 << 20
"""Decoded blocks that GDAL keeps; more for scenes whose rows of tiles are larger, up to `LARGEST_CACHE_BYTES`."""

LARGEST_CACHE_BYTES = 512 << 20


def bound_cache(needed: int = 0) -> None:
    """Keep GDAL's memory for decoded blocks small, unless the user has chosen a size.

    By itself GDAL takes a twentieth of the machine's memory. The user chooses by the variable GDAL_CACHEMAX, or by a
    `rasterio.Env(GDAL_CACHEMAX=...)` around calls of Suelo.

    Args:
        needed: Bytes of a row of blocks: with less memory, each would be decoded again for every few rows.
    """
    if "GDAL_CACHEMAX" in os.environ or (hasenv() and "GDAL_CACHEMAX" in getenv()):
        return
    _bound_once()
    wanted = min(needed * 3 // 2, LARGEST_CACHE_BYTES)
    if wanted > int(get_gdal_config("GDAL_CACHEMAX")):
        set_gdal_config("GDAL_CACHEMAX", wanted)


@cache
def _bound_once() -> None:
    if int(get_gdal_config("GDAL_CACHEMAX")) > CACHE_BYTES:
        set_gdal_config("GDAL_CACHEMAX", CACHE_BYTES)


def open_dataset(path: str) -> DatasetReader:
    """Open a TIFF, or one page of it, inside an environment."""
    bound_cache()
    # The driver is fixed, so that no file can make GDAL follow its references to other files. GDAL decodes in this
    # thread alone: its own threads hide errors of the network and give zeros. And this class itself rather than
    # rasterio.open(), so that warnings of a missing georeference come from this package, which is silent about them.
    return DatasetReader(path, driver="GTiff")


def is_whole(image: DatasetReader, size: int, *, written: bool = False) -> bool:
    """Whether the blocks of a TIFF end within its file.

    Args:
        image: The open file.
        size: Bytes of the file.
        written: Look at all blocks, none of which may be missing, rather than at the last row of them.
    """
    block_height, block_width = image.block_shapes[0]
    rows, columns = -(-image.height // block_height), -(-image.width // block_width)
    planes = 1 if image.interleaving is Interleaving.pixel else image.count
    for band in range(1, planes + 1):
        for row in range(0 if written else rows - 1, rows):
            for column in range(columns):
                start, length = (
                    int(image.get_tag_item(f"BLOCK_{item}_{column}_{row}", "TIFF", bidx=band) or 0)
                    for item in ("OFFSET", "SIZE")
                )
                if start + length > size or (written and not length):
                    return False
    return True
