"""An analyst sends a chip, looks at it from all sides, and takes the numbers home."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pyogrio
import pytest
from playwright.sync_api import expect
from visitor import Visitor

from suelo.api.query import selection_to_query
from suelo.landcover import CLASSES, class_by_name
from suelo.segmentation.selection import Selection

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def sender(browser, server, chip) -> Iterator[Visitor]:
    """Somebody who has sent a chip and looks at its result."""
    sender = Visitor(browser, server)
    sender.go("/")
    sender.send(chip)
    sender.page.wait_for_url("**/results/*")
    yield sender
    sender.context.close()


@pytest.fixture(scope="module")
def address(sender, server) -> str:
    """Where the result is."""
    return sender.page.url.removeprefix(server)


@pytest.fixture
def analyst(sender, address) -> Iterator[Visitor]:
    """The sender, who opens the result anew with opaque classes, and in the end has had no trouble."""
    sender.go(address)
    expect(sender.page.locator("#chart .bars path").first).to_be_visible()
    sender.page.focus("[aria-label='Opacity of the classes']")
    sender.page.keyboard.press("End")
    sender.settle()
    yield sender
    assert sender.troubles == []


@pytest.fixture
def default(analyst, address) -> Selection:
    """The model's own thresholds."""
    job = analyst.context.request.get(f"{analyst.server}/v1/jobs/{address.rpartition('/')[2]}").json()
    return Selection(tuple(job["model"]["thresholds"]))


def largest(chart: dict[str, float]) -> str:
    """Key of the class with the longest bar."""
    return class_by_name(max(chart, key=chart.__getitem__)).key


def test_a_switched_off_class_leaves_map_chart_table_and_address(analyst, default) -> None:
    page = analyst.page
    key = largest(analyst.chart())
    name = class_by_name(key).name
    assert analyst.pixels_of(key) > 500

    page.get_by_label(f"Show {name}", exact=True).press("Space")
    analyst.follow()

    assert analyst.pixels_of(key) == 0
    assert list(analyst.chart()) == [c.name for c in CLASSES if c.key != key]
    page.get_by_role("tab", name="Table").click()
    assert list(analyst.table()) == [c.key for c in CLASSES if c.key != key]
    shown = replace(default, class_ids=tuple(c.id for c in CLASSES if c.key != key))
    assert urlsplit(page.url).query == selection_to_query(shown, default)

    page.get_by_label("All classes", exact=True).click()
    analyst.follow()
    assert len(analyst.chart()) == 10
    page.get_by_label("All classes", exact=True).click()
    analyst.follow()
    page.get_by_role("tab", name="Chart").click()
    expect(page.get_by_text("All classes are switched off.")).to_be_visible()

    page.get_by_label(f"Show only {name}", exact=True).press("Enter")
    analyst.follow()
    assert list(analyst.chart()) == [name]
    assert analyst.pixels_of(key) > 500


def test_a_threshold_moved_by_keyboard_changes_everything(analyst, default) -> None:
    page = analyst.page
    key = largest(analyst.chart())
    name, number = class_by_name(key).name, class_by_name(key).id - 1
    before, pixels = analyst.chart(), analyst.pixels_of(key)

    thumb = page.get_by_label(f"Threshold of {name}", exact=True)
    for _ in range(3):
        thumb.press("ArrowRight")
    expected = round(default.thresholds[number] + 0.03, 2)
    row = page.locator("li.class-row", has=thumb)
    expect(row.locator(".threshold-text")).to_have_text(f"{expected:.2f}")
    analyst.follow()

    assert analyst.chart()[name] < before[name]
    assert {n: v for n, v in analyst.chart().items() if n != name} == {n: v for n, v in before.items() if n != name}
    assert 0 < analyst.pixels_of(key) < pixels
    assert urlsplit(page.url).query == f"threshold={key}={expected}"

    page.get_by_label("Threshold of all classes").press("End")
    analyst.follow()
    assert sum(analyst.chart().values()) < sum(before.values())
    assert urlsplit(page.url).query == "threshold=0.95"

    page.get_by_label("Set all thresholds to the model's defaults").click()
    analyst.follow()
    assert analyst.chart() == before
    assert urlsplit(page.url).query == ""


