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
StartServer = Callable[..., tuple[subprocess.Popen[str], str]]
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
def start_server() -> Iterator[StartServer]:
    """A function that starts `suelo serve` with a home; the process, and the address once it answers there."""
    running = []

    def start(home: Path, port: int = 0, **settings: str) -> tuple[subprocess.Popen[str], str]:
        environment = os.environ | {"SUELO_HOME": str(home), "PYTHONUNBUFFERED": "1"} | settings
        command = [sys.executable, "-m", "suelo", "serve", "--port", str(port)]
        with (home / "log").open("a") as log:
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        running.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://[\d.]+:\d+", line):
                return process, found[0]
        pytest.fail(f"the server did not start: {(home / 'log').read_text()}")

    yield start
    for process in running:
        with process:
            process.terminate()


@pytest.fixture(scope="session")
def server(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of `suelo serve` with an empty home."""
    return start_server(tmp_path_factory.mktemp("home"))[1]


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
