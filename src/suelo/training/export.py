"""Writes a trained network as one ONNX file with its contract inside."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from suelo.model.contract import STRIDE, ModelContract
from suelo.training.model_file import write_model_file
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

    The halo of the contract becomes that of the network, so that scenes cut into tiles show no seams.

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
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is the one that folds batch normalisation; torch warns that it is not the newest.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (example,),
            buffer,  # type: ignore[arg-type]  # this exporter takes files, too, which torch's types leave out
            input_names=["image"],
            output_names=["probability"],
            dynamic_axes={"image": axes, "probability": axes},
            opset_version=_OPSET,
            dynamo=False,
        )
    halo = -(-network.halo // STRIDE) * STRIDE
    contract = contract.model_copy(update={"halo": halo})
    write_model_file(onnx.load_model_from_string(buffer.getvalue()), contract, path)