def test_other_classes_keep_their_numbers_and_links_their_thresholds(analyst, default, address) -> None:
    page = analyst.page
    # The model's own threshold of some class is finer than the steps of the sliders, and the link almost gives it.
    fine = next(c for c in CLASSES if round(default.thresholds[c.id - 1], 2) != default.thresholds[c.id - 1])
    other = next(c for c in CLASSES if c is not fine)
    own, near = default.thresholds[fine.id - 1], round(default.thresholds[fine.id - 1], 2)

    def shown() -> str:
        row = page.locator("li.class-row", has=page.get_by_label(f"Threshold of {fine.name}", exact=True))
        return row.locator(".threshold-text").inner_text()

    assert shown() == f"{own:.3f}"
    before = analyst.chart()[fine.name]
    page.get_by_label(f"Threshold of {other.name}", exact=True).press("ArrowRight")
    analyst.follow()
    assert (shown(), analyst.chart()[fine.name]) == (f"{own:.3f}", before)
    assert fine.key not in urlsplit(page.url).query

    analyst.go(f"{address}?threshold={fine.key}={near}")
    expect(page.locator("#chart .bars path").first).to_be_visible()
    analyst.settle()
    assert (urlsplit(page.url).query, shown()) == (f"threshold={fine.key}={near}", f"{near:.2f}")
    answer = analyst.context.request.get(
        f"{analyst.server}/v1/jobs/{address.rpartition('/')[2]}?{urlsplit(page.url).query}"
    )
    area = answer.json()["statistics"][fine.id - 1]["area_m2"]
    assert analyst.chart()[fine.name] == pytest.approx(area / 10_000)

    page.get_by_label("Set all thresholds to the model's defaults").click()
    analyst.follow()
    assert (urlsplit(page.url).query, shown()) == ("", f"{own:.3f}")


def test_downloads_hold_exactly_what_is_shown(analyst, tmp_path) -> None:
    page = analyst.page
    key = largest(analyst.chart())
    page.get_by_label(f"Show {class_by_name(key).name}", exact=True).press("Space")
    page.get_by_label("Threshold of all classes").press("ArrowRight")
    analyst.follow()
    page.get_by_role("tab", name="Table").click()
    table = analyst.table()
    page.get_by_role("tab", name="Download").click()

    with analyst.download("classes.csv", tmp_path).open(newline="") as file:
        rows = {row["class"]: row for row in csv.DictReader(file)}
    assert {class_by_name(name).key for name in rows} == set(table)
    for name, row in rows.items():
        threshold, objects, hectares, *_ = table[class_by_name(name).key]
        assert float(row["threshold"]) == pytest.approx(float(threshold))
        assert int(row["polygons"]) == int(objects.replace(",", ""))
        assert float(row["area_m2"]) / 10_000 == pytest.approx(float(hectares), abs=5.1e-5)

    package = analyst.download("polygons.gpkg", tmp_path)
    assert package.name == "barrio-polygons.gpkg"
    polygons = pyogrio.read_dataframe(package, layer="landcover")
    counts = polygons.groupby("class_id").size().to_dict()
    assert counts == {
        class_by_name(key).id: int(cells[1].replace(",", "")) for key, cells in table.items() if cells[1] != "0"
    }
    areas = polygons.assign(area=polygons.area).groupby("class_id").area.sum()
    for number, area in areas.items():
        assert area / 10_000 == pytest.approx(float(table[CLASSES[number - 1].key][2]), rel=0.01, abs=5e-5)


def test_the_address_shows_the_same_to_somebody_else(analyst, visit) -> None:
    key = largest(analyst.chart())
    name = class_by_name(key).name
    analyst.page.get_by_label(f"Show only {name}", exact=True).press("Enter")
    analyst.page.get_by_label(f"Threshold of {name}", exact=True).press("ArrowLeft")
    analyst.follow()

    colleague = visit()
    colleague.go(analyst.page.url.removeprefix(analyst.server))
    expect(colleague.page.locator("#chart .bars path").first).to_be_visible()
    colleague.settle()
    assert colleague.chart() == analyst.chart()
    assert colleague.page.url == analyst.page.url


