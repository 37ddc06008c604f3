"""Fixtures shared by all tests."""

from __future__ import annotations

import csv
import io
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from postgresql_server import own_postgresql
from rasterio.crs import CRS
from rasterio.features import rasterize
from s3_server import own_s3
from shapely import Geometry, LineString, MultiPolygon, Point, box, get_parts, unary_union
from shapely.affinity import affine_transform
from sqlalchemy import create_engine, make_url, text

from suelo.imagery.geotiff import write_cog
from suelo.imagery.grid import Grid
from suelo.model.contract import METADATA_KEY, ModelContract


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real WorldView imagery and labels; the test skips where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SUELO_SHARED_DATA", default))
    if not (folder / "chips").is_dir():
        pytest.skip(f"real imagery is not here: {folder} (set SUELO_SHARED_DATA to its folder)")
    return folder


RunSuelo = Callable[..., tuple[int, str, str]]


@pytest.fixture
def suelo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunSuelo:
    """A function that runs `suelo …` in this process; its exit code, standard output and standard error."""
    from suelo.cli import main

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["suelo", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return call


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Address of a PostgreSQL server of our own; skips where there is none."""
    with own_postgresql() as server:
        server.start()
        yield server.url


@pytest.fixture(scope="session")
def new_database(postgresql: str) -> Callable[[], str]:
    """A function that makes an empty database on that server and gives its address."""

    def make() -> str:
        name = f"suelo_{uuid4().hex}"
        engine = create_engine(postgresql, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return make_url(postgresql).set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment for a small S3 server of our own that checks signatures; skips where nanio is not installed."""
    with own_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server.environment


DrawImage = Callable[..., Path]


@pytest.fixture(scope="session")
def draw_image() -> DrawImage:
    """A function that writes a small 8-band TIFF: smooth made-up ground, another one for each seed."""

    def draw(
        path: Path, height: int = 96, width: int = 128, *, seed: int = 0, epsg: int | None = None, empty_rows: int = 0
    ) -> Path:
        rng = np.random.default_rng(seed)
        coarse = rng.uniform(200, 1800, (8, -(-height // 16) + 1, -(-width // 16) + 1))
        pixels = coarse.repeat(16, axis=1).repeat(16, axis=2)[:, :height, :width] + rng.normal(
            0, 30, (8, height, width)
        )
        pixels = pixels.clip(1, 2047).astype(np.uint16)
        pixels[:, :empty_rows] = 0
        if epsg is None:
            grid = Grid(height, width)
        else:
            step = 1.24 if epsg != 4326 else 1.24 / 111_320
            west, north = (4_880_000.0, 2_080_000.0) if epsg != 4326 else (-74.07, 4.71)
            grid = Grid(height, width, Affine(step, 0, west, 0, -step, north), CRS.from_epsg(epsg))
        names = [str(band) for band in range(8)]
        write_cog(path, pixels, grid, nodata=None, descriptions=names)
        return path

    return draw


WriteModel = Callable[..., Path]


@pytest.fixture(scope="session")
def write_model() -> WriteModel:
    """A function that writes a small network: what it sees is pooled or averaged, then each class is one band of it."""

    def write(
        path: Path, *, box: int = 1, times: int = 1, pool: int = 1, gain: float = 1.0, **contract: object
    ) -> Path:
        """Class k is band k (bands 0 and 1 again for the last two), times `gain`, clipped to 0..1.

        `box`: side of an averaging window, zero padded. `times`: how often it averages. `pool`: side of blocks that
        are averaged.
        """
        from onnx import TensorProto, helper, numpy_helper, save

        weights = np.zeros((10, 8, 1, 1), np.float32)
        weights[np.arange(10), np.arange(10) % 8] = gain
        nodes, constants, last = [], [numpy_helper.from_array(weights, "weights")], "image"
        if box > 1:
            kernel = np.full((8, 1, box, box), 1 / box**2, np.float32)
            constants.append(numpy_helper.from_array(kernel, "kernel"))
            for turn in range(times):
                boxed = f"boxed-{turn}"
                nodes.append(helper.make_node("Conv", [last, "kernel"], [boxed], group=8, pads=[box // 2] * 4))
                last = boxed
        if pool > 1:
            nodes.append(
                helper.make_node("AveragePool", [last], ["pooled"], kernel_shape=[pool] * 2, strides=[pool] * 2)
            )
            constants.append(numpy_helper.from_array(np.array([1, 1, pool, pool], np.float32), "scales"))
            nodes.append(helper.make_node("Resize", ["pooled", "", "scales"], ["grown"], mode="nearest"))
            last = "grown"
        nodes.append(helper.make_node("Conv", [last, "weights"], ["scaled"]))
        constants += [numpy_helper.from_array(np.float32(v), n) for v, n in ((0, "zero"), (1, "one"))]
        nodes.append(helper.make_node("Clip", ["scaled", "zero", "one"], ["probability"]))
        graph = helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 8, "h", "w"])],
            [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["n", 10, "h", "w"])],
            constants,
        )
        onnx_model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        text = ModelContract(**{"name": "test", "version": "1", **contract}).to_json()
        helper.set_model_props(onnx_model, {METADATA_KEY: text})
        save(onnx_model, path)
        return path

    return write


WriteDstlFolder = Callable[..., Path]


@pytest.fixture(scope="session")
def write_dstl_folder() -> WriteDstlFolder:
    """A function that writes a small folder in Kaggle's DSTL layout; see `_write_dstl_folder`."""
    return _write_dstl_folder


def _write_dstl_folder(
    root: Path,
    image_ids: Sequence[str] = ("6010_1_2", "6110_1_2", "6140_1_2"),
    *,
    height: int = 96,
    width: int = 112,
    shapes: Mapping[str, Mapping[int, Geometry]] | None = None,
    zipped: bool = False,
    extras: bool = True,
) -> Path:
    """Made-up ground with all ten classes; the spectra of the classes differ, so that a network can learn them.

    Args:
        root: Folder to make.
        image_ids: Images; 6110_1_2 and 6140_1_2 show the same ground.
        height: Height of the M images.
        width: Width of the M images.
        shapes: For some images, what is on them: a shape per class number (1 to 10) in pixels of the M image.
        zipped: The tables are in zip files, as Kaggle ships them.
        extras: Also write `reliable/` (False in the last 10 columns) and `registration_A.csv` (1 pixel to the right,
            half a pixel up), which Kaggle does not have.

    Returns:
        The folder.
    """
    for folder in ("sixteen_band", "reliable") if extras else ("sixteen_band",):
        (root / folder).mkdir(parents=True)
    labels, sizes, registration = [["ImageId", "ClassType", "MultipolygonWKT"]], [["", "Xmax", "Ymin"]], []
    x_max, y_min = 0.0092 * width / 849, -0.0090 * height / 837
    sizes.append(["6999_9_9", str(x_max), str(y_min)])  # Kaggle lists images without labels, too
    for image_id in image_ids:
        given = shapes or {}
        ground = given[image_id] if image_id in given else _made_up_ground(image_id, height, width)
        rng = np.random.default_rng([int(part) for part in image_id.split("_")])
        _write_bands(
            root / "sixteen_band" / f"{image_id}_M.tif", _paint(ground, height, width, _SPECTRA, 1, (0, 0), rng)
        )
        swir = {number: tuple(4 * value for value in reversed(_SPECTRA[number])) for number in _SPECTRA}
        shift = (1.0, -0.5)
        coarse = _paint(ground, height // 6, width // 6, swir, 6, shift if extras else (0, 0), rng)
        _write_bands(root / "sixteen_band" / f"{image_id}_A.tif", coarse)
        if extras:
            reliable = np.full((1, height, width), 255, np.uint8)
            reliable[:, :, -10:] = 0
            _write_bands(root / "reliable" / f"{image_id}.tif", reliable)
            registration.append([image_id, str(shift[0]), str(shift[1])])
        sizes.append([image_id, str(x_max), str(y_min)])
        # From pixels to the coordinates of the labels, by the competition's rule W' = W · W / (W + 1).
        inverse = (x_max * (width + 1) / width**2, 0, 0, y_min * (height + 1) / height**2, 0, 0)
        for number in range(1, 11):
            parts = get_parts(affine_transform(ground.get(number, MultiPolygon()), inverse))
            labels.append([image_id, str(number), MultiPolygon(list(parts)).wkt])
    _write_table(root, "train_wkt_v4.csv", labels, zipped)
    _write_table(root, "grid_sizes.csv", sizes, zipped)
    if extras:
        _write_table(root, "registration_A.csv", [["ImageId", "dx", "dy"], *registration], zipped=False)
    return root


# Eleven-bit numbers of made-up surfaces in the eight bands, from coastal to the second near infrared; 0 is bare soil.
_SPECTRA = {
    0: (260, 330, 470, 520, 480, 520, 640, 560),
    1: (420, 560, 700, 740, 700, 690, 720, 640),
    2: (380, 470, 540, 560, 540, 540, 560, 500),
    3: (330, 400, 430, 440, 420, 420, 430, 390),
    4: (290, 380, 560, 650, 660, 690, 760, 660),
    5: (230, 270, 360, 300, 240, 480, 980, 860),
    6: (240, 290, 440, 400, 340, 600, 860, 780),
    7: (300, 330, 380, 260, 190, 160, 110, 90),
    8: (290, 340, 420, 330, 260, 200, 130, 100),
    9: (700, 900, 980, 960, 940, 930, 960, 840),
    10: (600, 760, 760, 700, 660, 650, 660, 580),
}


def _made_up_ground(image_id: str, height: int, width: int) -> dict[int, Geometry]:
    rng = np.random.default_rng([int(part) for part in image_id.replace("6140", "6110").split("_")])

    def places(count: int) -> NDArray[np.float64]:
        return rng.uniform(0.05, 0.9, (count, 2)) * (width, height)

    bend = rng.uniform(0.45, 0.55, 3)
    river = LineString([(width * 0.85, 0), (width * (bend[2] + 0.2), height * 0.5), (width * 0.9, height)])
    ground = {
        1: [box(x, y, x + rng.uniform(5, 9), y + rng.uniform(5, 9)) for x, y in places(8)],
        2: [box(x, y, x + 9, y + 1.5) for x, y in places(4)],
        3: [LineString([(0, height * 0.5), (width, height * bend[0])]).buffer(2.4)],
        4: [LineString([(width * 0.55, 0), (width * bend[1], height)]).buffer(1.2)],
        5: [Point(x, y).buffer(rng.uniform(3, 7)) for x, y in places(10)],
        6: [box(0, 0, width * 0.4, height * 0.45), box(width * 0.65, height * 0.6, width, height)],
        7: [river.buffer(4)],
        8: [Point(width * 0.3, height * 0.75).buffer(6)],
        9: [box(x, y, x + 7, y + 2.5) for x, y in places(2)],
        10: [box(x, y, x + 1.6, y + 3.2) for x, y in places(6)],
    }
    frame = box(0, 0, width, height)
    return {number: unary_union(found).intersection(frame) for number, found in ground.items()}


def _paint(
    ground: Mapping[int, Geometry],
    height: int,
    width: int,
    spectra: Mapping[int, tuple[int, ...]],
    coarser: int,
    shift: tuple[float, float],
    rng: np.random.Generator,
) -> NDArray[np.uint16]:
    """Bands of the ground; a later class of the drawing order covers an earlier one."""
    scale = 1 / coarser
    drawn = [
        (affine_transform(ground[number], (scale, 0, 0, scale, *shift)), number)
        for number in (6, 5, 7, 8, 4, 3, 1, 2, 9, 10)
        if number in ground and not ground[number].is_empty
    ]
    surface = rasterize(drawn, (height, width), dtype=np.uint8) if drawn else np.zeros((height, width), np.uint8)
    table = np.array([spectra[number] for number in range(11)], np.float64)
    noise = rng.normal(0, 0.02, (8, height, width))
    return np.rint(np.moveaxis(table[surface], -1, 0) * (1 + noise)).astype(np.uint16)


def _write_bands(path: Path, bands: NDArray[np.generic]) -> None:
    count, height, width = bands.shape
    with rasterio.open(path, "w", "GTiff", width, height, count, dtype=bands.dtype) as file:
        file.write(bands)


def _write_table(root: Path, name: str, rows: Sequence[Sequence[str]], zipped: bool) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    if zipped:
        with zipfile.ZipFile(root / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, text.getvalue())
    else:
        (root / name).write_text(text.getvalue(), newline="")
