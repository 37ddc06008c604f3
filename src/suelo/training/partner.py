"""Two networks in one model file: one that knows labelled images, and a partner for places that are unlike them."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suelo.errors import InputError
from suelo.landcover import CLASS_COUNT, CLASS_KEYS
from suelo.model.contract import STRIDE, ModelContract
from suelo.model.session import load_model
from suelo.training.model_file import write_model_file

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

SHARES: Mapping[str, float] = {"waterway": 0.5, "standing_water": 0.5}
"""Classes whose probability is a mean of both networks, and the partner's share in it."""

UNCLAIMED = "buildings"
"""The class that the partner finds by itself where the network sees no other cover, near what makes a town."""

COVERS = ("roads", "tracks", "trees", "crops", "waterway", "standing_water")
"""The covers whose probability, as the network sees it, counts against the partner's `UNCLAIMED`."""

NEAR = "roads"
"""The class that makes a town: bare ground in the country, which looks like roofs to the partner, has none near it."""

NEAR_SIDE = 33
"""Side in pixels of the square around a pixel in which `NEAR` is looked for."""

NEAR_SHARE = 0.1
"""Mean probability of `NEAR` in the square from which on the partner counts fully."""

_IMAGE, _PROBABILITY = "image", "probability"


def add_partner(path: Path, partner: Path, contract: ModelContract) -> None:
    """Put a partner into a model file, in place.

    With a and b for the probabilities of the network and of its partner, the file gives a for most classes,
    (1 - s) a + s b for those of `SHARES`, and max(a, b t Π (1 - a_k)) for `UNCLAIMED`: the product goes over `COVERS`,
    and t is the network's mean probability of `NEAR` in a square around the pixel, over `NEAR_SHARE`, at most 1.

    Args:
        path: The network's file; it is replaced when the new one is whole.
        partner: The partner's file.
        contract: What the new file says about itself, but for the halo, which is larger than that of the two.

    Raises:
        ModelError: A file is not a model.
        InputError: The partner's pixels are stretched in another way, or have another ground sampling distance.
    """
    import onnx

    ours, theirs = load_model(path).contract, load_model(partner).contract
    if (ours.normalisation, ours.gsd_m) != (theirs.normalisation, theirs.gsd_m):
        raise InputError(f"The partner {partner} takes images of another stretch or ground sampling distance.")
    joined = _joined(onnx.load(str(path)), onnx.load(str(partner)))
    # What changes at a cut is carried farther by half the side of the square.
    halo = max(ours.halo, theirs.halo) + -(-(NEAR_SIDE // 2) // STRIDE) * STRIDE
    write_model_file(joined, contract.model_copy(update={"halo": halo}), path)


def described_partner(partner: Path) -> dict[str, object]:
    """What the contract of a model says about its partner."""
    model = load_model(partner)
    how = {
        "shares": dict(SHARES),
        "unclaimed": UNCLAIMED,
        "covers": list(COVERS),
        "near": {"class": NEAR, "side": NEAR_SIDE, "share": NEAR_SHARE},
    }
    return {"name": model.contract.name, "version": model.contract.version, "sha256": model.sha256, **how}


def partner_digest(partner: Path) -> str:
    """A hash of the partner and of how it is joined, hexadecimal: another one means other probabilities.

    Raises:
        ModelError: The file is not a model.
    """
    return hashlib.sha256(json.dumps(described_partner(partner), sort_keys=True).encode()).hexdigest()


def _joined(network: ModelProto, partner: ModelProto) -> ModelProto:
    from onnx import compose, helper, numpy_helper

    parts = [compose.add_prefix(part, prefix) for part, prefix in ((network, "own/"), (partner, "partner/"))]
    for part in parts:
        _rename_input(part)
    own, other = (part.graph.output[0].name for part in parts)
    shares = np.array([SHARES.get(key, 0.0) for key in CLASS_KEYS], np.float32)
    constants: dict[str, NDArray[np.generic]] = {
        "own_share": _per_class(1.0 - shares),
        "partner_share": _per_class(shares),
        "is_unclaimed": _per_class(np.isin(CLASS_KEYS, (UNCLAIMED,))),
        "one": np.ones(1, np.float32),
        "row_near": np.array([CLASS_KEYS.index(NEAR)], np.int64),
        "full_share": np.array([1 / NEAR_SHARE], np.float32),
    }
    half = NEAR_SIDE // 2
    nodes = [
        helper.make_node("Mul", [own, "own_share"], ["own_part"]),
        helper.make_node("Mul", [other, "partner_share"], ["partner_part"]),
        helper.make_node("Add", ["own_part", "partner_part"], ["mean"]),
        helper.make_node("Gather", [own, "row_near"], ["near"], axis=1),
        helper.make_node("AveragePool", ["near"], ["near_down"], kernel_shape=[NEAR_SIDE, 1], pads=[half, 0, half, 0]),
        helper.make_node(
            "AveragePool", ["near_down"], ["near_mean"], kernel_shape=[1, NEAR_SIDE], pads=[0, half, 0, half]
        ),
        helper.make_node("Mul", ["near_mean", "full_share"], ["near_share"]),
        helper.make_node("Min", ["near_share", "one"], ["town"]),
        helper.make_node("Mul", [other, "is_unclaimed"], ["unclaimed"]),
        helper.make_node("Mul", ["unclaimed", "town"], ["unclaimed_in_town"]),
    ]
    last = "unclaimed_in_town"
    for key in COVERS:
        constants[f"row_{key}"] = np.array([CLASS_KEYS.index(key)], np.int64)
        nodes += [
            helper.make_node("Gather", [own, f"row_{key}"], [key], axis=1),
            helper.make_node("Sub", ["one", key], [f"no_{key}"]),
            helper.make_node("Mul", [last, f"no_{key}"], [f"unclaimed_by_{key}"]),
        ]
        last = f"unclaimed_by_{key}"
    nodes.append(helper.make_node("Max", ["mean", last], [_PROBABILITY]))
    graph = helper.make_graph(
        [node for part in parts for node in part.graph.node] + nodes,
        "suelo",
        [_port(network.graph.input[0], _IMAGE)],
        [_port(network.graph.output[0], _PROBABILITY)],
        [tensor for part in parts for tensor in part.graph.initializer]
        + [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=network.opset_import, ir_version=network.ir_version)


def _rename_input(model: ModelProto) -> None:
    given = model.graph.input[0].name
    for node in model.graph.node:
        for position, name in enumerate(node.input):
            if name == given:
                node.input[position] = _IMAGE


def _port(template: ValueInfoProto, name: str) -> ValueInfoProto:
    port = copy.deepcopy(template)
    port.name = name
    return port


def _per_class(values: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.asarray(values, np.float32).reshape(1, CLASS_COUNT, 1, 1)
