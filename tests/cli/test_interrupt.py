"""Ctrl-C in the middle of a scene: a quick end, and nothing half-written."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import rasterio

# A shell makes what it runs in the background deaf to Ctrl-C; this listens again.
SUELO = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from suelo.cli import main; main()"


def test_an_interrupted_segmentation_leaves_nothing(tmp_path):
    scene, temporary, out = tmp_path / "scene.tif", tmp_path / "temporary", tmp_path / "out"
    temporary.mkdir()
    rows = np.random.default_rng(1).integers(100, 900, (8, 500, 4000), np.uint16)
    with rasterio.open(scene, "w", driver="GTiff", width=4000, height=4000, count=8, dtype="uint16") as image:
        for row in range(0, 4000, 500):
            image.write(rows, window=rasterio.windows.Window(0, row, 4000, 500))
    process = subprocess.Popen(
        [sys.executable, "-c", SUELO, "segment", str(scene), "-o", str(out), "-q"],
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    try:
        while not any(temporary.rglob("*probabilities*")):
            assert process.poll() is None, "it ended before it could be interrupted"
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    finally:
        process.kill()
    assert list(temporary.iterdir()) == []
    assert not out.exists()
