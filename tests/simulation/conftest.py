"""One made-up scene that several tests look at."""

from __future__ import annotations

import pytest

from suelo.simulation import SimulatedChip, simulate_array


@pytest.fixture(scope="session")
def scene() -> SimulatedChip:
    """A mixed scene of 1024 × 1024 pixels with its truth and objects."""
    return simulate_array(1024, 1024, 7)
