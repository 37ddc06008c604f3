"""What cannot be segmented is refused in one sentence that says what was found and what is needed."""

import contextlib
import io
import os
import re
import struct
import zipfile
import zlib

import numpy as np
import pytest
import rasterio
import tifffile
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import ColorInterp

from suelo.errors import ImageError, InputError
from suelo.imagery.grid import Window
from suelo.imagery.scene import open_scene


def refusal(source, **options):
    with pytest.raises(ImageError) as caught, open_scene(source, **options):
        pass
    message = str(caught.value)
    assert re.fullmatch(r"[A-Z][^\n]*; [^\n]*\.", message), message
    for secret in ("vsimem", "GTIFF_DIR", "Traceback", "CPLE"):
        assert secret not in message
    return message


def test_three_bands(save):
    message = refusal(save(np.ones((3, 20, 20), np.uint8), photometric="rgb"))
    assert message == (
        "This image has 3 bands; Suelo needs the 8 multispectral bands of WorldView-2 or -3 in one TIFF."
    )


@pytest.mark.parametrize("bands", [1, 4, 7, 9, 16])
def test_other_numbers_of_bands(save, bands):
    found = f"This image has {bands} band{'' if bands == 1 else 's'};"
    path = save(np.ones((bands, 20, 20), np.uint16), alpha="no")
    assert refusal(path).startswith(found)
    assert refusal(path.read_bytes()).startswith(found)


def test_seven_bands_and_an_alpha_band(save):
    path = save(np.ones((8, 20, 20), np.uint16))
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [ColorInterp.gray, *[ColorInterp.undefined] * 6, ColorInterp.alpha]
    message = refusal(path)
    assert message.startswith("This image has 7 bands and an alpha band;")


def test_other_numbers_of_pages(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((16, 20, 20), np.uint16))
    assert refusal(tmp_path / "a.tif").startswith("This file has 16 pages of 1 band;")


