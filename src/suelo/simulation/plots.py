"""Places inside a district: its frame from 0..1 by 0..1 to metres, blocks and lots, and what may stand where."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from suelo.simulation.climate import Climate
from suelo.simulation.drawing import (
    CROWN,
    ROOF,
    VEHICLE,
    WAY,
    Coordinates,
    Drawing,
    Shape,
    rectangles,
    rounds,
    surfaces,
)
from suelo.simulation.spectra import reflectance

BUILDING, STRUCTURE, ROAD, TRACK, TREES, CROPS, WATERWAY, STANDING, LARGE, SMALL = range(1, 11)


def quad(corners: Coordinates, u: ArrayLike, v: ArrayLike) -> Coordinates:
    """Points of a quadrilateral (4, 2) at shares `u` and `v` of its sides."""
    u, v = np.broadcast_arrays(np.asarray(u, float), np.asarray(v, float))
    u, v = u[..., None], v[..., None]
    near = (1 - u) * corners[0] + u * corners[1]
    far = (1 - u) * corners[3] + u * corners[2]
    return np.asarray((1 - v) * near + v * far)


def inset(corners: Coordinates, metres: float) -> Coordinates | None:
    """A convex quadrilateral moved inwards on all sides, or None where nothing is left."""
    u = np.linalg.norm(corners[1] - corners[0] + corners[2] - corners[3]) / 2
    v = np.linalg.norm(corners[3] - corners[0] + corners[2] - corners[1]) / 2
    if min(u, v) < 2 * metres + 4:
        return None
    du, dv = metres / u, metres / v
    return quad(corners, np.array([du, 1 - du, 1 - du, du]), np.array([dv, dv, 1 - dv, 1 - dv]))


def sides(corners: Coordinates) -> tuple[float, float]:
    """Mean lengths of a quadrilateral's first and second pair of sides."""
    u = np.linalg.norm(corners[1] - corners[0] + corners[2] - corners[3]) / 2
    v = np.linalg.norm(corners[3] - corners[0] + corners[2] - corners[1]) / 2
    return float(u), float(v)


@dataclass
class Plot:
    """A district under construction.

    Attributes:
        rng: Its random generator.
        climate: The scene's state.
        outline: Outline inside its border lines.
        corners: Its four nodes, (4, 2).
        blocked: Water and banks that nothing is built on.
        drawing: What was drawn so far.
    """

    rng: np.random.Generator
    climate: Climate
    outline: shapely.Polygon
    corners: NDArray[np.float64]
    blocked: Shape
    drawing: Drawing = field(default_factory=Drawing)

    def free(self, corners: Coordinates) -> NDArray[np.bool_]:
        """Which polygons (n, k, 2) lie wholly inside the outline and away from water."""
        shapes = shapely.polygons(corners)
        shapely.prepare(self.outline)
        inside = shapely.contains(self.outline, shapes)
        if not self.blocked.is_empty:
            inside &= ~shapely.intersects(self.blocked, shapes)
        return np.asarray(inside)

    def dry(self, geometry: Shape) -> Shape:
        """The part of a geometry inside the outline and away from water."""
        inside = shapely.intersection(geometry, self.outline)
        return inside if self.blocked.is_empty else shapely.difference(inside, self.blocked)

    def scatter(self, n: int) -> Coordinates:
        """About `n` random points in the district, (m, 2)."""
        points = quad(self.corners, self.rng.random(n), self.rng.random(n))
        return points[shapely.contains_xy(self.outline, points[:, 0], points[:, 1])]

    def roofs(
        self,
        centre: Coordinates,
        angle: NDArray[np.float64],
        length: NDArray[np.float64],
        width: NDArray[np.float64],
        spectra: NDArray[np.float64],
        height: NDArray[np.float64],
        pitched: NDArray[np.bool_],
        class_id: int = BUILDING,
    ) -> NDArray[np.bool_]:
        """Draw buildings, flat or with two pitches of which one is turned to the sun; which were free to stand."""
        whole = rectangles(centre, angle, length, width)
        keep = self.free(whole)
        centre, angle, length, width = centre[keep], angle[keep], length[keep], width[keep]
        spectra, height, pitched = spectra[keep], height[keep], pitched[keep]
        self.drawing.convex(ROOF, whole[keep], surfaces(spectra, light=0.05, light_medium=0.05), class_id, height)
        if pitched.any():
            ridge = np.where(length >= width, angle, angle + np.pi / 2)[pitched]
            long, short = np.maximum(length, width)[pitched], np.minimum(length, width)[pitched]
            across = np.stack([-np.sin(ridge), np.cos(ridge)], -1)
            lit = 0.28 * (across @ self.climate.sun) * min(1.0, self.climate.shadow)
            for side in (-1, 1):
                half = rectangles(centre[pitched] + across * (side * short / 4)[:, None], ridge, long, short / 2)
                shade = np.clip(1 + side * lit, 0.6, 1.35)[:, None]
                self.drawing.convex(ROOF, half, surfaces(spectra[pitched] * shade, light=0.06))
        flat = np.flatnonzero(~pitched & (np.minimum(length, width) > 14))
        if flat.size:
            # Plant, skylights and parapets break the largest roofs.
            n = flat.repeat(3)
            along = np.stack([np.cos(angle[n]), np.sin(angle[n])], -1)
            across = np.stack([-along[:, 1], along[:, 0]], -1)
            place = centre[n] + along * (self.rng.uniform(-0.38, 0.38, n.size) * length[n])[:, None]
            place = place + across * (self.rng.uniform(-0.36, 0.36, n.size) * width[n])[:, None]
            size = self.rng.uniform(1.2, 3.2, (n.size, 2))
            shade = self.rng.choice([0.55, 0.75, 1.35, 1.6], (n.size, 1))
            self.drawing.convex(
                ROOF,
                rectangles(place, angle[n], size[:, 0], size[:, 1]),
                surfaces(np.clip(spectra[n] * shade, 0.01, 0.75)),
            )
        return keep

    def trees(self, centre: Coordinates, radius: NDArray[np.float64], class_id: int = TREES) -> None:
        """Draw tree crowns with a lit side and a shadow, away from water."""
        if not self.blocked.is_empty and len(centre):
            dry = ~shapely.contains_xy(self.blocked, centre[:, 0], centre[:, 1])
            centre, radius = centre[dry], radius[dry]
        plant(self.drawing, self.climate, self.rng, centre, radius, class_id)

    def vehicles(self, centre: Coordinates, angle: NDArray[np.float64], *, large: bool = False) -> None:
        """Draw vehicles where they fit."""
        park(self.drawing, self.climate, self.rng, centre, angle, large=large, within=self)

    def street(self, path: Coordinates, width: float, spectrum: NDArray[np.float64], class_id: int = ROAD) -> None:
        """Draw a way along a path, cut a little beyond the district's outline and at water."""
        bed = shapely.LineString(path).buffer(width / 2, cap_style="flat")
        way = shapely.intersection(bed, self.outline.buffer(8.0))
        if not self.blocked.is_empty:
            way = shapely.difference(way, self.blocked)
        self.drawing.area(WAY, way, surfaces(spectrum, light=0.04, light_medium=0.06), class_id)


