"""Suelo: land cover from WorldView-3 8-band satellite images.

An image in, ten classes out, in three lines:

    import suelo

    result = suelo.segment("scene.tif")
    for row in result.summary():
        print(f"{row.name}: {row.polygons} objects, {row.area_m2 / 10_000:.2f} ha")
    result.write("results", ["gpkg", "geojson", "csv", "png"])

Thresholds, classes and smallest areas are chosen afterwards, without running the network again:

    selection = result.selection.with_thresholds({"buildings": 0.4}).with_classes(["buildings", "roads"])
    for polygons in result.show(selection).polygons():
        print(polygons.land_cover.name, len(polygons), polygons.area_m2.sum())

One model serves many images, and the statistics of one scene can normalise its neighbour:

    model = suelo.load_model()
    west = suelo.segment("west.tif", model=model)
    east = suelo.segment("east.tif", model=model, statistics=west.statistics)

A server does the same for a program elsewhere:

    job = suelo.Client("https://suelo.example", token="…").segment("scene.tif")
    job.polygons(classes=["buildings"])

`suelo.open_scene` gives the pixels themselves. Every error is a `suelo.errors.SueloError` with one sentence.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suelo.client.client import Client as Client
    from suelo.imagery.scene import open_scene as open_scene
    from suelo.model.session import load_model as load_model
    from suelo.segmentation.segment import Segmentation as Segmentation
    from suelo.segmentation.segment import segment as segment
    from suelo.segmentation.selection import Selection as Selection

    __version__: str

__all__ = ["Client", "Segmentation", "Selection", "__version__", "load_model", "open_scene", "segment"]

# Names are imported when they are asked for, so that `import suelo` costs nothing.
_HOMES = {
    "Client": "suelo.client.client",
    "Segmentation": "suelo.segmentation.segment",
    "Selection": "suelo.segmentation.selection",
    "load_model": "suelo.model.session",
    "open_scene": "suelo.imagery.scene",
    "segment": "suelo.segmentation.segment",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("suelo")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'suelo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
