"""Writes a trained network as one ONNX file with its contract inside."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from suelo.model.contract import METADATA_KEY, ModelContract
from suelo.training.network import UNet

_OPSET = 17


class _Probabilities(nn.Module):
    """The network followed by its sigmoid, so that the file gives probabilities."""

    def __init__(self, network: UNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return torch.sigmoid(self.network(image))


def export_onnx(network: UNet, contract: ModelContract, path: Path) -> None:
    """Write a network and its contract; batch normalisation is folded into the convolutions.

    Input `image` float32 (N, 8, H, W), output `probability` float32 (N, 10, H, W), all of N, H and W free.

    Args:
        network: The network, on any device; left in evaluation mode.
        contract: What the file will say about itself.
        path: The file; it appears only when it is whole.
    """
    import onnx

    module = _Probabilities(network).eval()
    parameter = next(network.parameters())
    example = torch.zeros(1, network.bands, 4 * network.stride, 4 * network.stride, device=parameter.device)
    axes = {0: "N", 2: "H", 3: "W"}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with warnings.catch_warnings():
            # The tracing exporter is the one that folds batch normalisation; torch warns that it is not the newest.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                (example,),
                str(temporary),
                input_names=["image"],
                output_names=["probability"],
                dynamic_axes={"image": axes, "probability": axes},
                opset_version=_OPSET,
                dynamo=False,
            )
        model = onnx.load(str(temporary))
        onnx.helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
        onnx.checker.check_model(model)
        onnx.save(model, str(temporary))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
