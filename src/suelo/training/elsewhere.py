"""Labelled images of other places, with fewer bands and classes: what they know of the ten classes, no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suelo.errors import InputError
from suelo.imagery.grid import DEFAULT_GSD_M
from suelo.landcover import CLASS_COUNT, CLASS_KEYS
from suelo.segmentation.selection import FULL_SCALE
from suelo.training.labelled import HIGH_PERCENTILE, LOW_PERCENTILE, UNKNOWN, LabelledScene, band_statistics
from suelo.training.lifting import BandLift
from suelo.training.rasters import Bounds, read_bounds, read_raster
from suelo.training.resampling import resample, resample_truth

BLUE, GREEN, RED, NIR1 = 1, 2, 4, 6

_DISPLAY_GAMMA = 2.2
"""Both sets are 8-bit pictures for display; numbers in proportion to light are their power of this."""

_STRETCHED = 1000.0
"""Stretched bands 0..1 are kept as integers up to this."""


@dataclass(frozen=True)
class Codes:
    """What the label codes of a data set say about the ten classes.

    Attributes:
        inside: Per class key, the code whose pixels belong to it.
        outside: Per class key, the codes whose pixels do not. All other codes leave the class unknown.
    """

    inside: Mapping[str, int]
    outside: Mapping[str, tuple[int, ...]]

    def truth(self, codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Truth array, uint8 (10, H, W), of label codes (H, W)."""
        truth = np.full((CLASS_COUNT, *codes.shape), UNKNOWN, np.uint8)
        for row, key in enumerate(CLASS_KEYS):
            truth[row][np.isin(codes, self.outside.get(key, ()))] = 0
            if key in self.inside:
                truth[row][codes == self.inside[key]] = FULL_SCALE
        return truth


# NAIP: 0 background, grass, green crops; 1 building; 2 road; 3 bare land, mostly fields; 4 trees; 5 ponds.
# Green crops are in the background, cars and sheds in any of it, and unpaved ways among roads and land.
NAIP = Codes(
    inside={"buildings": 1, "roads": 2, "trees": 4, "standing_water": 5},
    outside={
        "buildings": (0, 2, 3, 4, 5),
        "structures": (4, 5),
        "roads": (0, 1, 3, 4, 5),
        "tracks": (1, 4, 5),
        "trees": (0, 1, 2, 3, 5),
        "crops": (1, 2, 4, 5),
        "waterway": (0, 1, 2, 3, 4),
        "standing_water": (0, 1, 2, 3, 4),
        "large_vehicles": (4, 5),
        "small_vehicles": (4, 5),
    },
)
# Dubai: 1 building, 2 road, some of them dirt; 3 land; 4 grass and trees; 5 sea and lagoons; 255 nobody knows.
DUBAI = Codes(
    inside={"buildings": 1, "roads": 2},
    outside={
        "buildings": (2, 3, 4, 5),
        "structures": (5,),
        "roads": (1, 3, 4, 5),
        "tracks": (1, 5),
        "trees": (1, 2, 3, 5),
        "crops": (1, 2, 5),
        "waterway": (1, 2, 3, 4),
        "standing_water": (1, 2, 3, 4),
        "large_vehicles": (5,),
        "small_vehicles": (5,),
    },
)
_DUBAI_GSD_M = 1.0
_DUBAI_BLOCKS = ("tile7", "tile8")
"""Here whole blocks with their yards are labelled as buildings: these tiles are left out."""


def load_elsewhere(
    root: Path, eight_band: Sequence[LabelledScene], progress: Callable[[int, int], None] | None = None
) -> dict[str, list[LabelledScene]]:
    """Read `naip/` and `dubai/`, whichever are there, and infer their missing bands.

    Args:
        root: The folder that holds them.
        eight_band: Scenes from which the map between bands is learned; their labels are not looked at.
        progress: Called with the images that are done and all.

    Returns:
        Scenes per data set, at the ground sampling distance of the network.

    Raises:
        InputError: The folder holds neither, or an image has no label.
    """
    naip, dubai = _files(root)
    found: dict[str, list[LabelledScene]] = {}
    tell = progress or (lambda _done, _total: None)
    total = len(naip) + len(dubai)
    if naip:
        found["naip"] = _load_naip(naip, eight_band, lambda done: tell(done, total))
    if dubai:
        lift = BandLift.learn(eight_band, (RED, GREEN, BLUE))
        found["dubai"] = []
        for done, path in enumerate(dubai):
            tell(len(naip) + done, total)
            rgb, codes, _ = _read(path)
            image, truth = _to_network_gsd(rgb, DUBAI.truth(codes), _DUBAI_GSD_M)
            valid = np.ones(image.shape[1:], np.bool_)
            found["dubai"].append(_lifted(image, truth, valid, lift, path.stem))
    return found


def validation_places(root: Path) -> tuple[str, ...]:
    """Every fourth separate piece of ground, by the name of one of its scenes: no training ever sees these."""
    return _places(root)[3::4]


def _places(root: Path) -> tuple[str, ...]:
    """One scene name per separate piece of ground in the folder, in sorted order."""
    naip, dubai = _files(root)
    groups = _touching([read_bounds(path) for path in naip])
    blocks = [f"naip-{naip[members[0]].stem}" for members in groups]
    return (*blocks, *sorted({path.stem for path in dubai if path.stem.endswith("_001")}))


