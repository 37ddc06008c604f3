"""Jobs and results as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from suelo.jobs.job import Job

if TYPE_CHECKING:
    from suelo.segmentation.summary import ClassSummary

FILES = (
    "polygons.gpkg",
    "polygons.geojson",
    "polygons.fgb",
    "classes.csv",
    "classes.xlsx",
    "probabilities.tif",
    "preview.png",
    "result.json",
)
"""Files of a finished job, below its address."""


def job_json(job: Job, owner: str, statistics: Sequence[ClassSummary] | None = None) -> dict[str, Any]:
    """A job as the API shows it; the token of its owner stays here.

    Args:
        job: The job.
        owner: Who looks at it.
        statistics: Numbers per class, if they are asked for.
    """
    address = f"/v1/jobs/{job.id}"
    document: dict[str, Any] = {
        "id": job.id,
        "url": address,
        "name": job.name,
        "status": job.status,
        "progress": round(job.progress, 4),
        "stage": job.stage,
        "message": job.message,
        "cancel_requested": job.cancel_requested and not job.finished,
        "mine": job.owner == owner,
        "shared": job.shared,
        "created_at": moment_text(job.created_at),
        "started_at": moment_text(job.started_at),
        "finished_at": moment_text(job.finished_at),
        "image": {
            "width": job.width,
            "height": job.height,
            "gsd_m": job.gsd_m,
            "crs": job.crs or None,
            "georeferenced": job.georeferenced,
            "sha256": job.image_sha256,
            "bytes": job.image_bytes,
        },
        "model": {"name": job.model_name, "sha256": job.model_sha256, "thresholds": list(job.model_thresholds)},
        "options": job.options.to_json(),
        "normalisation": None if job.statistics is None else job.statistics.to_json(),
    }
    if job.status == "succeeded":
        document["map"] = f"{address}/map"
        document["files"] = {name: f"{address}/{name}" for name in FILES}
    if statistics is not None:
        document["statistics"] = [summary.to_dict() for summary in statistics]
    return document


def moment_text(moment: datetime | None) -> str | None:
    """A moment as the API writes it (RFC 3339, UTC)."""
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
