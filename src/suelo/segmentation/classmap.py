"""The class map: one colour per pixel, by display priority, with small objects left out."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.grid import Grid
from suelo.landcover import BY_PRIORITY
from suelo.segmentation.components import smallest_kept
from suelo.segmentation.raster import class_mask
from suelo.segmentation.selection import Selection


def render_classes(
    probabilities: NDArray[np.uint8], selection: Selection, grid: Grid | None = None, *, opacity: float = 1.0
) -> NDArray[np.uint8]:
    """Colour pixels by class; where classes overlap, the highest display priority is shown.

    Args:
        probabilities: uint8 (10, height, width), a window of a raster. Its middle is exact if it was padded by
            `padding_for` pixels, or up to the edge of the raster.
        selection: Thresholds, classes and smallest areas.
        grid: Where the window lies, which says how large its pixels are; without it small objects are shown too.
        opacity: Opacity of the classes, 0..1.

    Returns:
        Red, green, blue and opacity, uint8 (4, height, width); transparent where there is no class.
    """
    labels = np.zeros(probabilities.shape[1:], np.uint8)
    colours = np.zeros((4, len(BY_PRIORITY) + 1), np.uint8)
    pixel_areas = None if grid is None else grid.row_areas_m2()
    for c in BY_PRIORITY:
        if c.id not in selection.class_ids:
            continue
        mask = class_mask(probabilities[c.id - 1], c, selection)
        if pixel_areas is not None:
            mask = sieve(mask, pixel_areas, smallest_kept(selection, c))
        labels[mask] = c.id
        colours[:, c.id] = *c.colour, round(255 * opacity)
    return colours[:, labels]


def sieve(mask: NDArray[np.bool_], row_areas_m2: NDArray[np.float64], smallest_m2: float) -> NDArray[np.bool_]:
    """Remove 4-connected objects that are smaller than an area.

    Args:
        mask: bool (height, width).
        row_areas_m2: Area of a pixel of each row (height,).
        smallest_m2: Objects of at least this area stay.

    Returns:
        bool (height, width); `mask` itself where every object stays because one pixel is large enough.
    """
    if smallest_m2 <= row_areas_m2.min() or not mask.any():
        return mask
    from scipy.ndimage import label

    labels, _ = label(mask)
    inside = labels[mask]
    areas = np.bincount(inside, weights=np.repeat(row_areas_m2, np.count_nonzero(mask, axis=1)))
    kept = np.zeros_like(mask)
    kept[mask] = (areas >= smallest_m2)[inside]
    return kept


def padding_for(selection: Selection, grid: Grid) -> int:
    """Pixels by which a window must be grown so that `render_classes` is exact inside it.

    An object that is left out has fewer pixels than fit in its class's smallest area, so it cannot reach further.
    """
    smallest_pixel = min(grid.row_areas_m2(0, 1)[0], grid.row_areas_m2(grid.height - 1)[0])
    largest = max((smallest_kept(selection, c) for c in selection.classes), default=0.0)
    return 0 if largest <= smallest_pixel else math.ceil(largest / smallest_pixel)
