"""How the eight bands lie in a TIFF: what its headers say, and the refusals that need no pixel."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader

from suelo.errors import ImageError
from suelo.imagery.directories import chain_is_cut
from suelo.imagery.gdal import GDAL_ERRORS, is_whole, open_dataset
from suelo.imagery.georeference import georeference
from suelo.imagery.network import environment, reason
from suelo.imagery.source import NEEDED, Source

BANDS = 8
MIN_SIZE = 16
_DTYPES = ("uint8", "uint16", "float16", "float32", "float64")
_PAGE = re.compile(r"Page \d+ \((\d+)P x (\d+)L x (\d+)B\)")
_CUT_SHORT = "The TIFF was cut short: its end is missing; Suelo needs the whole file."

Kind = Literal["bands", "pages", "rows"]


@dataclass(frozen=True)
class RowPages:
    """Where the pages of rows lie in the file.

    Attributes:
        numbers: Number of each page in the file.
        offsets: Byte at which the directory of each page starts.
        start: Byte at which the samples start if those of all pages follow one another as they are, else None.
        byteorder: `<` or `>`.
        compression: Code of the compression of the samples.
    """

    numbers: tuple[int, ...]
    offsets: tuple[int, ...]
    start: int | None
    byteorder: Literal["<", ">"]
    compression: int


@dataclass(frozen=True)
class Layout:
    """What the headers of a usable TIFF say.

    Attributes:
        kind: `bands` of one image, `pages` of one band each, or `rows`: one page of (width, 8) samples per image row.
        height: Rows of the image.
        width: Columns of the image.
        dtype: NumPy name of the samples in the file.
        nodata: Declared nodata value, or None.
        masked: True if the file has a mask band.
        alpha: Number of the alpha band, or None.
        transform: Affine transform of pixel corners; the identity where there is none.
        crs: Coordinate reference system, or None.
        pages: Numbers of the pages in the file, if `kind` is not `bands`.
        row_pages: Where the pages are if `kind` is `rows`.
    """

    kind: Kind
    height: int
    width: int
    dtype: str
    nodata: float | None
    masked: bool
    alpha: int | None
    transform: Affine
    crs: CRS | None
    pages: tuple[int, ...]
    row_pages: RowPages | None = None


def inspect(source: Source) -> tuple[Layout, DatasetReader]:
    """Read the headers of a TIFF.

    Returns:
        What they say, and the file, which stays open.

    Raises:
        ImageError: It cannot be opened, or is not an 8-band image of the contract.
    """
    try:
        with environment(source), ExitStack() as stack:
            image = stack.enter_context(open_dataset(source.gdal_path))
            pages = _pages(image)
            kind, height, width = _kind(image, pages, source)
            dtype = _dtype(image)
            if height < MIN_SIZE or width < MIN_SIZE:
                raise ImageError(
                    f"This image has {width} × {height} pixels; Suelo needs at least {MIN_SIZE} × {MIN_SIZE}."
                )
            _require_whole(image, source)
            if kind == "pages":
                _look_at_pages(source, tuple(pages), dtype)
            crs, transform = georeference(image) if kind != "rows" else (None, Affine.identity())
            layout = Layout(
                kind,
                height,
                width,
                dtype,
                image.nodata,
                MaskFlags.per_dataset in image.mask_flag_enums[0] and MaskFlags.alpha not in image.mask_flag_enums[0],
                _alpha(image),
                transform,
                crs,
                tuple(pages),
                _row_pages(source, tuple(pages)) if kind == "rows" and not source.remote else None,
            )
            stack.pop_all()
            return layout, image
    except GDAL_ERRORS as error:
        said = str(error.__cause__ or error)
        raise ImageError(reason(source, said) if source.remote else _reason(said)) from error


def _kind(image: DatasetReader, pages: dict[int, tuple[int, int, int]], source: Source) -> tuple[Kind, int, int]:
    """Where the bands are, height and width."""
    alpha = _alpha(image)
    bands = image.count - (alpha is not None)
    if bands == 1 and source.size is not None:
        with source.open() as file:
            if chain_is_cut(file, source.size):
                raise ImageError(_CUT_SHORT)
    if bands == 1 and len(pages) > 1:
        return _kind_of_pages(list(pages.values()))
    if bands != BANDS:
        raise ImageError(f"This image has {_bands(bands)}{' and an alpha band' if alpha else ''}; {NEEDED}.")
    images = sum(page == (image.width, image.height, image.count) for page in pages.values())
    if images > 1:
        raise ImageError(f"This file holds {images} images of 8 bands; Suelo needs one image per file.")
    return "bands", image.height, image.width


def _pages(image: DatasetReader) -> dict[int, tuple[int, int, int]]:
    """Width, height and bands of each page by its number in the file; overviews and masks are no pages."""
    described = image.tags(ns="SUBDATASETS")
    pages = {}
    for key, name in described.items():
        if key.endswith("_NAME") and (match := _PAGE.match(described.get(key.replace("_NAME", "_DESC"), ""))):
            pages[int(name.split(":")[1])] = int(match[1]), int(match[2]), int(match[3])
    return pages


def _kind_of_pages(pages: list[tuple[int, int, int]]) -> tuple[Kind, int, int]:
    count = len(pages)
    width, height, bands = pages[0]
    if len(set(pages)) > 1:
        other = next(page for page in pages if page != pages[0])
        raise ImageError(
            f"The {count} pages of this file differ: one has {width} × {height} pixels and {_bands(bands)}, another "
            f"{other[0]} × {other[1]} and {_bands(other[2])}; {NEEDED}, as 8 bands or 8 equal pages."
        )
    if count == BANDS:
        return "pages", height, width
    if width == BANDS:
        return "rows", count, height
    raise ImageError(f"This file has {count} pages of 1 band; {NEEDED}, as 8 bands or 8 pages.")


def _bands(count: int) -> str:
    return f"{count} band{'' if count == 1 else 's'}"


def _alpha(image: DatasetReader) -> int | None:
    """The alpha band: the last of several. A band flagged as alpha between others is a writer's mistake."""
    return image.count if image.count > 1 and image.colorinterp[-1] is ColorInterp.alpha else None


