"""HTML attributes whose names have dashes, which Python arguments cannot have."""

from __future__ import annotations

from typing import Any


def dashed(**values: object) -> dict[str, Any]:
    """`dashed(aria_label="Close")` is `{"aria-label": "Close"}`."""
    return {name.replace("_", "-"): value for name, value in values.items()}
