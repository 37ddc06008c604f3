"""Run every measurement, or those whose name is given: `python -m benchmarks chip`."""

from __future__ import annotations

import argparse
from functools import partial
from itertools import chain
from pathlib import Path

from benchmarks.chip import chip_request, cold_start
from benchmarks.clients import clients
from benchmarks.cluster import workers
from benchmarks.measurement import report
from benchmarks.network import network
from benchmarks.polygons import polygons
from benchmarks.scene import scenes
from benchmarks.shapes import shapes


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--large", action="store_true", help="also scenes of 100 to 400 megapixels, which take long")
    parser.add_argument("--json", type=Path, default=Path("out/benchmarks.json"), help="where the figures are kept")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="chip, clients, cold, network, scene, polygons, shapes, workers; all by default",
    )
    options = parser.parse_args()
    measurements = {
        "chip": chip_request,
        "clients": clients,
        "cold": cold_start,
        "network": network,
        "scene": partial(scenes, options.large),
        "polygons": partial(polygons, options.large),
        "shapes": shapes,
        "workers": workers,
    }
    unknown = [name for name in options.names if name not in measurements]
    if unknown:
        parser.error(f"There is no measurement {unknown[0]!r}; there are {', '.join(measurements)}.")
    wanted = options.names or list(measurements)
    report(chain.from_iterable(measurements[name]() for name in wanted), options.json)


if __name__ == "__main__":
    main()