def test_pages_of_other_sizes(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in range(8):
            file.write(np.ones((20, 20 + (page == 5)), np.uint16))
    message = refusal(tmp_path / "a.tif")
    assert "The 8 pages of this file differ: one has 20 × 20 pixels and 1 band, another 21 × 20 and" in message


def test_pages_of_other_types(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in range(8):
            file.write(np.ones((20, 20), np.uint16 if page < 6 else np.float32))
    assert "The pages of this file differ: uint16 and float32 samples;" in refusal(tmp_path / "a.tif")


def test_two_images_in_one_file(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for _ in range(2):
            file.write(np.ones((20, 20, 8), np.uint16), photometric="minisblack", planarconfig="contig")
    assert refusal(tmp_path / "a.tif").startswith("This file holds 2 images of 8 bands;")


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint32", "int32", "complex64", "int64"])
def test_other_sample_types(save, dtype):
    message = refusal(save(np.ones((8, 20, 20), dtype)))
    assert message == (f"This image has {dtype} samples; Suelo needs uint8, uint16, float16, float32 or float64.")


@pytest.mark.parametrize("shape", [(15, 40), (40, 15), (1, 1)])
def test_too_small(save, shape):
    message = refusal(save(np.ones((8, *shape), np.uint16)))
    assert message.startswith(f"This image has {shape[1]} × {shape[0]} pixels; Suelo needs at least 16 × 16")


FOREIGN = {
    "a JPEG image": b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(100),
    "a PNG image": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "a ZIP archive": None,
    "a PDF document": b"%PDF-1.7\n" + bytes(100),
    "a JPEG 2000 image": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100),
    "a text file": b"ImageId,ClassType,MultipolygonWKT\n6040_2_2,1,MULTIPOLYGON EMPTY\n",
    "not a TIFF": bytes(range(1, 200)),
    "empty": b"",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_other_kinds_of_file(tmp_path, kind):
    data = FOREIGN[kind]
    if data is None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("image.tif", b"II*\0")
        data = buffer.getvalue()
    path = tmp_path / "image.tif"
    path.write_bytes(data)
    assert refusal(path).startswith(f"The file is {kind};")
    assert refusal(data).startswith(f"The file is {kind};")


def test_a_description_of_other_files_is_not_opened(save, tmp_path):
    inner = save(np.ones((8, 20, 20), np.uint16))
    vrt = tmp_path / "image.vrt"
    with rasterio.open(inner) as file:
        rasterio.shutil.copy(file, vrt, driver="VRT")
    assert refusal(vrt).startswith("The file is a text file;")
    assert refusal(vrt.read_bytes()).startswith("The file is a text file;")


def test_headers_that_cannot_be_read(save):
    path = save(np.ones((8, 20, 20), np.uint16))
    for data in (b"II*\0", b"II*\0\x08\0\0\0\xff\xff" + bytes(50), path.read_bytes()[:100]):
        assert refusal(data).startswith("The TIFF is damaged or was cut short: its headers cannot be read;")


@pytest.mark.parametrize("layout", ["bands", "pages", "rows", "tiles"])
@pytest.mark.parametrize("source", ["file", "bytes"])
def test_a_file_that_was_cut_short(tmp_path, layout, source):
    image = np.random.default_rng(1).integers(1, 2000, (8, 40, 40), dtype=np.uint16)
    path = tmp_path / "a.tif"
    options = {"photometric": "minisblack", "planarconfig": "contig"}
    if layout == "pages":
        tifffile.imwrite(path, image)
    elif layout == "rows":
        tifffile.imwrite(path, np.moveaxis(image, 0, 2))
    elif layout == "tiles":
        tifffile.imwrite(path, np.moveaxis(image, 0, 2), tile=(16, 16), compression="zlib", **options)
    else:
        tifffile.imwrite(path, np.moveaxis(image, 0, 2), **options)
    with tifffile.TiffFile(path) as file:
        end = max(page.dataoffsets[-1] + page.databytecounts[-1] for page in file.pages)
    whole = path.read_bytes()
    for size in (end - 7, end - 300, len(whole) // 2):
        path.write_bytes(whole[:size])
        assert "cut short" in refusal(path if source == "file" else path.read_bytes())


def test_pages_of_rows_whose_samples_come_last_and_were_cut_short(tmp_path):
    image = np.random.default_rng(1).integers(1, 2000, (40, 30, 8), dtype=np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image)
    start = path.stat().st_size
    with path.open("ab") as file:
        file.write(image.tobytes())
    with tifffile.TiffFile(path, mode="r+") as file:
        for row, page in enumerate(file.pages):
            page.aspage().tags["StripOffsets"].overwrite(start + row * 480)
    with open_scene(path) as scene:
        assert np.array_equal(scene.read().values, np.moveaxis(image, 2, 0))
    path.write_bytes(path.read_bytes()[:-7])
    assert "cut short" in refusal(path)


def compressed_like(code):
    """A TIFF whose header names a compression."""
    shorts = [(256, 20), (257, 20), (258, 8), (259, code), (262, 1), (277, 1), (278, 20)]
    longs = [(273, 200), (279, 10)]
    tags = sorted([(tag, 3, value) for tag, value in shorts] + [(tag, 4, value) for tag, value in longs])
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + body + bytes(4)).ljust(200) + zlib.compress(bytes(400))


def test_an_unknown_compression():
    assert refusal(compressed_like(34718)).startswith("The TIFF is compressed in a way that this machine cannot read;")


def test_missing_files_and_folders(tmp_path):
    assert refusal(tmp_path / "none.tif").startswith("There is no file none.tif;")
    assert refusal(tmp_path / "no" / "none.tif").startswith("There is no file none.tif;")
    assert refusal(tmp_path).startswith(f"The path {tmp_path.name} is a folder;")
    assert "cannot be read" in refusal("a\0b.tif")
    assert "cannot be read" in refusal("x" * 5000)


def test_a_file_that_may_not_be_read(save):
    path = save(np.ones((8, 20, 20), np.uint16))
    path.chmod(0)
    with contextlib.ExitStack() as stack:
        if os.geteuid() == 0:  # root reads everything, so be nobody for a moment
            os.seteuid(65534)
            stack.callback(os.seteuid, 0)
        message = refusal(path)
    assert message.startswith("The file image.tif may not be read by this user;")


@pytest.mark.parametrize("address", ["ftp://host/a.tif", "gs://bucket/a.tif", "/vsicurl://x"])
def test_other_addresses(address):
    assert refusal(address).startswith(("Suelo does not read ", "There is no file"))


def test_a_georeference_outside_the_earth(save):
    degrees = CRS.from_epsg(4326)
    path = save(np.ones((8, 20, 20), np.uint16), crs=degrees, transform=Affine(1e-5, 0, -74, 0, -1e-5, 2.1e6))
    assert "outside the Earth" in refusal(path)


@pytest.mark.parametrize(("epsg", "x", "y"), [(32618, 6e7, 5e8), (9377, 6e7, 2.1e6), (3857, 0, 5e8)])
def test_a_georeference_far_outside_its_projection(save, epsg, x, y):
    path = save(np.ones((8, 20, 20), np.uint16), crs=CRS.from_epsg(epsg), transform=Affine(1.24, 0, x, 0, -1.24, y))
    assert "The georeference" in refusal(path)


def test_a_georeference_with_absurd_pixels(save):
    metres = CRS.from_epsg(9377)
    for side, text in ((1e-5, "0.00001 m"), (5e4, "50000 m")):
        path = save(np.ones((8, 20, 20), np.uint16), crs=metres, transform=Affine(side, 0, 4.9e6, 0, -side, 2.1e6))
        assert f"The georeference gives pixels of {text};" in refusal(path)


@pytest.mark.parametrize("gsd_m", [0, -1, float("nan"), float("inf"), 1e7])
def test_absurd_ground_sampling_distances(save, gsd_m):
    path = save(np.ones((8, 20, 20), np.uint16))
    with pytest.raises(InputError, match="ground sampling distance"):
        open_scene(path, gsd_m=gsd_m)


def damage(path, row):
    """Overwrite the start of the strip that holds a row."""
    with rasterio.open(path) as file:
        rows = file.block_shapes[0][0]
        offset = int(file.get_tag_item(f"BLOCK_OFFSET_0_{row // rows}", "TIFF", bidx=1))
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 30)


def test_damage_that_shows_on_reading_names_the_rows(save):
    image = np.random.default_rng(1).integers(1, 2000, (8, 60, 40), dtype=np.uint16)
    path = save(image, compress="deflate", blockysize=10, interleave="pixel")
    damage(path, 35)
    for source in (path, path.read_bytes()):
        with open_scene(source) as scene:
            assert np.array_equal(scene.read(Window(0, 0, 30, 40)).values, image[:, :30])
            for window, rows in ((Window(25, 3, 20, 9), "Rows 25 to 44"), (Window(33, 0, 1, 40), "Row 33")):
                with pytest.raises(ImageError) as caught:
                    scene.read(window)
                assert str(caught.value).startswith(f"{rows} of the image cannot be read: the file is damaged")
            with pytest.raises(ImageError, match=r"^Rows \d+ to \d+ of the image cannot be read"):
                scene.read(shape=(20, 20))
            assert np.array_equal(scene.read(Window(45, 0, 15, 40)).values, image[:, 45:])


def test_damage_in_a_page_of_a_row_names_the_row(tmp_path):
    image = np.random.default_rng(1).integers(1, 2000, (30, 40, 8), dtype=np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image, compression="zlib")
    with tifffile.TiffFile(path) as file:
        offset = file.pages[21].dataoffsets[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 30)
    with open_scene(path) as scene:
        assert scene.read(Window(0, 0, 21, 40)).valid.all()
        with pytest.raises(ImageError, match=r"^Row 21 of the image cannot be read"):
            scene.read(Window(21, 0, 1, 40))


def test_a_file_that_goes_away(save):
    image = np.random.default_rng(1).integers(1, 2000, (8, 60, 40), dtype=np.uint16)
    path = save(image)
    with open_scene(path) as scene:
        path.unlink()
        with pytest.raises(ImageError, match="Rows 0 to 59 of the image cannot be read"):
            scene.read()
