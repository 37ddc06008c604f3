"""How the eight bands lie in a TIFF: what its headers say, and the refusals that need no pixel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from suelo.errors import ImageError
from suelo.imagery.source import NEEDED, Source

BANDS = 8
MIN_SIZE = 16
_DTYPES = ("uint8", "uint16", "float16", "float32", "float64")
_PAGE = re.compile(r"Page \d+ \((\d+)P x (\d+)L x (\d+)B\)")

# The driver is fixed, so that no file can make GDAL follow references to others; overviews are never read, because
# those inside a file need not agree with its pixels.
OPEN_OPTIONS = {"driver": "GTiff", "OVERVIEW_LEVEL": "NONE", "NUM_THREADS": "ALL_CPUS"}

ENVIRONMENT: dict[str, str | int | bool] = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_CONNECTTIMEOUT": 10,
    "GDAL_HTTP_TIMEOUT": 60,
    "GDAL_HTTP_MAX_RETRY": 2,
    "GDAL_HTTP_RETRY_DELAY": 1,
}
"""GDAL configuration for reading over the network; see https://gdal.org/en/stable/user/configoptions.html."""


@dataclass(frozen=True)
class Layout:
    """What the headers of a usable TIFF say.

    Attributes:
        kind: `bands` of one image, `pages` of one band each, or `rows`: one page of (width, 8) samples per image row.
        height: Rows of the image.
        width: Columns of the image.
        dtype: NumPy name of the samples in the file.
        nodata: Declared nodata value, or None.
        masked: True if the file has a mask band or an alpha band.
        alpha: Index of the alpha band, 1 first, or None.
        transform: Affine transform of pixel corners; the identity where there is none.
        crs: Coordinate reference system, or None.
    """

    kind: Literal["bands", "pages", "rows"]
    height: int
    width: int
    dtype: str
    nodata: float | None
    masked: bool
    alpha: int | None
    transform: Affine
    crs: CRS | None


def open_dataset(path: str) -> DatasetReader:
    """Open a TIFF, or one page of it, with GDAL."""
    return DatasetReader(path, **OPEN_OPTIONS)


def inspect(source: Source) -> Layout:
    """Read the headers of a TIFF.

    Raises:
        ImageError: It cannot be opened, or is not an 8-band image of the contract.
    """
    try:
        with rasterio.Env(**ENVIRONMENT) if source.remote else rasterio.Env(), open_dataset(source.gdal_path) as image:
            layout = _layout(image)
            _require_whole(image, layout, source)
            return layout
    except RasterioError as error:
        if source.remote:
            message = (
                f"The address {source.label} does not answer with a TIFF; {NEEDED}, where this machine may read it."
            )
        else:
            message = "The TIFF is damaged or was cut short: its headers cannot be read; Suelo needs the whole file."
        raise ImageError(message) from error


def _layout(image: DatasetReader) -> Layout:
    pages = _pages(image)
    kind: Literal["bands", "pages", "rows"] = "bands"
    height, width = image.height, image.width
    alpha = _alpha(image)
    bands = image.count - (alpha is not None)
    if bands == 1 and len(pages) > 1:
        kind, height, width = _from_pages(pages)
    elif bands != BANDS:
        bad = f"{bands} band{'' if bands == 1 else 's'}{' and an alpha band' if alpha else ''}"
        raise ImageError(f"This image has {bad}; {NEEDED}.")
    elif sum(page == (image.width, image.height, image.count) for page in pages) > 1:
        raise ImageError(f"This file holds {len(pages)} images of 8 bands; Suelo needs one image per file.")
    dtype = _dtype(image)
    if dtype not in _DTYPES:
        raise ImageError(f"This image has {dtype} samples; Suelo needs {', '.join(_DTYPES[:-1])} or {_DTYPES[-1]}.")
    if height < MIN_SIZE or width < MIN_SIZE:
        raise ImageError(f"This image has {height} × {width} pixels; Suelo needs at least {MIN_SIZE} × {MIN_SIZE}.")
    masked = alpha is not None or MaskFlags.per_dataset in image.mask_flag_enums[0]
    crs, transform = _georeference(image) if kind != "rows" else (None, Affine.identity())
    return Layout(kind, height, width, dtype, image.nodata, masked, alpha, transform, crs)


def _pages(image: DatasetReader) -> list[tuple[int, int, int]]:
    """Width, height and bands of each page; overviews and masks are no pages."""
    described = image.tags(ns="SUBDATASETS")
    matches = (_PAGE.match(described[f"SUBDATASET_{n}_DESC"]) for n in range(1, len(described) // 2 + 1))
    return [(int(m[1]), int(m[2]), int(m[3])) for m in matches if m]


def _from_pages(pages: list[tuple[int, int, int]]) -> tuple[Literal["pages", "rows"], int, int]:
    count = len(pages)
    width, height, bands = pages[0]
    if len(set(pages)) > 1:
        other = next(page for page in pages if page != pages[0])
        raise ImageError(
            f"The {count} pages of this file differ: {height} × {width} pixels of {bands} bands and "
            f"{other[1]} × {other[0]} of {other[2]}; {NEEDED}."
        )
    if count == BANDS:
        return "pages", height, width
    if width == BANDS:
        return "rows", count, height
    raise ImageError(f"This file has {count} pages of 1 band; {NEEDED}, as 8 bands or 8 pages.")


def _alpha(image: DatasetReader) -> int | None:
    """The alpha band: the last of several. A band flagged as alpha between others is a writer's mistake."""
    return image.count if image.count > 1 and image.colorinterp[-1] is ColorInterp.alpha else None


def _dtype(image: DatasetReader) -> str:
    dtypes = set(image.dtypes)
    if len(dtypes) > 1:
        return " and ".join(sorted(dtypes))
    dtype = str(dtypes.pop())
    # GDAL 3.10 gives half-precision floats as float32 and tells so in the metadata.
    half = dtype == "float32" and image.tags(1, ns="IMAGE_STRUCTURE").get("NBITS") == "16"
    return "float16" if half else dtype


def _georeference(image: DatasetReader) -> tuple[CRS | None, Affine]:
    """CRS and transform where both say something; otherwise neither."""
    transform = image.transform
    if image.crs is None or transform.is_identity or transform.determinant == 0:
        return None, Affine.identity()
    return image.crs, transform


def _require_whole(image: DatasetReader, layout: Layout, source: Source) -> None:
    """Refuse a file that ends before its last block does: what is left of an upload or copy that was cut off."""
    if source.size is None:
        return
    for band in range(1, image.count + 1):
        block_height, block_width = image.block_shapes[band - 1]
        last = -(-image.height // block_height) - 1
        for column in range(-(-image.width // block_width)):
            offset = image.get_tag_item(f"BLOCK_OFFSET_{column}_{last}", "TIFF", bidx=band)
            size = image.get_tag_item(f"BLOCK_SIZE_{column}_{last}", "TIFF", bidx=band)
            if offset and size and int(offset) + int(size) > source.size:
                raise ImageError("The TIFF was cut short: its last rows are missing; Suelo needs the whole file.")
        if layout.kind == "rows" or str(image.interleaving) == "pixel":
            break