def _dtype(image: DatasetReader) -> str:
    dtype = str(image.dtypes[0])
    # GDAL before 3.11 gives half-precision floats as float32 and tells so in the metadata.
    if dtype == "float32" and image.tags(1, ns="IMAGE_STRUCTURE").get("NBITS") == "16":
        return "float16"
    if dtype not in _DTYPES:
        raise ImageError(f"This image has {dtype} samples; Suelo needs {', '.join(_DTYPES[:-1])} or {_DTYPES[-1]}.")
    return dtype


def _look_at_pages(source: Source, numbers: tuple[int, ...], dtype: str) -> None:
    """Make sure that pages of one size are alike and whole."""
    for number in numbers:
        with open_dataset(f"GTIFF_DIR:{number}:{source.gdal_path}") as page:
            if (other := _dtype(page)) != dtype:
                raise ImageError(f"The pages of this file differ: {dtype} and {other} samples; {NEEDED}.")
            _require_whole(page, source)


def _require_whole(image: DatasetReader, source: Source) -> None:
    """Refuse a file that ends before its last blocks do: what is left of an upload or copy that was cut off."""
    if source.size is not None and not is_whole(image, source.size):
        raise ImageError(_CUT_SHORT)


def _row_pages(source: Source, numbers: tuple[int, ...]) -> RowPages:
    import tifffile

    with open_dataset(f"GTIFF_DIR:{numbers[-1]}:{source.gdal_path}") as page:
        _require_whole(page, source)
    with source.open() as stream, tifffile.TiffFile(stream) as file:
        offsets = tuple(file.pages[number - 1].offset for number in numbers)
        compression = int(file.pages[0].compression)
        return RowPages(numbers, offsets, file.series[0].dataoffset, file.byteorder, compression)


def _reason(said: str) -> str:
    """One sentence for what GDAL said when it opened a local file."""
    if "missing codec" in said or "Unsupported compression" in said:
        return "The TIFF is compressed in a way that this machine cannot read; Suelo needs DEFLATE, LZW, ZSTD or none."
    return "The TIFF is damaged or was cut short: its headers cannot be read; Suelo needs the whole file."
