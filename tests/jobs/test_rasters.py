"""Raster files that stay open between uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from suelo.jobs.rasters import OpenRasters

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux")


def opened(folder: Path) -> set[str]:
    """Names of the files of a folder that this process holds open, removed ones too."""
    found = set()
    for link in list(Path("/proc/self/fd").iterdir()):
        target = str(link.readlink()) if link.is_symlink() else ""
        if target.startswith(f"{folder}/"):
            found.add(Path(target.removesuffix(" (deleted)")).name)
    return found


def test_files_stay_open_up_to_a_number(draw_image: Callable[..., Path], tmp_path: Path) -> None:
    rasters = OpenRasters(2)
    for name in ("a.tif", "b.tif", "c.tif"):
        with rasters.use(str(draw_image(tmp_path / name))) as dataset:
            dataset.read(1)
    assert opened(tmp_path) == {"b.tif", "c.tif"}
    rasters.close()
    assert opened(tmp_path) == set()


def test_a_file_that_is_removed_does_not_take_its_room_any_longer(
    draw_image: Callable[..., Path], tmp_path: Path
) -> None:
    rasters = OpenRasters(32)
    paths = [draw_image(tmp_path / name) for name in ("a.tif", "b.tif")]
    for path in paths:
        with rasters.use(str(path)) as dataset:
            dataset.read(1)
    assert opened(tmp_path) == {"a.tif", "b.tif"}
    paths[0].unlink()
    with rasters.use(str(paths[1])) as dataset:
        dataset.read(1)
    assert opened(tmp_path) == {"b.tif"}
    rasters.close()