def plant(
    drawing: Drawing,
    climate: Climate,
    rng: np.random.Generator,
    centre: Coordinates,
    radius: NDArray[np.float64],
    class_id: int,
) -> None:
    """Draw tree crowns: a dark outline, a brighter part towards the sun, a shadow on the ground."""
    n = len(centre)
    if n == 0:
        return
    outline = rounds(centre, radius, rng)
    kind = rng.normal(0, 0.14, (n, 1)) + rng.normal(0, 0.05, (n, 1)) * np.linspace(-1, 1, 8)
    spectrum = climate.tree * np.exp(kind)
    drawing.convex(
        CROWN,
        outline,
        surfaces(spectrum * 0.72, light=0.16, light_medium=0.0),
        class_id,
        radius * rng.uniform(0.9, 1.7, n),
    )
    lit = centre + climate.sun * (radius * 0.30)[:, None]
    inner = lit[:, None, :] + (outline - centre[:, None, :]) * 0.62
    drawing.convex(CROWN, inner, surfaces(spectrum * 1.18, light=0.14, light_medium=0.0))


def park(
    drawing: Drawing,
    climate: Climate,
    rng: np.random.Generator,
    centre: Coordinates,
    angle: NDArray[np.float64],
    *,
    large: bool,
    within: Plot | None = None,
) -> None:
    """Draw vehicles: cars of about 4.5 by 1.8 m, or lorries and buses of 8 to 14 by 2.5 m."""
    n = len(centre)
    if n == 0:
        return
    length = rng.uniform(8.0, 14.0, n) if large else rng.normal(4.6, 0.35, n)
    width = rng.uniform(2.4, 2.7, n) if large else rng.normal(1.95, 0.1, n)
    body = rectangles(centre, angle, length, width)
    if within is not None:
        keep = within.free(body)
        body = body[keep]
    paint = climate.car_surfaces(rng, len(body), large=large)
    drawing.convex(VEHICLE, body, paint, LARGE if large else SMALL, 3.2 if large else 1.5)


def road_spectrum(rng: np.random.Generator) -> NDArray[np.float64]:
    """Reflectance of a paved road: new to old asphalt, sometimes concrete."""
    old = rng.beta(1.6, 1.4)
    spectrum = (1 - old) * reflectance("asphalt") + old * reflectance("asphalt_old")
    if rng.random() < 0.12:
        spectrum = 0.5 * spectrum + 0.5 * reflectance("concrete")
    return np.asarray(spectrum)
