"""Built-up districts: city blocks of row houses, suburbs with gardens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suelo.simulation.drawing import FIELD, GROUND, Coordinates, rectangles, surfaces
from suelo.simulation.plots import Plot
from suelo.simulation.spectra import Spectrum, reflectance
from suelo.simulation.streets import green, lots, parking, streets_and_blocks


class _Houses:
    """Houses collected over the blocks of a district, to be drawn in one go."""

    def __init__(self) -> None:
        self._columns: list[list[NDArray[np.float64]]] = [[] for _ in range(6)]

    def add(
        self,
        built: NDArray[np.bool_],
        centre: Coordinates,
        angle: NDArray[np.float64],
        length: NDArray[np.float64],
        width: NDArray[np.float64],
        height: NDArray[np.float64],
        pitch: NDArray[np.float64],
    ) -> None:
        for column, values in zip(self._columns, (centre, angle, length, width, height, pitch), strict=True):
            column.append(values[built])

    def draw(self, plot: Plot, shares: dict[str, float] | None, flat_share: float) -> None:
        """Draw all; a house is flat where its `pitch`, 0 to 1, is below the share."""
        if not self._columns[0]:
            return
        centre, angle, length, width, height, pitch = (np.concatenate(column) for column in self._columns)
        spectra: Spectrum = plot.climate.roof_surfaces(plot.rng, len(centre), shares)
        plot.roofs(centre, angle, length, np.maximum(width, 2.5), spectra, height, pitch > flat_share)


def dense(plot: Plot) -> None:
    """City blocks of row houses with yards, some built over, some with one large building, a square here and there."""
    rng, climate = plot.rng, plot.climate
    ground = 0.6 * reflectance("paving") + 0.4 * climate.soil_light
    plot.drawing.area(GROUND, plot.outline, surfaces(ground, climate.soil, mix=0.3, medium=0.15, light=0.05))
    blocks = streets_and_blocks(plot, (rng.uniform(70, 120), rng.uniform(38, 58)), rng.uniform(6.0, 8.5))
    houses, sheds = _Houses(), _Houses()
    lot_width = rng.uniform(7.5, 13.0)
    for block in blocks:
        chance = rng.random()
        if chance < 0.10:
            (green if chance < 0.05 else parking)(plot, block)
            continue
        yard = climate.soil if rng.random() < 0.4 else (climate.grass if rng.random() < 0.5 else ground)
        plot.drawing.convex(FIELD, block[None], surfaces(yard, ground, mix=0.4, medium=0.3, fine=0.1, light=0.08))
        large = chance < 0.25
        lot = lots(block, lot_width * (2.2 if large else 1.0))
        n = len(lot.front)
        setback = rng.uniform(0, 1.5) + rng.uniform(0, 0.8, n)
        depth = lot.depth * np.clip(rng.uniform(0.5, 0.95) + rng.normal(0, 0.10, n), 0.35, 1.0) - setback
        height = rng.choice([3.0, 6.0, 9.0, 14.0], n, p=[0.3, 0.45, 0.2, 0.05]) * (1.6 if large else 1.0)
        width = lot.width * rng.uniform(0.88, 0.99, n)
        built = rng.random(n) > 0.06
        houses.add(built, lot.at(0, setback + depth / 2), lot.angle, width, depth, height, rng.random(n))
        # Sheds and extensions at the back, where there is room for them.
        room = lot.depth - setback - depth
        shed = rng.uniform(2.6, 4.5, (n, 2))
        back = lot.at(rng.uniform(-0.3, 0.3, n) * lot.width, lot.depth - shed[:, 1] / 2 - 0.3)
        with_shed = (rng.random(n) < 0.5) & (room > shed[:, 1] + 0.5)
        sheds.add(with_shed, back, lot.angle, shed[:, 0], shed[:, 1], np.full(n, 2.6), np.zeros(n))
        some = ~with_shed & (rng.random(n) < 0.2)
        plot.trees(lot.at(0, lot.depth * rng.uniform(0.9, 1.0, n))[some], rng.uniform(1.5, 3.2, int(some.sum())))
    houses.draw(plot, None, rng.uniform(0.2, 0.7))
    sheds.draw(plot, {"rust": 2.0, "metal": 1.5, "fibre": 2.0, "concrete": 1.0}, 1.0)


def suburb(plot: Plot) -> None:
    """Detached houses, some with a wing, in gardens with lawns, trees, drives and a car."""
    rng, climate = plot.rng, plot.climate
    lawn = 0.5 * climate.grass + 0.5 * reflectance("lawn")
    plot.drawing.area(
        GROUND,
        plot.outline,
        surfaces(lawn, climate.grass, mix=0.4, medium=0.3, coarse=0.2, fine=0.1, light=0.07, light_medium=0.05),
    )
    blocks = streets_and_blocks(plot, (rng.uniform(90, 140), rng.uniform(58, 76)), rng.uniform(6.0, 7.5))
    lot_width = rng.uniform(15, 24)
    houses = _Houses()
    for block in blocks:
        if rng.random() < 0.06:
            green(plot, block)
            continue
        lot = lots(block, lot_width)
        n = len(lot.front)
        length = lot.width * rng.uniform(0.5, 0.7, n)
        depth = np.minimum(lot.depth * rng.uniform(0.28, 0.42, n), 13)
        setback = rng.uniform(3.5, 6.5) + rng.uniform(0, 1.0, n)
        drive = lot.at(lot.width * 0.41, setback * 0.5)
        with_drive = rng.random(n) < 0.75
        beds = rectangles(drive, lot.angle, 2.8, setback + 1)[with_drive]
        plot.drawing.convex(FIELD, beds[plot.free(beds)], surfaces(reflectance("paving"), light=0.05))
        parked = with_drive & (rng.random(n) < 0.5)
        plot.vehicles(drive[parked], lot.angle[parked] + np.pi / 2)
        built = rng.random(n) > 0.05
        height, pitch = rng.uniform(4, 8, n), rng.random(n)
        houses.add(built, lot.at(0, setback + depth / 2), lot.angle, length, depth, height, pitch)
        wing = built & (rng.random(n) < 0.35)
        aside = rng.choice([-0.25, 0.25], n) * length
        houses.add(
            wing, lot.at(aside, setback + depth + 1.5), lot.angle, length * 0.45, np.full(n, 5.0), height * 0.8, pitch
        )
        for _ in range(2):
            back = lot.at(lot.width * rng.uniform(-0.45, 0.45, n), lot.depth * rng.uniform(0.75, 1.0, n))
            some = rng.random(n) < 0.6
            plot.trees(back[some], rng.uniform(1.8, 4.6, int(some.sum())))
        some = rng.random(n) < 0.35
        plot.trees(lot.at(lot.width * -0.35, 1.5)[some], rng.uniform(1.5, 3.0, int(some.sum())))
    shares = {"clay": 2.0, "clay_dark": 2.0, "bitumen": 2.0, "fibre": 1.5, "concrete": 0.5, "rust": 0.4}
    houses.draw(plot, shares, 0.12)
