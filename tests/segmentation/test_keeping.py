"""Work that was cut short goes on at the strip where it was, and nobody can tell afterwards."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio

from suelo.errors import CancelledError
from suelo.segmentation.engine import predict_to_file
from suelo.segmentation.keeping import KeptStrip, fingerprint
from suelo.segmentation.tiling import Spans, Tiling

TILING = Tiling(80, 16, single_pass=0)


class Shelf:
    """Keeps strips in memory, as bytes of their own."""

    def __init__(self):
        self.strips: dict[tuple[str, int], KeptStrip] = {}
        self.loaded: list[int] = []

    def open(self, mark):
        shelf = self

        class Opened:
            kept = frozenset(index for key, index in shelf.strips if key == mark)

            def load(self, index):
                shelf.loaded.append(index)
                return shelf.strips[mark, index]

            def save(self, index, strip):
                shelf.strips[mark, index] = KeptStrip.from_bytes(strip.to_bytes())

        return Opened()


@pytest.fixture
def noise():
    pixels = np.random.default_rng(5).random((8, 333, 150), np.float32)
    pixels[:, 40:90, 30:70] = np.nan
    pixels[:, 200:, 140:] = np.nan
    return pixels


def read(path):
    with rasterio.open(path) as file:
        return file.read()


@pytest.mark.parametrize("gsd_m", [1.24, 2.4, 0.7])
@pytest.mark.parametrize("strips", [0, 1, 3, "all"])
def test_a_scene_goes_on_where_it_was_cut_short(make_scene, make_model, unchanged, noise, tmp_path, gsd_m, strips):
    # A model of another resolution makes the scene be resampled, up or down.
    model = make_model(box=15, halo=16, gsd_m=gsd_m)
    scene = make_scene(noise)
    whole, resumed = tmp_path / "whole.tif", tmp_path / "resumed.tif"
    predict_to_file(scene, model, unchanged, whole, tiling=TILING)
    shelf = Shelf()

    def enough():
        return strips != "all" and len(shelf.strips) >= strips

    if strips == "all":
        predict_to_file(scene, model, unchanged, tmp_path / "first.tif", tiling=TILING, keeper=shelf.open)
    else:
        with pytest.raises(CancelledError):
            predict_to_file(
                scene, model, unchanged, tmp_path / "first.tif", cancelled=enough, tiling=TILING, keeper=shelf.open
            )
        assert len(shelf.strips) == strips
    done = len(shelf.strips)
    predict_to_file(scene, model, unchanged, resumed, tiling=TILING, keeper=shelf.open)
    assert shelf.loaded == list(range(done))
    assert (read(whole) == read(resumed)).all()
    assert read(whole).std() > 10


@pytest.mark.parametrize("gsd_m", [1.24, 2.4, 0.7])
@pytest.mark.parametrize("lost", [{0}, {1, 3}, {0, 2, 3}])
def test_strips_that_others_finished_in_any_order_are_used(
    make_scene, make_model, unchanged, noise, tmp_path, gsd_m, lost
):
    model = make_model(box=15, halo=16, gsd_m=gsd_m)
    scene = make_scene(noise)
    shelf = Shelf()
    predict_to_file(scene, model, unchanged, tmp_path / "whole.tif", tiling=TILING, keeper=shelf.open)
    assert len(shelf.strips) > 3
    kept = shelf.strips = {key: strip for key, strip in shelf.strips.items() if key[1] not in lost}
    predict_to_file(scene, model, unchanged, tmp_path / "again.tif", tiling=TILING, keeper=shelf.open)
    assert shelf.loaded == sorted({index for _, index in kept} - lost)
    assert (read(tmp_path / "whole.tif") == read(tmp_path / "again.tif")).all()


def test_finished_strips_are_not_computed_again(make_scene, make_model, unchanged, noise, tmp_path, monkeypatch):
    model = make_model(halo=16)
    scene = make_scene(noise)
    shelf = Shelf()
    predict_to_file(scene, model, unchanged, tmp_path / "a.tif", tiling=TILING, keeper=shelf.open)
    last = max(index for _, index in shelf.strips)
    shelf.strips = {key: strip for key, strip in shelf.strips.items() if key[1] != last}
    heights = []
    run = model.run
    monkeypatch.setattr(model, "run", lambda images: heights.append(len(images)) or run(images))
    predict_to_file(scene, model, unchanged, tmp_path / "b.tif", tiling=TILING, keeper=shelf.open)
    across = TILING.spans(333, 150)[1]
    assert sum(heights) == len(across.starts)


def test_strips_made_in_another_way_are_not_used(unchanged):
    down, across = TILING.spans(333, 150)
    other = Tiling(64, 16, single_pass=0).spans(333, 150)
    marks = {
        fingerprint("a", unchanged, down, across),
        fingerprint("b", unchanged, down, across),
        fingerprint("a", unchanged, *other),
        fingerprint("a", unchanged, Spans.whole(333), across),
    }
    assert len(marks) == 4
