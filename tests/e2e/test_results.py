"""Results of several people: refusals, lists, deletion, long jobs, the sample, and real images."""

from __future__ import annotations

import base64
import hashlib
import re

import numpy as np
import pytest
import rasterio
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def three_bands(tmp_path):
    """A photograph, not a multispectral image."""
    path = tmp_path / "photo.tif"
    with rasterio.open(path, "w", driver="GTiff", width=64, height=64, count=3, dtype="uint8") as dataset:
        dataset.write(np.full((3, 64, 64), 7, np.uint8))
    return path


def enlarged(chip, path, times: int):
    """The chip repeated side by side into a scene."""
    with rasterio.open(chip) as dataset:
        pixels = np.tile(dataset.read(), (1, times, times))
        profile = dataset.profile | {"height": pixels.shape[1], "width": pixels.shape[2]}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(pixels)
    return path


def test_a_bad_file_is_refused_with_a_sentence_and_the_others_go_on(visit, chip, three_bands) -> None:
    visitor = visit()
    page = visitor.go("/")
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    visitor.drop(three_bands, chip)
    refused, taken = page.locator(".upload-row").all()
    expect(refused).to_contain_text(re.compile(r"This image has 3 bands; .*\."))
    expect(taken.get_by_role("link", name="Open")).to_be_visible()
    expect(page.locator(".result-item")).to_have_count(1)
    assert page.url == visitor.server + "/"
    assert [text for text in visitor.troubles if "422" not in text] == []
    visitor.troubles.clear()


@pytest.mark.parametrize("size", ["wide", "0", "0.001", "120"])
def test_a_pixel_size_that_is_none_is_refused_before_anything_is_sent(visit, chip, size) -> None:
    visitor = visit()
    page = visitor.go("/")
    page.fill("#gsd", size)
    visitor.send(chip)
    expect(page.locator("#upload-error")).to_have_text("The pixel size must be a number of metres from 0.01 to 100.")
    expect(page.locator(".upload-row")).to_have_count(0)


def test_an_upload_can_be_cancelled(visit, chip) -> None:
    visitor = visit()
    page = visitor.go("/")
    # The image never arrives.
    page.route("**/v1/uploads/*", lambda route: None)
    visitor.send(chip)
    row = page.locator(".upload-row")
    expect(row).to_contain_text("Sending: 0 %")
    row.get_by_role("button", name="Cancel barrio.tif").click()
    expect(row).to_contain_text("Cancelled")
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    page.unroute_all(behavior="ignoreErrors")


def test_an_image_arrives_though_a_proxy_hides_by_which_name_the_server_is_reached(visit, chip) -> None:
    visitor = visit()
    page = visitor.go("/")

    def rename(route) -> None:
        answer = route.fetch()
        upload = answer.json()
        upload["url"] = upload["url"].replace(visitor.server, "http://127.0.0.1:1")
        assert upload["url"] == f"http://127.0.0.1:1/v1/uploads/{upload['id']}"
        route.fulfill(response=answer, json=upload)

    page.route("**/v1/uploads", rename)
    visitor.send(chip)
    page.wait_for_url("**/results/*")


@pytest.mark.parametrize("size", [0, 3, 55, 56, 63, 64, 65, (1 << 22) - 1, (1 << 22) + 1])
def test_the_page_finds_the_digest_of_a_file(visit, size: int) -> None:
    content = np.random.default_rng(size).bytes(size)
    digest = (
        visit()
        .go("/")
        .evaluate(
            """(text) => window.suelo.sha256(
            new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]), () => {})""",
            base64.b64encode(content).decode(),
        )
    )
    assert digest == hashlib.sha256(content).hexdigest()


def test_the_page_announces_the_digest_where_it_is_wanted(visit, chip) -> None:
    visitor = visit()
    page = visitor.go("/")
    # As on a server whose visitors send large images straight to S3; smaller ones here.
    page.locator("#upload").evaluate("(section) => { section.dataset.digestAbove = 1000; }")
    with page.expect_request("**/v1/uploads") as asked:
        visitor.send(chip)
    assert asked.value.post_data_json["sha256"] == hashlib.sha256(chip.read_bytes()).hexdigest()
    page.wait_for_url("**/results/*")


def test_an_upload_can_be_cancelled_while_its_digest_is_found(visit, chip) -> None:
    visitor = visit()
    page = visitor.go("/")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("#upload").evaluate("(section) => { section.dataset.digestAbove = 1000; }")
    page.evaluate("() => { Blob.prototype.arrayBuffer = () => new Promise((resolve) => { window.goOn = resolve; }); }")
    visitor.send(chip)
    row = page.locator(".upload-row")
    expect(row).to_contain_text("Reading: 0 %")
    row.get_by_role("button", name="Cancel").click()
    page.evaluate("window.goOn(new ArrayBuffer(64))")
    expect(row).to_contain_text("Cancelled")
    assert not [url for url in asked if url.endswith("/v1/uploads")]


def test_a_file_that_goes_away_while_its_digest_is_found_is_named_as_such(visit, chip) -> None:
    visitor = visit()
    page = visitor.go("/?lang=es")
    page.locator("#upload").evaluate("(section) => { section.dataset.digestAbove = 1000; }")
    page.evaluate("() => { Blob.prototype.arrayBuffer = () => Promise.reject(new DOMException('gone')); }")
    visitor.drop(chip)
    expect(page.locator(".upload-row")).to_contain_text("El archivo no se puede leer")


