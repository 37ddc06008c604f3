"""Run every measurement, or those whose name is given: `python -m benchmarks chip`."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path

from benchmarks.chip import chip_request, cold_start
from benchmarks.measurement import report
from benchmarks.scene import scenes

MEASUREMENTS = {"chip": chip_request, "cold": cold_start, "scene": scenes}


def main() -> None:
    """Measure and print."""
    wanted = sys.argv[1:] or list(MEASUREMENTS)
    unknown = [name for name in wanted if name not in MEASUREMENTS]
    if unknown:
        sys.exit(f"There is no measurement {unknown[0]!r}; there are {', '.join(MEASUREMENTS)}.")
    report(chain.from_iterable(MEASUREMENTS[name]() for name in wanted), Path("out/benchmarks.json"))


if __name__ == "__main__":
    main()
