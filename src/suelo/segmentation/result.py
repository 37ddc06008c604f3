"""`result.json`: what it takes to repeat a result, and its numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suelo.imagery.grid import Grid
from suelo.landcover import CLASSES
from suelo.segmentation.atomic import replacing
from suelo.segmentation.selection import Selection

if TYPE_CHECKING:
    from suelo.segmentation.segment import Segmentation


def write_result(result: Segmentation, path: Path) -> None:
    """Write the description of a result."""
    document = json.dumps(describe(result), indent=2, ensure_ascii=False)
    with replacing(path) as part:
        part.write_text(document + "\n", encoding="utf-8")


def describe(result: Segmentation) -> dict[str, Any]:
    """How a result was made, what is shown of it, and its numbers."""
    grid = result.grid
    return {
        "software": {"name": "suelo", "version": version("suelo")},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "image": {
            "name": result.name,
            "sha256": result.image_sha256,
            "width": grid.width,
            "height": grid.height,
            "gsd_m": grid.gsd_m,
            "crs": crs_text(grid),
            "transform": list(grid.transform[:6]),
        },
        "model": {"sha256": result.model_sha256, **result.contract.model_dump(mode="json")},
        "statistics": result.statistics.to_json(),
        "statistics_measured": result.statistics_measured,
        "selection": describe_selection(result.selection),
        "classes": [row.to_dict() for row in result.summary()],
    }


def crs_text(grid: Grid) -> str | None:
    """The CRS of a grid in words, or None."""
    return None if grid.crs is None else grid.crs.to_string()


def describe_selection(selection: Selection) -> dict[str, Any]:
    """A selection by class keys instead of positions."""
    return {
        "classes": [c.key for c in selection.classes],
        "thresholds": {c.key: selection.thresholds[c.id - 1] for c in CLASSES},
        "min_area_m2": {c.key: selection.min_area_m2[c.id - 1] for c in CLASSES},
        "simplify_m": selection.simplify_m,
    }
