"""Rewrites a convolution over a concatenation as the sum of two convolutions, in an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np


def split_concatenations(model: Any) -> Any:  # noqa: ANN401 - onnx has no types
    """Replace each convolution over concatenated channels by one convolution per part and their sum.

    The result is the same but for rounding, and so is the work: a convolution sums over its input channels anyway.
    In int8 it is needed: OpenVINO 2026.4 gives wrong numbers for a concatenation of int8 arrays (a convolution
    over it was off by 30 to 50 %, where ONNX Runtime was right), and each part keeps a scale of its own.

    Args:
        model: `onnx.ModelProto`; it is not changed.

    Returns:
        Another model. Concatenations along other axes, or with other readers than convolutions, stay.
    """
    import onnx

    given = onnx.shape_inference.infer_shapes(model)
    widths = {
        info.name: info.type.tensor_type.shape.dim[1].dim_value
        for info in (*given.graph.value_info, *given.graph.input)
        if len(info.type.tensor_type.shape.dim) > 1
    }
    joined = {
        node.output[0]: tuple(node.input)
        for node in given.graph.node
        if node.op_type == "Concat"
        and onnx.helper.get_node_attr_value(node, "axis") == 1
        and all(widths.get(name) for name in node.input)
        and all(_splittable(reader) for reader in given.graph.node if node.output[0] in reader.input)
    }
    weights = {array.name: array for array in given.graph.initializer}
    nodes = []
    for node in given.graph.node:
        if node.op_type == "Conv" and node.input[0] in joined:
            parts = joined[node.input[0]]
            nodes += _summed(node, parts, [widths[name] for name in parts], weights)
        elif not (node.op_type == "Concat" and node.output[0] in joined):
            nodes.append(node)
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    del changed.graph.node[:], changed.graph.initializer[:]
    changed.graph.node.extend(nodes)
    needed = {name for node in nodes for name in node.input}
    changed.graph.initializer.extend(array for name, array in weights.items() if name in needed)
    return changed


def _splittable(reader: Any) -> bool:  # noqa: ANN401
    groups = [attribute.i for attribute in reader.attribute if attribute.name == "group"]
    return reader.op_type == "Conv" and groups in ([], [1])


def _summed(node: Any, parts: tuple[str, ...], widths: list[int], weights: dict[str, Any]) -> list[Any]:  # noqa: ANN401
    """The nodes in place of a convolution; their weights are added to `weights`."""
    import onnx

    kernel = onnx.numpy_helper.to_array(weights[node.input[1]])
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    made = []
    for number, (part, piece) in enumerate(zip(parts, np.split(kernel, np.cumsum(widths)[:-1], axis=1), strict=True)):
        name = f"{node.input[1]}.{number}"
        weights[name] = onnx.numpy_helper.from_array(np.ascontiguousarray(piece), name)
        bias = node.input[2:] if number == 0 else []
        label = f"{node.name}.{number}"
        made.append(
            onnx.helper.make_node("Conv", [part, name, *bias], [f"{node.output[0]}.{number}"], label, **attributes)
        )
    total = made[0].output[0]
    for number, convolution in enumerate(made[1:], 1):
        result = node.output[0] if number == len(parts) - 1 else f"{node.output[0]}.sum{number}"
        made.append(onnx.helper.make_node("Add", [total, convolution.output[0]], [result], f"{node.name}.sum{number}"))
        total = result
    return made