def _files(root: Path) -> tuple[list[Path], list[Path]]:
    naip = sorted((root / "naip" / "images").glob("*.tif"))
    dubai = sorted(p for p in (root / "dubai" / "images").glob("*.jpg") if not p.name.startswith(_DUBAI_BLOCKS))
    if not naip and not dubai:
        raise InputError(f"{root} holds neither naip/images nor dubai/images.")
    return naip, dubai


def _load_naip(
    paths: Sequence[Path], eight_band: Sequence[LabelledScene], tell: Callable[[int], None]
) -> list[LabelledScene]:
    """Join tiles that touch: a tile of 256 pixels is smaller than a training chip at the network's resolution."""
    lift = BandLift.learn(eight_band, (RED, GREEN, BLUE, NIR1))
    tiles = []
    for done, path in enumerate(paths):
        tell(done)
        tiles.append(_read(path))
    scenes = []
    for members in _touching([bounds for _, _, bounds in tiles]):
        gsd = (tiles[members[0]][2][2] - tiles[members[0]][2][0]) / tiles[members[0]][1].shape[1]
        image, codes, valid = _mosaic([tiles[member] for member in members], gsd)
        truth = NAIP.truth(codes)
        truth[:, ~valid] = UNKNOWN
        stack = np.concatenate([image, valid[None].astype(np.float32)])
        stack, truth = _to_network_gsd(stack, truth, gsd)
        scenes.append(_lifted(stack[:-1], truth, stack[-1] > 0.99, lift, f"naip-{paths[members[0]].stem}"))
    return scenes


def _read(path: Path) -> tuple[NDArray[np.float32], NDArray[np.uint8], Bounds]:
    """Bands, label codes and (left, bottom, right, top) of a tile."""
    labels = next((path.parent.parent / "labels").glob(f"{path.stem}.*"), None)
    if labels is None:
        raise InputError(f"There is no label beside {path}.")
    image, codes = read_raster(path).astype(np.float32), read_raster(labels)[0].astype(np.uint8)
    if image.shape[1:] != codes.shape:
        raise InputError(
            f"{path} has {image.shape[2]} × {image.shape[1]} pixels and its label {codes.shape[1]} × {codes.shape[0]}; "
            "a tile and its label need the same size."
        )
    return image, codes, read_bounds(path)


def _touching(bounds: Sequence[Bounds]) -> list[list[int]]:
    """Groups of tiles that share an edge or a corner."""
    if not bounds:
        return []
    boxes = np.array(bounds)
    meet = (np.maximum.outer(boxes[:, 0], boxes[:, 0]) <= np.minimum.outer(boxes[:, 2], boxes[:, 2]) + 1) & (
        np.maximum.outer(boxes[:, 1], boxes[:, 1]) <= np.minimum.outer(boxes[:, 3], boxes[:, 3]) + 1
    )
    from scipy.sparse.csgraph import connected_components

    _, group = connected_components(meet, directed=False)
    return [np.flatnonzero(group == number).tolist() for number in range(int(group.max()) + 1)]


def _mosaic(
    tiles: Sequence[tuple[NDArray[np.float32], NDArray[np.uint8], Bounds]], gsd: float
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.bool_]]:
    left, top = min(tile[2][0] for tile in tiles), max(tile[2][3] for tile in tiles)
    right, bottom = max(tile[2][2] for tile in tiles), min(tile[2][1] for tile in tiles)
    shape = round((top - bottom) / gsd), round((right - left) / gsd)
    image = np.zeros((len(tiles[0][0]), *shape), np.float32)
    codes = np.zeros(shape, np.uint8)
    valid = np.zeros(shape, np.bool_)
    for pixels, labels, bounds in tiles:
        row, col = round((top - bounds[3]) / gsd), round((bounds[0] - left) / gsd)
        window = (slice(row, row + labels.shape[0]), slice(col, col + labels.shape[1]))
        image[:, *window], codes[window], valid[window] = pixels, labels, True
    return image, codes, valid


def _to_network_gsd(
    image: NDArray[np.float32], truth: NDArray[np.uint8], gsd: float
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Resample an image (B, H, W) and its truth (10, H, W) to the network's ground sampling distance."""
    height, width = (round(length * gsd / DEFAULT_GSD_M) for length in truth.shape[1:])
    return resample(image, height, width), resample_truth(truth, height, width)


def _lifted(
    image: NDArray[np.float32], truth: NDArray[np.uint8], valid: NDArray[np.bool_], lift: BandLift, name: str
) -> LabelledScene:
    image = (image / 255.0) ** _DISPLAY_GAMMA
    low, high = np.percentile(image[:, valid], (LOW_PERCENTILE, HIGH_PERCENTILE), axis=1)
    stretched = (image - low[:, None, None]) / np.maximum(high - low, 1e-6)[:, None, None]
    bands = lift.apply(np.clip(stretched, -0.5, 1.5).astype(np.float32))
    values = np.clip(np.rint((bands + 1.0) * _STRETCHED), 1, 4 * _STRETCHED).astype(np.uint16)
    values[:, ~valid] = 0
    return LabelledScene(values, truth, valid, band_statistics(values, valid), name)
