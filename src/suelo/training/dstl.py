"""A folder in the layout of Kaggle's "Dstl Satellite Imagery Feature Detection": images, labels, grid sizes."""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from suelo.errors import InputError
from suelo.landcover import CLASS_COUNT
from suelo.segmentation.selection import FULL_SCALE
from suelo.training.rasters import read_raster

if TYPE_CHECKING:
    from shapely import Geometry, MultiPolygon

ImageKind = Literal["M", "A"]
"""M: eight bands of visible and near infrared, 1.24 m. A: eight bands of short-wave infrared, 7.5 m."""

LABELS, GRID_SIZES = "train_wkt_v4.csv", "grid_sizes.csv"

_LONGEST_FIELD = 2**31 - 1

_OVERSAMPLING = 5
"""Per axis: coverage is known to 1/25, ten of the 250 steps."""

_SAME_GROUND = {"6140_1_2": "6110_1_2", "6140_3_1": "6110_3_1"}
"""Images of ground that another image shows at another date."""

_SHARED_REGIONS = {"6140": "6110"}


def place_of(image_id: str) -> str:
    """The ground that an image shows: the same for two images of the same ground."""
    return _SAME_GROUND.get(image_id, image_id)


def region_of(image_id: str) -> str:
    """The square that an image is a part of: its first four digits; squares that share ground are one region."""
    square = image_id.split("_", maxsplit=1)[0]
    return _SHARED_REGIONS.get(square, square)


@dataclass(frozen=True)
class GridSize:
    """Extent of an image in the coordinates of the labels.

    Attributes:
        x_max: Right edge; the left one is 0.
        y_min: Bottom edge, negative; the top one is 0.
    """

    x_max: float
    y_min: float

    def scale(self, height: int, width: int) -> tuple[float, float]:
        """Factors from label coordinates to pixels (x, y) of an image of that size.

        W · W / (W + 1) / Xmax and H · H / (H + 1) / Ymin, as the competition's data page prescribes.
        """
        return width * width / (width + 1) / self.x_max, height * height / (height + 1) / self.y_min


class DstlFolder:
    """Labelled images in a folder of Kaggle's layout.

    `sixteen_band/{id}_M.tif` and `{id}_A.tif`, `train_wkt_v4.csv` and `grid_sizes.csv`, the tables plain or zipped.
    Two things that Kaggle does not have are used where they are there: `reliable/{id}.tif`, 1 where the M image
    can be trusted, and `registration_A.csv`, the shift from label positions to SWIR pixels.
    """

    def __init__(self, root: Path) -> None:
        """Read the two tables.

        Args:
            root: The folder.

        Raises:
            InputError: A table is missing or is not what Kaggle ships.
        """
        self.root = Path(root)
        if not self.root.is_dir():
            raise InputError(f"There is no folder {self.root}; a folder in Kaggle's DSTL layout is needed.")
        self._sizes = _read_grid_sizes(self.root)
        self._wkt = _read_labels(self.root)
        self._shifts = _read_registration(self.root)
        self.labelled = tuple(sorted(self._wkt))

    def scenes(self, kind: ImageKind = "M") -> tuple[str, ...]:
        """Ids of the images that have labels, a grid size and a file of that kind, sorted."""
        return tuple(name for name in self.labelled if name in self._sizes and self.image_path(name, kind))

    def image_path(self, image_id: str, kind: ImageKind = "M") -> Path | None:
        """The file of an image, or None."""
        path = self.root / "sixteen_band" / f"{image_id}_{kind}.tif"
        return path if path.is_file() else None

    def grid_size(self, image_id: str) -> GridSize | None:
        """Extent of an image in label coordinates, or None."""
        return self._sizes.get(image_id)

    def registration(self, image_id: str) -> tuple[float, float]:
        """Where labels lie in the A image: shift (x, y) in its pixels to add to label positions."""
        return self._shifts.get(image_id, (0.0, 0.0))

    def is_registered(self, image_id: str) -> bool:
        """Whether the folder says where labels lie in the A image."""
        return image_id in self._shifts

    def reliable(self, image_id: str, height: int, width: int) -> NDArray[np.bool_] | None:
        """Where the M image can be trusted, bool (H, W); None where nothing says otherwise.

        Args:
            image_id: Id of the image.
            height: Height of the image in pixels.
            width: Width of the image in pixels.

        Raises:
            InputError: The mask cannot be read or has another size than the image.
        """
        path = self.root / "reliable" / f"{image_id}.tif"
        if not path.is_file():
            return None
        mask: NDArray[np.bool_] = read_raster(path)[0] > 0
        if mask.shape != (height, width):
            raise InputError(
                f"The mask of image {image_id} has {mask.shape[1]} × {mask.shape[0]} pixels, the image "
                f"{width} × {height}; they need the same size."
            )
        return mask

    def polygons(
        self, image_id: str, height: int, width: int, shift: tuple[float, float] = (0.0, 0.0)
    ) -> tuple[MultiPolygon, ...]:
        """The labels, one valid multipolygon per class (empty where it does not occur).

        Args:
            image_id: Id of the image.
            height: Height of the image in pixels.
            width: Width of the image in pixels.
            shift: Pixels (x, y) to add.

        Returns:
            Ten, in pixel coordinates: x to the right, y down, from the outer corner of the first pixel.

        Raises:
            InputError: The label file has no such image or no grid size, or a geometry cannot be read.
        """
        import shapely
        from shapely.affinity import affine_transform

        size = self._sizes.get(image_id)
        if size is None or image_id not in self._wkt:
            missing = "labels" if image_id not in self._wkt else "grid size"
            raise InputError(f"{self.root} has no {missing} of image {image_id}.")
        across, down = size.scale(height, width)
        found = []
        for number, text in enumerate(self._wkt[image_id], 1):
            try:
                labels = shapely.from_wkt(text)
            except shapely.errors.GEOSException as error:
                raise InputError(f"Class {number} of image {image_id} in {LABELS} is not WKT: {error}.") from None
            moved = affine_transform(labels, (across, 0.0, 0.0, down, *shift))
            found.append(_valid_polygons(moved))
        return tuple(found)

    def coverage(
        self, image_id: str, height: int, width: int, shift: tuple[float, float] = (0.0, 0.0)
    ) -> NDArray[np.uint8]:
        """Share of each pixel that each class covers, 0..250 = 0..1, uint8 (10, height, width).

        Args:
            image_id: Id of the image.
            height: Height of the image in pixels.
            width: Width of the image in pixels.
            shift: Pixels (x, y) to add to the labels.

        Raises:
            InputError: As `polygons`.
        """
        layers = self.polygons(image_id, height, width, shift)
        return np.stack([rasterise(layer, height, width) for layer in layers])


