"""Made-up scenes with exact truth: demo, tests, benchmarks."""

from suelo.simulation.layout import STYLES
from suelo.simulation.simulate import SimulatedChip, simulate_array

__all__ = ["STYLES", "SimulatedChip", "simulate_array"]
