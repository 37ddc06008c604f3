"""Images behind an address, from real servers on this machine."""

import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import tifffile
from s3_server import own_s3

from suelo.errors import ImageError
from suelo.imagery.grid import Window
from suelo.imagery.scene import open_scene
from suelo.imagery.source import locate

ODD_KEYS = ("a#1", "who?", "two words")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of images: a tiled one, eight pages, a page per row, and one too large to come in one piece."""
    folder = tmp_path_factory.mktemp("images")
    image = np.random.default_rng(7).integers(1, 2048, (8, 70, 90), dtype=np.uint16)
    np.save(folder / "image.npy", image)
    channels_last = np.moveaxis(image, 0, 2)
    tifffile.imwrite(folder / "tiles.tif", channels_last, tile=(32, 32), photometric="rgb", compression="zlib")
    tifffile.imwrite(folder / "pages.tif", image)
    tifffile.imwrite(folder / "rows.tif", channels_last)
    (folder / "text.tif").write_text("no image")
    large = np.random.default_rng(7).integers(1, 2048, (8, 1500, 1500), dtype=np.uint16)
    with rasterio.open(
        folder / "large.tif", "w", driver="GTiff", count=8, height=1500, width=1500, dtype="uint16", tiled=True
    ) as file:
        file.write(large)
    return folder


@pytest.fixture(scope="module")
def image(folder):
    return np.load(folder / "image.npy")


def serve(folder, ranges):
    command = [sys.executable, str(Path(__file__).with_name("web_server.py")), str(folder), ranges]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.terminate()


@pytest.fixture(scope="module")
def server(folder):
    yield from serve(folder, "yes")


@pytest.fixture(scope="module")
def server_without_ranges(folder):
    yield from serve(folder, "no")


@pytest.mark.parametrize("layout", ["tiles", "pages", "rows"])
def test_every_layout_opens_from_an_address(server, image, layout):
    with open_scene(f"{server}/{layout}.tif?signature=se%2Fcret&expires=9") as scene:
        assert scene.name == layout
        assert scene.source == f"{server}/{layout}.tif"
        assert np.array_equal(scene.read().values, image)
        assert np.array_equal(scene.read(Window(20, 30, 9, 8)).values, image[:, 20:29, 30:38])


def refusal(address):
    with pytest.raises(ImageError) as caught:
        open_scene(address)
    assert "vsi" not in str(caught.value)
    assert "secret" not in str(caught.value)
    return str(caught.value)


def test_addresses_that_hold_no_image(server):
    assert refusal(f"{server}/none.tif?key=secret").startswith(
        f"The address {server}/none.tif answers with HTTP status 404; Suelo needs"
    )
    assert refusal(f"{server}/text.tif").startswith(f"The address {server}/text.tif does not hold a TIFF; Suelo needs")


def test_a_server_that_does_not_answer():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://user:secret@127.0.0.1:{unused.getsockname()[1]}/image.tif"
    assert "does not answer; Suelo needs" in refusal(address)


def test_a_server_without_range_requests(server_without_ranges):
    assert "is on a server without range requests; Suelo needs" in refusal(f"{server_without_ranges}/large.tif")


def test_an_image_that_goes_away(folder):
    running = serve(folder, "yes")
    with open_scene(f"{next(running)}/large.tif") as scene:
        next(running, None)
        with pytest.raises(ImageError, match=r"^Rows 1000 to 1499 of the image cannot be read: the network"):
            scene.read(Window(1000, 0, 500, 1500))


@pytest.fixture
def s3(tmp_path, folder, monkeypatch):
    """A real S3 server with the images in the bucket `scenes`."""
    (tmp_path / "scenes" / "bogota").mkdir(parents=True)
    for name in ("tiles", "rows"):
        (tmp_path / "scenes" / "bogota" / f"{name}.tif").write_bytes((folder / f"{name}.tif").read_bytes())
    for name in ODD_KEYS:
        (tmp_path / "scenes" / "bogota" / f"{name}.tif").write_bytes((folder / "tiles.tif").read_bytes())
    with own_s3(tmp_path) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.environment["AWS_ENDPOINT"])
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
            monkeypatch.setenv(name, server.environment[name])
        yield


def test_images_in_s3(s3, image, monkeypatch):
    for name in ("tiles", "rows"):
        with open_scene(f"s3://scenes/bogota/{name}.tif") as scene:
            assert (scene.name, scene.source) == (name, f"s3://scenes/bogota/{name}.tif")
            assert np.array_equal(scene.read().values, image)
    assert refusal("s3://scenes/none.tif").startswith("The address s3://scenes/none.tif does not exist; Suelo needs")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert "refuses the credentials of this machine; Suelo needs" in refusal("s3://scenes/bogota/other.tif")


@pytest.mark.parametrize("name", ODD_KEYS)
def test_a_key_of_s3_stands_for_itself(s3, image, name):
    with open_scene(f"s3://scenes/bogota/{name}.tif") as scene:
        assert scene.name == name
        assert np.array_equal(scene.read().values, image)


def test_nothing_in_a_key_of_s3_is_taken_for_an_escape():
    assert locate("s3://b/k/100%25.tif").gdal_path == "/vsis3/b/k/100%25.tif"


def test_keys_of_s3_do_not_slow_the_reading_of_files_down(draw_image, tmp_path, monkeypatch):
    pytest.importorskip("boto3", reason="boto3 is not installed")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with open_scene(draw_image(tmp_path / "scene.tif")) as scene:
        monkeypatch.setattr("boto3.session.Session.__init__", lambda *_, **__: pytest.fail("boto3 was set up"))
        assert scene.read(Window(3, 0, 1, 128)).valid.all()
