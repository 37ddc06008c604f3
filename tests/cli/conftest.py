"""Scenes and a network that take long enough to be interrupted, and the command as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

# A shell makes what it runs in the background deaf to Ctrl-C; this listens again.
_SUELO = """
import signal
from suelo.cli import main
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
"""


@pytest.fixture(scope="session")
def long_scene(draw_image, tmp_path_factory):
    """A scene of eleven strips."""
    return draw_image(tmp_path_factory.mktemp("long") / "scene.tif", 18000, 128, seed=3, epsg=9377, empty_rows=20)


@pytest.fixture(scope="session")
def slow_model(write_model, tmp_path_factory):
    """A network that needs about a tenth of a second for a strip of `long_scene`."""
    return write_model(tmp_path_factory.mktemp("slow") / "slow.onnx", box=9, times=30, halo=16)


@pytest.fixture
def start(tmp_path_factory):
    """A function that starts `suelo …` in a session of its own, as a terminal does; nothing of it outlives the test."""
    script = tmp_path_factory.mktemp("script") / "suelo_process.py"
    script.write_text(_SUELO)
    started = []

    def call(*arguments, **environment):
        process = subprocess.Popen(
            [sys.executable, script, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=os.environ | environment,
        )
        started.append(process)
        return process

    yield call
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, 9)
        process.communicate()


@pytest.fixture
def strips_of():
    """A function that waits until so many strips are finished in a folder of results."""

    def wait(folder, count, process):
        strips = folder / ".unfinished" / "strips"
        while len(found := sorted(path.name for path in strips.glob("*.strip"))) < count:
            assert process.poll() is None, f"it ended too early: {process.communicate()}"
            time.sleep(0.005)
        return found

    return wait
