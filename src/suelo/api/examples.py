"""Examples of the documents of the API: answers about one chip, as the service gives them, shortened."""

from __future__ import annotations

from typing import Any

from suelo.landcover import CLASSES

Example = dict[str, Any]

ID = "3f2b8c1d9e0a4f5b8c7d6e5f4a3b2c1d"
"""Of an upload, and of the job that is made of it."""
_JOB_URL = f"/v1/jobs/{ID}"
_IMAGE_SHA = "fb81f1321f3f2df068da772fecde22033969a7763e5e3287abf5e0a997abe264"
_MODEL_SHA = "6f7975a2566f334920408dced86806cfcb16c6a23f046625cee46b3984eb8c89"
_THRESHOLDS = [0.252, 0.82, 0.616, 0.396, 0.32, 0.712, 0.48, 0.9, 0.724, 0.476]
_FILES = (
    "polygons.gpkg",
    "polygons.geojson",
    "polygons.fgb",
    "classes.csv",
    "classes.xlsx",
    "probabilities.tif",
    "preview.png",
    "result.json",
)

PROBLEM: Example = {
    "type": "urn:problem-type:suelo:not-found",
    "title": "There is no such thing",
    "status": 404,
    "detail": "There is no such job; it may have been deleted.",
    "instance": _JOB_URL,
    "request_id": "340bf06fcfc1437aab72c7e8690f79dd",
}

NEW_UPLOAD: Example = {"name": "usme.tif", "size": 38012, "sha256": _IMAGE_SHA}

UPLOAD_ROOM: Example = {"id": ID, "name": "usme.tif", "method": "PUT", "url": f"https://suelo.example/v1/uploads/{ID}"}

UPLOAD: Example = {"id": ID, "name": "usme.tif", "size": 38012, "sha256": _IMAGE_SHA}

NEW_JOB: Example = {"upload": ID, "options": {"gsd_m": 1.24}}

RUNNING_JOB: Example = {
    "id": ID,
    "url": _JOB_URL,
    "name": "fontibon",
    "status": "running",
    "progress": 0.42,
    "stage": "network",
    "message": "",
    "cancel_requested": False,
    "mine": True,
    "shared": False,
    "created_at": "2026-05-04T15:02:11.120Z",
    "started_at": "2026-05-04T15:02:11.840Z",
    "finished_at": None,
    "image": {
        "width": 8192,
        "height": 8192,
        "gsd_m": 1.24,
        "crs": "EPSG:9377",
        "georeferenced": True,
        "sha256": "c870b7f596e4271abe3e2193e6e2938e8033a5ad2cfa8921f9e68574fc9abb50",
        "bytes": 184320044,
    },
    "model": {"name": "suelo-unet 2.5.0", "sha256": _MODEL_SHA, "thresholds": _THRESHOLDS},
    "options": {},
    "normalisation": None,
}

JOB: Example = {
    **RUNNING_JOB,
    "name": "usme",
    "status": "succeeded",
    "progress": 1.0,
    "stage": "",
    "finished_at": "2026-05-04T15:02:11.946Z",
    "image": {
        "width": 64,
        "height": 64,
        "gsd_m": 1.24,
        "crs": "EPSG:9377",
        "georeferenced": True,
        "sha256": _IMAGE_SHA,
        "bytes": 38012,
    },
    "normalisation": {
        "low": [295.0, 279.0, 313.0, 279.0, 161.0, 190.0, 154.0, 122.0],
        "high": [518.0, 645.0, 886.0, 922.0, 628.0, 868.0, 1162.1, 1001.0],
        "low_percentile": 1.0,
        "high_percentile": 99.0,
        "valid_fraction": 1.0,
    },
    "map": f"{_JOB_URL}/map",
    "files": {name: f"{_JOB_URL}/{name}" for name in _FILES},
}

CLASS_NUMBERS: Example = {
    "class_id": 1,
    "key": "buildings",
    "name": "Buildings",
    "threshold": 0.236,
    "polygons": 1,
    "area_m2": 23.064,
    "area_share": 0.003662,
    "mean_probability": 0.7648,
}

JOB_LIST: Example = {"jobs": [JOB], "next": f"/v1/jobs?limit=1&before=1777906931120-{ID}"}

