"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real WorldView imagery and labels; the test skips where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SUELO_SHARED_DATA", default))
    if not (folder / "chips").is_dir():
        pytest.skip(f"real imagery is not here: {folder} (set SUELO_SHARED_DATA to its folder)")
    return folder
