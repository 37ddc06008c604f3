"""GDAL as this package uses it: opening one TIFF, and every error that it raises."""

from __future__ import annotations

from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

GDAL_ERRORS = (RasterioError, CPLE_BaseError)
"""What a call of rasterio may raise; some of its functions let GDAL's own errors through."""


def open_dataset(path: str, threads: str = "1") -> DatasetReader:
    """Open a TIFF, or one page of it, inside an environment.

    Args:
        path: Path for GDAL.
        threads: Threads that decode blocks.
    """
    # The driver is fixed, so that no file can make GDAL follow its references to other files. This class itself
    # rather than rasterio.open(), so that warnings of a missing georeference come from this package, which is silent
    # about them.
    return DatasetReader(path, driver="GTiff", NUM_THREADS=threads)
