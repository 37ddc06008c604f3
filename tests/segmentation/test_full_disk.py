"""The disk is full while a scene is segmented: one sentence names the folder, and nothing that was done is lost."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_disk import on_small_disk

SUELO = Path(sys.executable).with_name("suelo")


@pytest.fixture
def segment(draw_image: Callable[..., Path], write_model: Callable[..., Path], tmp_path: Path) -> str:
    """A command that segments a scene of two strips, with two files of polygons, on the disk `tmp_path / "disk"`."""
    scene = draw_image(tmp_path / "scene.tif", 1300, 900)
    model = write_model(tmp_path / "model.onnx", gain=0.6)
    out = tmp_path / "disk"
    return f"'{SUELO}' segment '{scene}' --model '{model}' --output '{out}' --format gpkg --format geojson --quiet"


@pytest.mark.slow
@pytest.mark.parametrize(("size", "some_strips"), [("8k", False), ("3m", False), ("9m", True), ("17m", True)])
def test_the_folder_is_named_and_the_scene_goes_on_when_there_is_room(
    segment: str, tmp_path: Path, size: str, some_strips: bool
) -> None:
    disk = tmp_path / "disk"
    results = f"find '{disk}' -type f -not -path '*/.unfinished/*' -printf '%f\\n' | sort"
    strips = f"find '{disk}' -name '*.strip' | grep -q . && echo some strips"
    done = on_small_disk(
        disk, size, f"{segment}; {results}; {strips}; echo; echo >&2; enlarge 300m; {segment} --resume && {results}"
    )
    # GDAL and libtiff say something of their own about a full disk before.
    said, said_then = done.stderr.rsplit("\n\n", 1)
    sentence = f"The disk of {disk}/scene is full; free some room there, then go on with --resume."
    assert said.splitlines()[-1] == f"{tmp_path}/scene.tif: {sentence}"
    assert said_then == ""
    there, there_then = done.stdout.split("\n\n" if some_strips else "\n", 1)
    assert there == ("some strips" if some_strips else "")
    assert there_then.split() == ["polygons.geojson", "polygons.gpkg", "probabilities.tif", "result.json"]
