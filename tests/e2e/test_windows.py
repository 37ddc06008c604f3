"""Narrow windows, several windows at once, and addresses that ask for more than the page has controls for."""

from __future__ import annotations

import shutil
import time

import numpy as np
import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

BACKGROUND = np.array((0x26, 0x2E, 0x2A))
"""Colour of the map where nothing is."""
OWN = ".result-item:has([data-delete])"
"""Results of the visitor, not the sample that everybody sees."""


def send_and_open(visitor, image) -> Page:
    """Send an image; the page of its result."""
    page = visitor.go("/")
    visitor.send(image)
    page.wait_for_url("**/results/*")
    expect(page.locator("#chart .bars path").first).to_be_visible()
    return page


def boxes(page: Page, *selectors: str) -> list[dict[str, float]]:
    """Where elements are on the page."""
    found = [page.locator(selector).first.bounding_box() for selector in selectors]
    assert all(found)
    return found


@pytest.mark.parametrize("width", [390, 700])
def test_the_first_page_fits_a_narrow_window(visit, chip, width) -> None:
    visitor = visit()
    send_and_open(visitor, chip)
    visitor.page.set_viewport_size({"width": width, "height": 844})
    page = visitor.go("/")
    page.wait_for_selector(".result-item")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    upload, sample, item, link, state = boxes(page, "#upload", ".sample", ".result-item", ".result-link", ".state")
    assert upload["width"] > width - 60
    assert sample["y"] >= upload["y"] + upload["height"]
    assert link["width"] > width / 2
    assert link["y"] + link["height"] <= state["y"] < item["y"] + item["height"]


@pytest.mark.parametrize("width", [390, 1440])
def test_the_whole_image_is_shown_below_the_toolbar_however_wide_the_window(visit, chip, width) -> None:
    visitor = visit()
    visitor.page.set_viewport_size({"width": width, "height": 844})
    page = send_and_open(visitor, chip)
    visitor.settle()

    for next_width in (width, 820 if width > 1000 else 480):
        page.set_viewport_size({"width": next_width, "height": 844})
        visitor.settle()
        bar, frame = boxes(page, ".toolbar", "#map")
        top = round(bar["y"] + bar["height"] - frame["y"])

        def covered(top: int = top) -> tuple[bool, bool, bool]:
            away = abs(visitor.picture().astype(int) - BACKGROUND[:, None, None])
            seen = (away > 20).any(axis=0)[top:]  # the toolbar has a shadow
            beside = seen[:, 60:-60]  # zoom buttons and scale are at the sides
            share = max(beside.any(axis=1).mean(), seen.any(axis=0).mean())
            return bool(beside[1:8].any()), bool(beside[-8:-1].any()), bool(share > 0.6)

        # Where the window has changed, the map follows a moment later.
        deadline = time.monotonic() + 30
        while covered() != (False, False, True) and time.monotonic() < deadline:
            page.wait_for_timeout(200)
        assert covered() == (False, False, True)


def test_each_window_keeps_its_language(visit, chip) -> None:
    visitor = visit()
    page = send_and_open(visitor, chip)
    other = visitor.context.new_page()
    other.goto(visitor.server + "/?lang=es")
    expect(other.get_by_text("¿Qué cubre el suelo?")).to_be_visible()
    page.get_by_role("tab", name="Table").click()
    page.get_by_role("button", name="Show only Roads").click()
    visitor.settle()
    expect(page.locator("#table thead")).to_contain_text("Threshold")
    expect(page.locator("#table tbody")).to_contain_text("Roads")


def test_the_same_image_under_another_name_is_said_to_be_known(visit, chip, tmp_path) -> None:
    visitor = visit()
    send_and_open(visitor, chip)
    page = visitor.go("/")
    visitor.send(shutil.copy(chip, tmp_path / "manzana.tif"))
    row = page.locator(".upload-row")
    expect(row).to_contain_text("This image was sent before, as “barrio”; that is its result.")
    expect(page.locator(OWN)).to_have_count(1)
    row.get_by_role("link", name="Open").click()
    expect(page.locator(".result-name")).to_have_text("barrio")


def test_what_another_window_has_deleted_leaves_the_list(visit, chip) -> None:
    visitor = visit()
    send_and_open(visitor, chip)
    page = visitor.go("/")
    item = page.locator(OWN)
    expect(item).to_have_count(1)
    job = item.get_attribute("data-job")
    assert visitor.context.request.delete(f"{visitor.server}/v1/jobs/{job}").ok
    item.get_by_role("button", name="Delete barrio").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#notice")).not_to_be_empty()
    expect(item).to_have_count(0)
    expect(page.locator("#results")).to_be_focused()
    assert [text for text in visitor.troubles if "404" not in text] == []
    visitor.troubles.clear()


def test_an_address_with_its_own_smallest_area_says_so_and_can_be_left(visit, chip) -> None:
    visitor = visit()
    page = send_and_open(visitor, chip)
    usual = visitor.chart()
    page.goto(page.url + "?min_area=5000&threshold=roads=0.3")
    expect(page.locator(".note")).to_contain_text("Objects smaller than 5,000 m² are left out.")
    visitor.settle()
    assert sum(visitor.chart().values()) < sum(usual.values())
    page.get_by_role("button", name="Show as usual").click()
    expect(page.get_by_role("button", name="Show as usual")).to_have_count(0)
    visitor.settle()
    assert "min_area" not in page.url
    assert "threshold=roads=0.3" in page.url
    assert visitor.chart().keys() == usual.keys()


def test_a_file_dropped_on_a_result_does_not_replace_the_page(visit, chip) -> None:
    visitor = visit()
    page = send_and_open(visitor, chip)
    taken = page.evaluate(
        """() => ["dragover", "drop"].map((kind) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["x"], "scene.tif"));
            const event = new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
            document.body.dispatchEvent(event);
            return [event.defaultPrevented, transfer.dropEffect];
        })"""
    )
    assert taken == [[True, "none"], [True, "none"]]


def test_a_background_map_out_of_reach_is_said_once(visit, chip) -> None:
    visitor = visit()
    page = send_and_open(visitor, chip)
    page.route("https://tile.openstreetmap.org/**", lambda route: route.abort())
    page.locator("#basemap").click()
    expect(page.locator("#notice")).to_have_text("The background map cannot be reached from here.")
    page.click("#dismiss")
    page.locator("#map").press("+")
    page.wait_for_load_state("networkidle")
    expect(page.locator("#notice")).to_be_empty()
    visitor.troubles.clear()
