"""What a model file says about itself."""

from __future__ import annotations

import json

import pytest

from suelo.errors import ModelError
from suelo.landcover import CLASS_KEYS
from suelo.model.contract import Metrics, ModelContract, Normalisation


def contract(**changes):
    return ModelContract(name="test", version="1", **changes)


def test_json_gives_back_every_value():
    full = contract(
        normalisation=Normalisation(low=2.0, high=98.0),
        gsd_m=1.3,
        thresholds=tuple(0.1 * (i + 0.5) for i in range(10)),
        tile=256,
        halo=32,
        training={"seed": 7, "split": {"test": [1, 2]}},
        metrics=Metrics(
            measured_on="two scenes",
            jaccard={"roads": 0.5, "tracks": None},
            mean_jaccard=0.5,
            polygon_jaccard={"roads": 0.4, "tracks": None},
            mean_polygon_jaccard=0.4,
            scenes={"roads": 2, "tracks": 0},
        ),
        metrics_elsewhere=(Metrics(measured_on="a suburb", jaccard={"roads": 0.3}, mean_jaccard=0.3),),
        git_commit="abc",
    )
    assert ModelContract.from_json(full.to_json(), "m.onnx") == full


def test_json_has_the_names_that_other_software_reads():
    document = json.loads(contract().to_json())
    assert document["bands"] == ["coastal", "blue", "green", "yellow", "red", "red edge", "nir1", "nir2"]
    assert document["classes"] == list(CLASS_KEYS)
    assert {"normalisation", "gsd_m", "thresholds", "tile", "halo", "precision", "training", "metrics"} <= set(document)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"bands": ["red", "green", "blue"]}, "3 bands"),
        ({"classes": list(CLASS_KEYS[::-1])}, "other classes"),
        ({"thresholds": [0.5] * 9}, "9 thresholds"),
        ({"thresholds": [0.5] * 9 + [1.5]}, "thresholds"),
        ({"tile": 100}, "tile"),
        ({"tile": 64, "halo": 32}, "halo"),
        ({"normalisation": {"method": "mean"}}, "normalisation"),
        ({"normalisation": {"clip": [0, 1]}}, "clip"),
        ({"name": ""}, "name"),
    ],
)
def test_a_contract_that_cannot_be_fulfilled_is_refused_in_one_sentence(change, word):
    document = json.loads(contract().to_json()) | change
    with pytest.raises(ModelError, match=r"m\.onnx does not hold") as caught:
        ModelContract.from_json(json.dumps(document), "m.onnx")
    message = str(caught.value)
    assert word in message
    assert "\n" not in message
    assert message.endswith(".")


def test_text_that_is_not_json_is_refused():
    with pytest.raises(ModelError, match="does not hold"):
        ModelContract.from_json("nonsense", "m.onnx")
