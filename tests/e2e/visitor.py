"""A person at a browser: what the tests do and see on the page."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from rasterio.io import MemoryFile

from suelo.landcover import class_by_name

# Other work on the machine must not make a test fail.
expect.set_options(timeout=30_000)


class Visitor:
    """A browser context with one page that notes what must not happen.

    Attributes:
        context: The browser context: cookies of its own.
        page: The page.
        troubles: Console errors, exceptions and requests to other hosts.
    """

    def __init__(self, browser: Browser, server: str) -> None:
        self.context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
        self.server = server
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.troubles: list[str] = []
        self._settled = ""
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda request: self._check(request.url))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.troubles.append(f"{message.text} {message.location.get('url', '')}")

    def _check(self, url: str) -> None:
        if not url.startswith((self.server, "data:", "blob:")):
            self.troubles.append(f"request to another host: {url}")

    def go(self, path: str) -> Page:
        """Open an address of the server and wait for its content."""
        self.page.goto(self.server + path)
        self.page.wait_for_selector("#main")
        return self.page

    def settle(self) -> None:
        """Wait until numbers and tiles belong to the address."""
        self.page.wait_for_function(
            "() => document.querySelector('table.numbers')?.dataset.query === window.location.search.slice(1)"
        )
        self.page.wait_for_load_state("networkidle")
        # While tiles are exchanged the old ones stay as a copy of their layer.
        expect(self.page.locator(".leaflet-tile-pane > .leaflet-layer")).to_have_count(2)
        self._settled = self.page.url

    def follow(self) -> None:
        """Wait until everything follows a change of what is shown."""
        expect(self.page).not_to_have_url(self._settled)
        self.settle()

    def picture(self) -> NDArray[np.uint8]:
        """The map as it is on the screen: red, green and blue (3, height, width)."""
        with MemoryFile(self.page.locator("#map").screenshot()) as file, file.open() as image:
            return image.read((1, 2, 3))

    def pixels_of(self, key: str) -> int:
        """How many pixels of the map have exactly the colour of a class."""
        colour = np.array(class_by_name(key).colour, np.uint8)[:, None, None]
        return int((self.picture() == colour).all(axis=0).sum())

    def chart(self) -> dict[str, float]:
        """Length of the bar of each class, by its name."""
        (bars,) = self.page.evaluate("document.querySelector('#chart .js-plotly-plot').data")
        return dict(zip(bars["y"], bars["x"], strict=True))

    def table(self) -> dict[str, list[str]]:
        """Cells of the table by class key."""
        rows = self.page.locator("#table tbody tr").all()
        return {row.get_attribute("data-class"): row.locator("td").all_text_contents() for row in rows}

    def download(self, file: str, folder: Path) -> Path:
        """Click a download and keep the file under the name that the server gives it."""
        with self.page.expect_download() as waiting:
            self.page.click(f"a[href*='/{file}']")
        path = folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    def send(self, *files: Path) -> None:
        """Choose files on the first page."""
        with self.page.expect_file_chooser() as chooser:
            self.page.click("#choose")
        chooser.value.set_files(files)

    def drop(self, *files: Path) -> None:
        """Drop files on the first page."""
        contents = [{"name": file.name, "data": base64.b64encode(file.read_bytes()).decode()} for file in files]
        self.page.evaluate(
            """(files) => {
                const transfer = new DataTransfer();
                for (const file of files) {
                    const bytes = Uint8Array.from(atob(file.data), (letter) => letter.charCodeAt(0));
                    transfer.items.add(new File([bytes], file.name));
                }
                const event = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
                document.getElementById("drop").dispatchEvent(event);
            }""",
            contents,
        )
