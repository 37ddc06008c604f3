"""`/v1/model` and `/healthz`: what segments here, and whether it is well."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from suelo.api.context import service
from suelo.api.operation import json_of, operation
from suelo.landcover import CLASSES


def add_routes(api: Blueprint) -> None:
    """Add the routes of this module."""
    api.get("/v1/model")(show_model)
    api.get("/healthz")(show_health)
    api.get("/v1/healthz", endpoint="show_health_v1")(show_health)


@operation("Service", answers={200: json_of("Model")})
def show_model() -> dict[str, Any]:
    """The contract of the model, and the ten classes with names, colours and default thresholds."""
    model = service().model
    return {
        "sha256": model.sha256,
        "contract": model.contract.model_dump(mode="json"),
        "classes": [
            {
                "id": c.id,
                "key": c.key,
                "name": c.name,
                "name_es": c.name_es,
                "corine": c.corine,
                "colour": c.hex_colour,
                "counted": c.counted,
                "threshold": model.contract.thresholds[c.id - 1],
                "min_area_m2": c.min_area_m2,
            }
            for c in CLASSES
        ],
    }


@operation("Service", answers={200: json_of("Health")}, open=True)
def show_health() -> dict[str, str]:
    """Whether the records can be reached, 503 where they cannot, and the model used, 500 where it cannot."""
    service().ping()
    _ = service().model
    return {"status": "ok"}
