"""A real server in its own process, and a real browser, for the tests that use Suelo as people do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from visitor import Visitor

from suelo.simulation import simulate

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; the test skips where there is none, and fails in CI."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        reason = f"there is no Chromium on the PATH ({', '.join(CHROMIUM)})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of `suelo serve` with an empty home."""
    home = tmp_path_factory.mktemp("home")
    environment = os.environ | {"SUELO_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "suelo", "serve", "--port", "0"]
    with (
        (home / "log").open("w+") as log,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://[\d.]+:\d+", line):
                break
        else:
            pytest.fail(f"the server did not start: {(home / 'log').read_text()}")
        yield found[0]
        process.terminate()
        process.wait(20)


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Callable[[], Visitor]]:
    """A function that opens a browser context with cookies of its own; in the end nobody may have had trouble."""
    visitors: list[Visitor] = []

    def open_context() -> Visitor:
        visitors.append(Visitor(browser, server))
        return visitors[-1]

    yield open_context
    for visitor in visitors:
        visitor.context.close()
    assert [trouble for visitor in visitors for trouble in visitor.troubles] == []


@pytest.fixture(scope="session")
def chip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated chip near Bogotá."""
    path = tmp_path_factory.mktemp("images") / "barrio.tif"
    simulate(path, height=256, width=256, seed=11)
    return path
