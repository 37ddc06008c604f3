"""Farmed and settled country: parcels of crops with greenhouses, villages of huts on dirt tracks."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from suelo.simulation.drawing import (
    FIELD,
    ROOF,
    WAY,
    Coordinates,
    rectangles,
    surfaces,
)
from suelo.simulation.nature import meadow, reservoir
from suelo.simulation.plots import (
    CROPS,
    STRUCTURE,
    TRACK,
    Plot,
    quad,
    sides,
)
from suelo.simulation.spectra import reflectance


def crops(plot: Plot) -> None:
    """Parcels with rows at different stages of growth, bare ploughed ones, greenhouses, a reservoir, hedges."""
    rng = plot.rng
    meadow(plot, 0.35)
    if rng.random() < 0.35:
        reservoir(plot)
    parts = [(0.015, 0.985, 0.015, 0.985)]
    length_u, length_v = sides(plot.corners)
    parcels = []
    smallest = rng.uniform(700, 6000)
    while parts:
        u0, u1, v0, v1 = parts.pop()
        wide, deep = (u1 - u0) * length_u, (v1 - v0) * length_v
        if wide * deep < smallest * rng.uniform(1, 4) or min(wide, deep) < 24:
            parcels.append((u0, u1, v0, v1))
            continue
        cut = rng.uniform(0.35, 0.65)
        if wide > deep * rng.uniform(0.7, 1.4):
            middle = u0 + cut * (u1 - u0)
            parts += [(u0, middle, v0, v1), (middle, u1, v0, v1)]
        else:
            middle = v0 + cut * (v1 - v0)
            parts += [(u0, u1, v0, middle), (u0, u1, middle, v1)]
    stage = rng.beta(1.0, 1.0)
    for u0, u1, v0, v1 in parcels:
        du, dv = rng.uniform(0.8, 2.2) / length_u, rng.uniform(0.8, 2.2) / length_v
        u = np.array([u0 + du, u1 - du, u1 - du, u0 + du])
        v = np.array([v0 + dv, v0 + dv, v1 - dv, v1 - dv])
        corners = quad(plot.corners, u, v)
        chance = rng.random()
        if chance < 0.07:
            greenhouses(plot, corners)
        elif chance < 0.93:
            _parcel(plot, corners, float(np.clip(stage + rng.normal(0, 0.35), 0, 1)))
        if rng.random() < 0.22:
            side = corners[[0, 1]] if rng.random() < 0.5 else corners[[1, 2]]
            length = float(np.hypot(*(side[1] - side[0])))
            t = rng.random(int(length / 4))[:, None]
            at = side[0] + t * (side[1] - side[0]) + rng.normal(0, 0.8, (len(t), 2))
            inside = shapely.contains_xy(plot.outline, at[:, 0], at[:, 1])
            plot.trees(at[inside], rng.uniform(1.4, 3.4, int(inside.sum())))
    at = plot.scatter(int(rng.integers(2, 22)))
    plot.trees(at, rng.uniform(2.0, 5.5, len(at)))


def _parcel(plot: Plot, corners: Coordinates, stage: float) -> None:
    """One parcel: `stage` 0 is ploughed soil, 0.6 full green, 1 ripe."""
    rng, climate = plot.rng, plot.climate
    soil = climate.soil * rng.uniform(0.75, 1.1)
    tint = np.exp(rng.normal(0, 0.10) + rng.normal(0, 0.06) * np.linspace(-1, 1, 8))
    ripe = max(0.0, (stage - 0.65) / 0.35)
    young = reflectance("crop_young" if rng.random() < 0.4 else "crop")
    plant_spectrum = ((1 - ripe) * young + ripe * reflectance("crop_ripe")) * tint
    cover = min(1.0, stage / 0.55) * 0.9
    long = 0 if np.subtract(*sides(corners)) > 0 else 1
    edge = corners[1] - corners[0] if long == 0 else corners[3] - corners[0]
    across = float(np.arctan2(edge[1], edge[0]) + np.pi / 2)
    period = float(rng.choice([2.0, 2.6, 3.2, 4.5, 6.0]))
    gap = rng.uniform(0.25, 1.0) * 4 * cover * (1 - cover) + 0.10
    surface = surfaces(
        soil,
        plant_spectrum,
        mix=cover,
        medium=rng.uniform(0.02, 0.12),
        coarse=rng.uniform(0.0, 0.16),
        fine=0.05,
        light=0.04,
        light_medium=0.03,
        row_mix=0.34 * gap,
        row_light=rng.uniform(0.03, 0.10),
        row_angle=across,
        row_period=period,
    )
    plot.drawing.area(FIELD, plot.dry(shapely.Polygon(corners)), surface, CROPS)


def greenhouses(plot: Plot, corners: Coordinates) -> None:
    """Rows of plastic tunnels, labelled as structures."""
    rng = plot.rng
    u, v = sides(corners)
    n = max(1, int(v / 9.5))
    at = quad(corners, np.full(n, 0.5), (np.arange(n) + 0.5) / n)
    along = corners[1] - corners[0]
    angle = np.full(n, np.arctan2(along[1], along[0]))
    plastic = reflectance("plastic") * rng.uniform(0.75, 1.1)
    spectra = plastic * rng.normal(1, 0.06, (n, 1))
    ground = rectangles(corners.mean(0), angle[:1], u, v)
    if plot.free(ground)[0]:
        plot.drawing.convex(FIELD, ground, surfaces(plot.climate.soil_light, light=0.05))
    plot.roofs(at, angle, np.full(n, u * 0.94), np.full(n, 7.6), spectra, np.full(n, 3.5), np.ones(n, bool), STRUCTURE)


def village(plot: Plot) -> None:
    """Compounds of small thatched and metal huts on trodden ground along dirt tracks, with fences and trees."""
    rng = plot.rng
    meadow(plot, 0.4)
    centre = quad(plot.corners, rng.uniform(0.35, 0.65), rng.uniform(0.35, 0.65))
    _village_tracks(plot, centre)
    pitch = rng.uniform(24, 32)
    u, v = sides(plot.corners)
    grid_u, grid_v = np.meshgrid(np.arange(1, int(u / pitch)) * pitch / u, np.arange(1, int(v / pitch)) * pitch / v)
    compounds = quad(plot.corners, grid_u.ravel(), grid_v.ravel())
    compounds = compounds + rng.normal(0, pitch * 0.10, compounds.shape)
    near = np.exp(-((np.hypot(*(compounds - centre).T) / rng.uniform(90, 170)) ** 2))
    compounds = compounds[(rng.random(len(compounds)) < near + 0.1)]
    huts = [hut for compound in compounds if (hut := _compound(plot, compound, pitch)) is not None]
    if huts:
        at, angle, size = (np.concatenate(column) for column in zip(*huts, strict=True))
        n = len(at)
        shares = {"thatch": 1.6, "rust": 1.6, "metal": 1.8, "metal_blue": 0.5, "fibre": 0.5, "clay": 0.3}
        spectra = plot.climate.roof_surfaces(rng, n, shares)
        plot.roofs(at, angle, size[:, 0], size[:, 1], spectra, np.full(n, 3.0), rng.random(n) < 0.75)
    for _ in range(int(rng.integers(1, 5))):
        at = quad(plot.corners, rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9))
        field = rectangles(at, rng.uniform(0, 3), rng.uniform(25, 50), rng.uniform(20, 40))
        if plot.free(field)[0] and not len(compounds[np.hypot(*(compounds - at).T) < 45]):
            _parcel(plot, field[0], float(rng.uniform(0.2, 0.8)))
    at = plot.scatter(int(rng.integers(15, 60)))
    plot.trees(at, rng.uniform(1.5, 4.5, len(at)))


def _village_tracks(plot: Plot, centre: Coordinates) -> None:
    """Winding dirt tracks from the centre to the four sides; nothing is built on them."""
    rng, climate = plot.rng, plot.climate
    water, reach = plot.blocked, plot.outline.buffer(4)
    dirt = surfaces(climate.soil_light, climate.soil, mix=0.2, medium=0.2, light=0.05)
    for side in range(4):
        gate = (plot.corners[side] + plot.corners[(side + 1) % 4]) / 2
        t = np.linspace(0, 1.1, 14)[:, None]
        sway = np.sin(t * np.pi) * rng.normal(0, 14) + np.sin(2 * t * np.pi) * rng.normal(0, 8)
        heading = (gate - centre) / np.linalg.norm(gate - centre)
        path = centre + t * (gate - centre) + sway * np.array([-heading[1], heading[0]])
        bed = shapely.LineString(path).buffer(rng.uniform(1.5, 2.6)).intersection(reach).difference(water)
        plot.drawing.area(WAY, bed, dirt, TRACK)
        plot.blocked = shapely.union(plot.blocked, bed.buffer(0.8))


def _compound(
    plot: Plot, centre: Coordinates, pitch: float
) -> tuple[Coordinates, NDArray[np.float64], Coordinates] | None:
    """A yard, half of them walled; where its huts stand, their directions and sizes. None where there is no room."""
    rng, climate = plot.rng, plot.climate
    base = float(rng.uniform(0, np.pi))
    yard = rectangles(centre, base, pitch * rng.uniform(0.7, 1.0), pitch * rng.uniform(0.6, 0.95))
    if not plot.free(yard)[0]:
        return None
    plot.drawing.convex(FIELD, yard, surfaces(climate.soil_light, climate.soil, mix=0.3, medium=0.25, light=0.07))
    corners = yard[0]
    if rng.random() < 0.45:
        edges = corners[1:] - corners[:-1]
        walls = rectangles(
            (corners[1:] + corners[:-1]) / 2, np.arctan2(edges[:, 1], edges[:, 0]), np.hypot(*edges.T), 1.6
        )
        plot.drawing.convex(ROOF, walls, surfaces(climate.soil_light * 0.8, light=0.1), STRUCTURE, 1.8)
    if rng.random() < 0.5:
        plot.trees(quad(corners, rng.uniform(0.1, 0.9, 1), rng.uniform(0.1, 0.9, 1)), rng.uniform(2, 5, 1))
    n = int(rng.integers(2, 6))
    slot = rng.permutation(6)[:n]
    at = quad(corners, (slot % 3 + 0.5) / 3, (slot // 3 + 0.5) / 2) + rng.normal(0, 0.5, (n, 2))
    angle = base + rng.choice([0, np.pi / 2], n) + rng.normal(0, 0.06, n)
    return at, angle, np.stack([rng.uniform(4.5, 8.5, n), rng.uniform(3.6, 5.6, n)], -1)