RECORD: Example = {
    "image": "usme",
    "class": 1,
    "poly": 1,
    "Multi": "MULTIPOLYGON (((4865310 2084576.84, 4865310 2084570.64, 4865314.96 2084570.64, "
    "4865314.96 2084571.88, 4865316.2 2084571.88, 4865316.2 2084573.12, 4865313.72 2084573.12, "
    "4865313.72 2084574.36, 4865312.48 2084574.36, 4865312.48 2084575.6, 4865311.24 2084575.6, "
    "4865311.24 2084576.84, 4865310 2084576.84)))",
    "name": "Buildings",
    "area_m2": 23.064,
}

SEGMENTATION: Example = {"job": JOB, "statistics": [CLASS_NUMBERS], "dataframe": [RECORD]}
"""Of one class alone."""

FEATURE_COLLECTION: Example = {
    "type": "FeatureCollection",
    "name": "usme",
    "description": "Land cover; coordinates are longitude and latitude on WGS 84.",
    "features": [
        {
            "type": "Feature",
            "properties": {
                "class_id": 1,
                "class": "buildings",
                "name": "Buildings",
                "name_es": "Edificaciones",
                "corine": "1.1.1",
                "area_m2": 23.064,
                "mean_probability": 0.7648,
            },
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [
                        [-74.214989687, 4.764380902],
                        [-74.214989588, 4.764324802],
                        [-74.214944853, 4.764324881],
                        [-74.214944873, 4.764336101],
                        [-74.214933689, 4.764336121],
                        [-74.214933708, 4.764347341],
                        [-74.214956076, 4.764347301],
                        [-74.214956096, 4.764358521],
                        [-74.21496728, 4.764358501],
                        [-74.214967299, 4.764369721],
                        [-74.214978483, 4.764369702],
                        [-74.214978503, 4.764380921],
                        [-74.214989687, 4.764380902],
                    ]
                ],
            },
        }
    ],
}

EVENT: Example = {"moment": "2026-05-04T15:02:11.120Z", "kind": "submitted", "detail": ""}

EVENT_LIST: Example = {
    "events": [
        EVENT,
        {"moment": "2026-05-04T15:02:11.840Z", "kind": "started", "detail": ""},
        {"moment": "2026-05-04T15:02:11.946Z", "kind": "succeeded", "detail": ""},
    ]
}

MAP: Example = {
    "georeferenced": True,
    "crs": "EPSG:3857",
    "bounds": [[4.764324802, -74.214990849], [4.765044137, -74.214273819]],
    "min_zoom": 17,
    "native_zoom": 17,
    "max_native_zoom": 20,
    "max_zoom": 22,
    "tile_size": 256,
    "metres_per_unit": None,
    "tiles": {
        layer: f"{_JOB_URL}/tiles/{layer}/{{z}}/{{x}}/{{y}}.png"
        for layer in ("classes", "true-colour", "near-infrared", "ndvi")
    },
}

_AT_POINT = {"trees": 0.884, "crops": 0.02}
POINT: Example = {
    "row": 39,
    "col": 34,
    "valid": True,
    "classes": [
        {"key": c.key, "name": c.name, "probability": _AT_POINT.get(c.key, 0.0), "shown": c.key == "trees"}
        for c in CLASSES
    ],
}

MODEL: Example = {
    "sha256": _MODEL_SHA,
    "contract": {
        "name": "suelo-unet",
        "version": "2.5.0",
        "gsd_m": 1.24,
        "thresholds": _THRESHOLDS,
        "tile": 512,
        "halo": 80,
        "precision": "fp32",
        "training": {"data": "dstl", "steps": 2500, "seed": 2},
        "metrics": {
            "measured_on": "23 DSTL images, each by a network that had not seen its ground",
            "jaccard": {"buildings": 0.5374, "structures": 0.0109, "roads": 0.4976},
            "mean_jaccard": 0.323,
        },
        "licence": "Apache-2.0",
    },
    "classes": [
        {
            "id": c.id,
            "key": c.key,
            "name": c.name,
            "name_es": c.name_es,
            "corine": c.corine,
            "colour": c.hex_colour,
            "counted": c.counted,
            "threshold": threshold,
            "min_area_m2": c.min_area_m2,
        }
        for c, threshold in zip(CLASSES, _THRESHOLDS, strict=True)
    ],
}

HEALTH: Example = {"status": "ok"}

OPENAPI: Example = {"openapi": "3.1.0", "paths": {}}