@pytest.mark.parametrize(("times", "said"), [(9, "Cancelled"), (1, "It was done before it could be cancelled")])
def test_an_upload_can_be_cancelled_while_the_server_makes_its_job(visit, chip, tmp_path, times, said) -> None:
    visitor = visit()
    page = visitor.go("/")
    held = []

    def hold(route) -> None:
        if route.request.method == "POST":
            held.append(route)
        else:
            route.continue_()

    page.route("**/v1/jobs", hold)
    with page.expect_request(lambda request: request.method == "POST" and request.url.endswith("/v1/jobs")):
        visitor.send(enlarged(chip, tmp_path / "scene.tif", times))
    row = page.locator(".upload-row")
    expect(row).to_contain_text("Finding land cover")
    row.get_by_role("button", name="Cancel scene.tif").click()
    expect(row).to_contain_text("Cancelling")
    (route,) = held
    route.continue_()
    expect(row).to_contain_text(said)
    status = page.locator(".result-item .status")
    expect(status).to_have_text("Cancelled" if times > 1 else "Done")
    page.unroute_all(behavior="ignoreErrors")


def test_a_refused_image_is_explained_in_spanish(visit, three_bands) -> None:
    visitor = visit()
    visitor.go("/?lang=es")
    visitor.drop(three_bands)
    row = visitor.page.locator(".upload-row")
    expect(row).to_contain_text(
        "La imagen no se puede segmentar. El servidor dice, en inglés: «This image has 3 bands;"
    )
    visitor.troubles.clear()


def test_the_pixel_size_goes_with_an_image_without_crs(visit, draw_image, tmp_path) -> None:
    visitor = visit()
    page = visitor.go("/")
    page.fill("#gsd", "2.5")
    visitor.send(draw_image(tmp_path / "plane.tif"))
    page.wait_for_url("**/results/*")
    page.get_by_role("tab", name="About").click()
    expect(page.get_by_role("tabpanel", name="About")).to_contain_text("2.50 m")


def test_results_are_listed_for_their_sender_only_until_they_are_deleted(visit, chip) -> None:
    one, other = visit(), visit()
    one.go("/")
    one.send(chip)
    one.page.wait_for_url("**/results/*")
    address = one.page.url.removeprefix(one.server)

    other.go("/")
    expect(other.page.get_by_text("Nothing here yet")).to_be_visible()
    other.go(address)
    expect(other.page.locator("#chart .bars path").first).to_be_visible()
    other.settle()

    one.go("/")
    item = one.page.locator(".result-item")
    expect(item).to_contain_text("barrio")
    expect(item.locator("img")).to_have_js_property("naturalWidth", 128)
    item.get_by_role("button", name="Delete barrio").click()
    one.page.get_by_role("button", name="Keep it").click()
    expect(item).to_be_visible()
    item.get_by_role("button", name="Delete barrio").click()
    one.page.get_by_role("button", name="Delete", exact=True).click()
    expect(one.page.get_by_text("Nothing here yet")).to_be_visible()

    other.page.goto(other.server + address)
    expect(other.page.get_by_text("There is nothing at this address")).to_be_visible()
    assert [text for text in other.troubles if "404" not in text] == []
    other.troubles.clear()


def test_a_scene_runs_in_the_background_and_its_page_becomes_the_result(visit, chip, tmp_path) -> None:
    visitor = visit()
    visitor.go("/")
    visitor.send(enlarged(chip, tmp_path / "scene.tif", 5))
    visitor.page.wait_for_url("**/results/*")
    expect(visitor.page.locator("#chart .bars path").first).to_be_visible(timeout=120_000)
    assert sum(visitor.chart().values()) > 0


def test_a_long_job_can_be_cancelled(visit, chip, tmp_path) -> None:
    visitor = visit()
    page = visitor.go("/")
    visitor.send(enlarged(chip, tmp_path / "large.tif", 9))
    page.wait_for_url("**/results/*")
    expect(page.locator("#job-progress progress")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("This segmentation was cancelled")).to_be_visible(timeout=30_000)


def test_cancel_on_a_page_without_news_leaves_a_finished_result_alone(visit, chip) -> None:
    visitor = visit()
    page = visitor.go("/")
    visitor.send(chip)
    page.wait_for_url("**/results/*")
    address = page.url.removeprefix(visitor.server)
    job = f"{visitor.server}/v1/jobs/{address.rpartition('/')[2]}"

    # The page still shows the job at work.
    visitor.go("/")
    button = page.get_by_role("button", name="Delete barrio")
    button.evaluate("(b, id) => { delete b.dataset.delete; b.dataset.cancel = id; }", address.rpartition("/")[2])
    with page.expect_response(lambda response: response.url.startswith(job)) as answer:
        button.click()
    assert answer.value.json()["status"] == "succeeded"
    visitor.go(address)
    expect(page.locator("#chart .bars path").first).to_be_visible()


def test_the_sample_is_one_click_away_and_everybodys(visit) -> None:
    one, other = visit(), visit()
    one.go("/").get_by_role("button", name="Try the sample scene").click()
    one.page.wait_for_url("**/results/*", timeout=120_000)
    expect(one.page.locator("#chart .bars path").first).to_be_visible()
    item = other.go("/").locator(".result-item")
    expect(item).to_contain_text("Sample")
    expect(item.get_by_role("button")).to_have_count(0)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("file", "place"),
    [("dstl_160_float16_8pages.tiff", r"row \d+, column \d+"), ("spacenet_shanghai_325_uint16.tif", r"31\.\d+°, 121")],
)
def test_real_chips(visit, shared_data, file, place) -> None:
    visitor = visit()
    page = visitor.go("/")
    visitor.send(shared_data / "chips" / file)
    page.wait_for_url("**/results/*")
    expect(page.locator("#chart .bars path").first).to_be_visible(timeout=120_000)
    visitor.settle()
    assert visitor.picture().std() > 30
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2)
    expect(page.locator("#pointer .found-place")).to_have_text(re.compile(place))
