"""The metric of the DSTL competition on polygons: those that users export against those that people drew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suelo.imagery.grid import DEFAULT_GSD_M, Grid
from suelo.landcover import CLASS_COUNT
from suelo.segmentation.polygons import polygonise
from suelo.segmentation.raster import ArrayProbabilities
from suelo.segmentation.selection import Selection
from suelo.training.masked_area import MaskedArea

if TYPE_CHECKING:
    from shapely import Geometry, Polygon


@dataclass
class AreaCounts:
    """Areas of intersection and union per class in pixels, summed over scenes.

    A class that is in neither truth nor prediction of any scene is not measurable (None), never perfect.

    Attributes:
        intersection: Area in truth and prediction, float64 (10,).
        union: Area in truth or prediction, float64 (10,).
        scenes: Scenes whose truth has the class, int64 (10,).
    """

    intersection: NDArray[np.float64] = field(default_factory=lambda: np.zeros(CLASS_COUNT))
    union: NDArray[np.float64] = field(default_factory=lambda: np.zeros(CLASS_COUNT))
    scenes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(CLASS_COUNT, np.int64))

    def add(self, predicted: Sequence[Geometry], truth: Sequence[Geometry], known: NDArray[np.bool_]) -> None:
        """Add one scene.

        Args:
            predicted: A geometry per class in pixel coordinates, x to the right and y down. Broken ones are repaired.
            truth: The same of the labels.
            known: Pixels outside are cut out of both, (H, W).
        """
        import shapely

        area = MaskedArea(known)
        sums = np.zeros((3, CLASS_COUNT))
        for row, (found, drawn) in enumerate(zip(predicted, truth, strict=True)):
            ours, theirs = merged(found), merged(drawn)
            sums[:, row] = area(ours), area(theirs), area(shapely.intersection(ours, theirs))
        self.intersection = self.intersection + sums[2]
        self.union = self.union + sums[0] + sums[1] - sums[2]
        self.scenes = self.scenes + (sums[1] > 0)

    def per_class(self) -> tuple[float | None, ...]:
        """Jaccard index of each class; None where it is not measurable."""
        pairs = zip(self.intersection.tolist(), self.union.tolist(), strict=True)
        return tuple(both / either if either else None for both, either in pairs)


def exported_polygons(
    probabilities: NDArray[np.uint8], selection: Selection, gsd_m: float = DEFAULT_GSD_M
) -> tuple[Geometry, ...]:
    """What users export of a scene: a multipolygon per class in pixel coordinates, objects too small left out.

    Args:
        probabilities: 0..250, 255 = no data, uint8 (10, H, W).
        selection: Thresholds and smallest areas.
        gsd_m: Ground sampling distance in metres.
    """
    import shapely

    height, width = probabilities.shape[1:]
    grid = Grid(height, width, pixel_gsd_m=gsd_m)
    found: list[list[Polygon]] = [[] for _ in range(CLASS_COUNT)]
    for batch in polygonise(ArrayProbabilities(probabilities, grid), selection):
        found[batch.land_cover.id - 1] += batch.geometry.tolist()
    return tuple(shapely.MultiPolygon(parts) for parts in found)


def merged(shape: Geometry) -> Geometry:
    """The ground that a geometry covers, as a valid one: ground that two of its parts cover counts once."""
    import shapely

    if shapely.is_valid(shape):
        return shape
    return shapely.union_all(shapely.make_valid(shapely.get_parts(shape), method="structure", keep_collapsed=False))
