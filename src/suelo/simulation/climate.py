"""What one scene has in common: sun, soils, season, roofs, light; and the surfaces that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suelo.simulation.drawing import Surfaces, surfaces
from suelo.simulation.spectra import Radiometry, Spectrum, draw_radiometry, reflectance

_ROOFS = ("clay", "clay_dark", "metal", "metal_blue", "metal_green", "rust", "fibre", "bitumen", "concrete", "white")
_CITY_ROOFS = np.array([5.0, 3.0, 2.0, 1.0, 0.5, 1.5, 4.0, 2.0, 4.0, 1.0])
_CARS = ("white", "car_silver", "car_black", "car_red", "car_blue", "car_yellow")
_CAR_SHARES = np.array([0.36, 0.24, 0.16, 0.10, 0.09, 0.05])


@dataclass(frozen=True)
class Climate:
    """The state of one scene.

    Attributes:
        sun: Unit vector on the ground towards the sun, x to the right and y down.
        shadow: Length of shadow per metre of height.
        soil: Reflectance of the bare ground, (8,).
        soil_light: Reflectance of trodden, dry ground and dirt tracks, (8,).
        green: Share of green in the grass, 0 to 1.
        tree: Reflectance of tree crowns, (8,).
        roofs: Share of each roof material.
        radiometry: From reflectance to numbers.
    """

    sun: NDArray[np.float64]
    shadow: float
    soil: Spectrum
    soil_light: Spectrum
    green: float
    tree: Spectrum
    roofs: NDArray[np.float64]
    radiometry: Radiometry

    @property
    def grass(self) -> Spectrum:
        """Reflectance of the grass of this season, (8,)."""
        return self.green * reflectance("grass") + (1 - self.green) * reflectance("dry")

    def roof_surfaces(self, rng: np.random.Generator, n: int, favour: dict[str, float] | None = None) -> Spectrum:
        """Reflectances of `n` roofs, (n, 8); `favour` replaces the scene's shares of materials."""
        if favour is None:
            names, shares = list(_ROOFS), self.roofs
        else:
            names, shares = list(favour), np.array(list(favour.values()))
        table = np.array([reflectance(name) for name in names])
        chosen = table[rng.choice(len(names), n, p=shares / shares.sum())]
        return vary(rng, chosen, 0.16, 0.05)

    def car_surfaces(self, rng: np.random.Generator, n: int, *, large: bool = False) -> Surfaces:
        """Surfaces of `n` vehicles; large ones are white or silver more often."""
        table = np.array([reflectance(name) for name in _CARS])
        shares = _CAR_SHARES * ((2.5, 1.5, 0.4, 1.0, 1.0, 1.0) if large else 1.0)
        chosen = table[rng.choice(len(_CARS), n, p=shares / shares.sum())]
        return surfaces(vary(rng, chosen, 0.12, 0.04), light=0.10)


def vary(rng: np.random.Generator, spectra: Spectrum, brightness: float, colour: float) -> Spectrum:
    """Spectra (n, 8) with each object's own brightness and a smooth change of colour over the bands."""
    n = len(spectra)
    ramp = np.linspace(-1.0, 1.0, 8)
    change = rng.normal(0, brightness, (n, 1)) + rng.normal(0, colour, (n, 1)) * ramp
    return np.clip(spectra * np.exp(change), 0.003, 0.8)


def draw_climate(rng: np.random.Generator) -> Climate:
    """Draw the state of a scene."""
    # WorldView passes in the late morning, with the sun somewhere in the east to south.
    azimuth = np.radians(rng.uniform(25, 175))
    elevation = np.radians(rng.uniform(38, 75))
    share = rng.dirichlet((1.8, 0.45, 0.8, 0.9))
    names = ("soil_brown", "soil_red", "soil_sand", "soil_dark")
    soil = share @ np.array([reflectance(n) for n in names]) * rng.uniform(0.85, 1.15)
    soil_light = 0.55 * soil + 0.45 * reflectance("soil_sand") * rng.uniform(0.85, 1.1)
    dark = rng.uniform(0, 0.6)
    tree = (1 - dark) * reflectance("tree") + dark * reflectance("tree_dark")
    roofs = rng.dirichlet(_CITY_ROOFS * 0.6) * 0.7 + _CITY_ROOFS / _CITY_ROOFS.sum() * 0.3
    return Climate(
        sun=np.array([np.sin(azimuth), -np.cos(azimuth)]),
        shadow=float(1 / np.tan(elevation)),
        soil=soil,
        soil_light=soil_light,
        green=float(np.clip(rng.beta(2.2, 1.3), 0.1, 1.0)),
        tree=tree * rng.uniform(0.9, 1.12),
        roofs=roofs,
        radiometry=draw_radiometry(rng),
    )