def test_the_pointer_tells_classes_probabilities_and_place(analyst) -> None:
    page = analyst.page
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2 + 2)
    pointer = page.locator("#pointer")
    expect(pointer.locator(".found-place")).to_contain_text("°, -7")
    job = page.url.rpartition("/")[2]
    lat, lng = pointer.locator(".found-place").inner_text().replace("°", "").split(", ")
    answer = analyst.context.request.get(f"{analyst.server}/v1/jobs/{job}/point?lat={lat}&lng={lng}").json()
    for found in answer["classes"]:
        if found["shown"]:
            line = pointer.locator(".found.shown", has_text=found["name"])
            expect(line).to_contain_text(f"{round(found['probability'] * 100)} %")
    page.mouse.move(5, 5)
    expect(pointer).to_be_hidden()


def test_image_opacity_and_zoom(analyst) -> None:
    page = analyst.page
    page.get_by_label("Opacity of the classes").press("Home")
    true_colour = analyst.picture()
    page.get_by_text("Near-infrared", exact=True).click()
    analyst.settle()
    infrared = analyst.picture()
    page.get_by_text("NDVI", exact=True).click()
    analyst.settle()
    ndvi = analyst.picture()
    for one, other in ((true_colour, infrared), (infrared, ndvi), (ndvi, true_colour)):
        assert (one != other).any(axis=0).mean() > 0.2

    scale = page.locator("#scale").inner_text()
    for _ in range(4):
        page.get_by_role("button", name="Zoom in").click()
        page.wait_for_timeout(300)
    assert page.locator("#scale").inner_text() != scale
    page.get_by_role("button", name="Show the whole image").click()
    expect(page.locator("#scale")).to_have_text(scale)


def test_the_background_map_is_asked_for_only_when_it_is_switched_on(analyst) -> None:
    page = analyst.page
    host = "https://tile.openstreetmap.org/"
    page.route(host + "**", lambda route: route.abort())
    switch = page.get_by_label("Background map")
    expect(switch).not_to_be_checked()
    assert analyst.troubles == []
    with page.expect_request(lambda request: request.url.startswith(host)):
        switch.press("Space")
    expect(page.get_by_text("© OpenStreetMap contributors")).to_be_visible()
    switch.press("Space")
    expect(page.get_by_text("© OpenStreetMap contributors")).to_be_hidden()
    assert [trouble for trouble in analyst.troubles if host not in trouble] == []
    page.unroute_all(behavior="ignoreErrors")
    analyst.troubles.clear()


def test_spanish(visit, address) -> None:
    reader = visit()
    page = reader.go(address)
    page.get_by_role("link", name="Español").click()
    expect(page.locator("#chart .bars path").first).to_be_visible()
    reader.settle()
    assert page.locator("html").get_attribute("lang") == "es"
    assert list(reader.chart()) == [c.name_es for c in CLASSES]
    assert "lang=" not in page.url
    page.get_by_role("link", name="Todos los resultados").click()
    expect(page.get_by_role("heading", name="¿Qué cubre el suelo?")).to_be_visible()


def test_windows_of_all_sizes_show_everything_without_sideways_scrolling(analyst) -> None:
    page = analyst.page
    for width in (1280, 820, 390):
        page.set_viewport_size({"width": width, "height": 720})
        for name in ("Table", "Download", "About", "Chart"):
            page.get_by_role("tab", name=name).click()
            expect(page.get_by_role("tabpanel", name=name)).to_be_visible()
            page.wait_for_function("() => document.documentElement.scrollWidth <= window.innerWidth")
    page.set_viewport_size({"width": 1440, "height": 900})


def test_every_control_has_a_name(analyst) -> None:
    nameless = analyst.page.evaluate(
        """() => [...document.querySelectorAll("button, a[href], input, [role=slider], [role=tab]")]
            .filter((e) => e.type !== "hidden" && !e.closest("[hidden]"))
            .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length || e.title))
            .map((e) => e.outerHTML)"""
    )
    assert nameless == []
