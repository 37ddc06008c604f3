"""Made-up scenes with exact truth: demo, tests, benchmarks."""

from suelo.simulation.layout import STYLES
from suelo.simulation.simulate import SimulatedChip, SimulatedFiles, simulate, simulate_array

__all__ = ["STYLES", "SimulatedChip", "SimulatedFiles", "simulate", "simulate_array"]