def rasterise(shape: MultiPolygon, height: int, width: int) -> NDArray[np.uint8]:
    """Share of each pixel that a shape in pixel coordinates covers, 0..250 = 0..1, uint8 (height, width)."""
    from affine import Affine
    from rasterio.features import rasterize

    if shape.is_empty:
        return np.zeros((height, width), np.uint8)
    fine = rasterize(
        [shape],
        out_shape=(height * _OVERSAMPLING, width * _OVERSAMPLING),
        transform=Affine.scale(1 / _OVERSAMPLING),
        dtype=np.uint8,
    )
    hits = fine.reshape(height, _OVERSAMPLING, width, _OVERSAMPLING).sum(axis=(1, 3), dtype=np.uint16)
    return np.asarray(hits * (FULL_SCALE // _OVERSAMPLING**2), np.uint8)


def _valid_polygons(shape: Geometry) -> MultiPolygon:
    """The polygons of a geometry, repaired: hand-drawn outlines cross themselves now and then."""
    import shapely

    repaired = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    parts = [part for part in shapely.get_parts(shapely.get_parts(repaired)) if part.geom_type == "Polygon"]
    return shapely.MultiPolygon([part for part in parts if not part.is_empty])


def _read_grid_sizes(root: Path) -> dict[str, GridSize]:
    sizes = {}
    for number, row in enumerate(_rows(root, GRID_SIZES), 1):
        try:
            # Kaggle's file leaves the name of the first column empty.
            size = GridSize(float(row["Xmax"]), float(row["Ymin"]))
            if not (size.x_max > 0 > size.y_min):
                raise ValueError
            sizes[row.get("ImageId") or row[""]] = size
        except (KeyError, TypeError, ValueError):
            raise InputError(
                f"Row {number} of {root / GRID_SIZES} is {dict(row)}; "
                "an image id, Xmax above 0 and Ymin below 0 are needed."
            ) from None
    return sizes


def _read_labels(root: Path) -> dict[str, list[str]]:
    labels: dict[str, list[str]] = {}
    for number, row in enumerate(_rows(root, LABELS), 1):
        try:
            position = int(row["ClassType"]) - 1
            wkt = row["MultipolygonWKT"]
            if not 0 <= position < CLASS_COUNT or wkt is None:
                raise ValueError
            labels.setdefault(row["ImageId"], ["MULTIPOLYGON EMPTY"] * CLASS_COUNT)[position] = wkt
        except (KeyError, TypeError, ValueError):
            raise InputError(
                f"Row {number} of {root / LABELS} does not hold ImageId, ClassType (1 to 10) and MultipolygonWKT."
            ) from None
    return labels


def _read_registration(root: Path) -> dict[str, tuple[float, float]]:
    path = root / "registration_A.csv"
    if not path.is_file():
        return {}
    try:
        return {row["ImageId"]: (float(row["dx"]), float(row["dy"])) for row in _rows(root, path.name)}
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path} does not hold the columns ImageId, dx and dy.") from None


def _rows(root: Path, name: str) -> Iterator[dict[str, str]]:
    # One outline of a whole scene is a single field of several megabytes.
    with _wide_fields(), _open_table(root, name) as file:
        try:
            yield from csv.DictReader(file)
        except (csv.Error, UnicodeDecodeError, zlib.error) as error:
            raise InputError(f"{root / name} is damaged or not a CSV file: {error}.") from None


@contextmanager
def _wide_fields() -> Iterator[None]:
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


@contextmanager
def _open_table(root: Path, name: str) -> Iterator[io.TextIOBase]:
    plain, zipped = root / name, root / f"{name}.zip"
    if plain.is_file():
        with plain.open(newline="", encoding="utf-8") as file:
            yield file
    elif zipped.is_file():
        try:
            with zipfile.ZipFile(zipped) as archive, archive.open(name) as inner:
                yield io.TextIOWrapper(inner, encoding="utf-8", newline="")
        except (zipfile.BadZipFile, KeyError):
            raise InputError(f"{zipped} is not a zip file that holds {name}.") from None
    else:
        raise InputError(f"{root} has no {name} (or {name}.zip), which Kaggle's DSTL data set has.")
