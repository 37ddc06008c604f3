"""Reflectance of materials in WorldView-3's eight bands, and the radiometry that turns it into 11-bit numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.float64]

# Bands centred near 425, 480, 545, 605, 660, 725, 832 and 950 nm. The values are rounded, typical reflectances of
# the kind that field spectrometers give for such surfaces; they set contrast and order, not a calibration.
_TABLE: dict[str, tuple[float, ...]] = {
    "tree": (0.025, 0.029, 0.056, 0.041, 0.031, 0.165, 0.350, 0.360),
    "tree_dark": (0.020, 0.023, 0.040, 0.030, 0.024, 0.120, 0.270, 0.280),
    "grass": (0.036, 0.044, 0.092, 0.072, 0.058, 0.215, 0.390, 0.395),
    "lawn": (0.034, 0.042, 0.105, 0.074, 0.050, 0.260, 0.460, 0.460),
    "crop": (0.028, 0.034, 0.086, 0.056, 0.038, 0.250, 0.500, 0.500),
    "crop_young": (0.040, 0.050, 0.120, 0.100, 0.070, 0.270, 0.430, 0.430),
    "crop_ripe": (0.060, 0.078, 0.140, 0.185, 0.190, 0.280, 0.350, 0.370),
    "dry": (0.062, 0.078, 0.118, 0.150, 0.168, 0.225, 0.290, 0.310),
    "soil_brown": (0.078, 0.095, 0.128, 0.162, 0.182, 0.215, 0.260, 0.290),
    "soil_red": (0.056, 0.068, 0.100, 0.160, 0.205, 0.235, 0.290, 0.310),
    "soil_sand": (0.130, 0.160, 0.220, 0.280, 0.320, 0.350, 0.390, 0.410),
    "soil_dark": (0.048, 0.056, 0.072, 0.088, 0.099, 0.115, 0.150, 0.170),
    "asphalt": (0.068, 0.074, 0.083, 0.090, 0.094, 0.098, 0.106, 0.110),
    "asphalt_old": (0.105, 0.116, 0.132, 0.145, 0.152, 0.158, 0.170, 0.175),
    "concrete": (0.180, 0.210, 0.250, 0.280, 0.290, 0.300, 0.320, 0.320),
    "paving": (0.135, 0.155, 0.185, 0.210, 0.222, 0.235, 0.255, 0.260),
    "clay": (0.050, 0.060, 0.092, 0.200, 0.270, 0.290, 0.310, 0.300),
    "clay_dark": (0.040, 0.045, 0.054, 0.105, 0.165, 0.185, 0.205, 0.205),
    "metal": (0.320, 0.350, 0.370, 0.380, 0.380, 0.375, 0.370, 0.355),
    "metal_blue": (0.150, 0.260, 0.240, 0.140, 0.115, 0.135, 0.240, 0.270),
    "metal_green": (0.090, 0.160, 0.230, 0.170, 0.110, 0.115, 0.200, 0.220),
    "rust": (0.055, 0.064, 0.086, 0.145, 0.195, 0.235, 0.270, 0.280),
    "fibre": (0.150, 0.170, 0.190, 0.200, 0.206, 0.210, 0.216, 0.216),
    "bitumen": (0.050, 0.053, 0.056, 0.060, 0.060, 0.063, 0.070, 0.070),
    "thatch": (0.082, 0.100, 0.140, 0.190, 0.222, 0.270, 0.320, 0.340),
    "white": (0.430, 0.490, 0.530, 0.550, 0.555, 0.545, 0.530, 0.510),
    "plastic": (0.300, 0.345, 0.385, 0.375, 0.365, 0.420, 0.480, 0.460),
    "water": (0.036, 0.032, 0.027, 0.015, 0.011, 0.009, 0.005, 0.004),
    "turbid": (0.066, 0.084, 0.128, 0.140, 0.132, 0.095, 0.048, 0.028),
    "algae": (0.034, 0.040, 0.074, 0.050, 0.038, 0.085, 0.090, 0.070),
    "car_silver": (0.290, 0.300, 0.310, 0.310, 0.310, 0.310, 0.310, 0.305),
    "car_black": (0.026, 0.027, 0.028, 0.029, 0.030, 0.032, 0.036, 0.038),
    "car_red": (0.045, 0.045, 0.048, 0.130, 0.360, 0.390, 0.400, 0.400),
    "car_blue": (0.090, 0.150, 0.100, 0.056, 0.048, 0.065, 0.190, 0.220),
    "car_yellow": (0.060, 0.090, 0.330, 0.480, 0.510, 0.510, 0.510, 0.510),
}


def reflectance(name: str) -> Spectrum:
    """Reflectance of a material in the eight bands, 0 to 1, float64 (8,)."""
    return np.array(_TABLE[name])


# Three real images' dark level and numbers per unit of reflectance, read off their histograms: a hazy and a clear
# WorldView-3 scene and a WorldView-2 one. A made-up scene lies somewhere between them.
_PATH = np.array(
    [
        [300, 255, 285, 260, 130, 205, 150, 130],
        [225, 235, 290, 250, 210, 190, 125, 92],
        [285, 140, 130, 115, 58, 92, 65, 55],
    ],
    float,
)
_GAIN = np.array(
    [
        [480, 700, 1080, 1330, 1020, 1280, 1550, 1430],
        [800, 1080, 1350, 1250, 1050, 1290, 1900, 1270],
        [770, 820, 1360, 1780, 1440, 1500, 1740, 1400],
    ],
    float,
)
_HAZE = np.array([48, 42, 30, 22, 16, 10, 5, 4], float)
_SKY = np.array([0.42, 0.36, 0.29, 0.25, 0.22, 0.20, 0.17, 0.16])


@dataclass(frozen=True)
class Radiometry:
    """How reflectance becomes numbers in one scene.

    Attributes:
        path: Number where nothing is reflected: path radiance and haze, (8,).
        gain: Numbers per unit of reflectance in full sun, (8,).
        sky: Share of the light that is left in shadow, (8,): more of the blue than of the infrared.
        noise: Standard deviation of the sensor's noise, in numbers, at zero signal.
    """

    path: Spectrum
    gain: Spectrum
    sky: Spectrum
    noise: float


def draw_radiometry(rng: np.random.Generator) -> Radiometry:
    """The radiometry of one scene: between three real ones, with its own haze, brightness and shadows."""
    share = rng.dirichlet((0.8, 1.1, 0.6))
    tint = rng.normal(1.0, 0.04, 8)
    path = share @ _PATH * rng.normal(1.0, 0.05) * tint + _HAZE * rng.uniform(0.0, 1.6)
    gain = share @ _GAIN * rng.uniform(0.80, 1.12) * rng.normal(1.0, 0.04, 8)
    return Radiometry(path, gain, np.minimum(_SKY * rng.uniform(0.8, 1.35), 0.6), rng.uniform(1.2, 3.0))
