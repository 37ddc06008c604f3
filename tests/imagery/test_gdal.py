"""GDAL's memory for decoded blocks."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import rasterio

CODE = """
import sys
import rasterio
from rasterio._env import get_gdal_config
import suelo

with rasterio.Env(**eval(sys.argv[2])):
    suelo.open_scene(sys.argv[1]).read()
    print(get_gdal_config("GDAL_CACHEMAX"))
"""


@pytest.mark.parametrize(
    ("variable", "options", "width", "largest"),
    [
        (None, {}, 20, 128 << 20),
        (None, {}, 20_000, 20_000 * 16 * 512 * 3 // 2),  # one and a half rows of tiles
        ("200", {}, 20_000, 200 << 20),
        (None, {"GDAL_CACHEMAX": 300 << 20}, 20_000, 300 << 20),
    ],
)
def test_the_cache_is_small_unless_the_user_chooses(tmp_path, variable, options, width, largest):
    path = tmp_path / "image.tif"
    with rasterio.open(path, "w", driver="GTiff", count=8, height=20, width=width, dtype="uint16") as file:
        file.write(np.ones((8, 20, width), np.uint16))
    environment = {key: value for key, value in os.environ.items() if key != "GDAL_CACHEMAX"}
    if variable:
        environment["GDAL_CACHEMAX"] = variable
    command = [sys.executable, "-W", "ignore", "-c", CODE, str(path), repr(options)]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert int(found) == largest
