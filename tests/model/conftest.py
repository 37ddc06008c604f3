"""A tiny network in a model file."""

from __future__ import annotations

import pytest

from suelo.model.contract import ModelContract


@pytest.fixture(scope="session")
def tiny_network():
    torch = pytest.importorskip("torch")
    from suelo.training.network import UNet

    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = UNet(widths=(4, 6, 8, 10))
        # As after a training: without it, batch normalisation changes nothing and folding it proves nothing.
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2.0)
                torch.nn.init.normal_(module.weight, 1.0, 0.2)
                torch.nn.init.normal_(module.bias)
        torch.nn.init.zeros_(network.head.bias)
    return network.eval()


@pytest.fixture(scope="session")
def tiny_file(tiny_network, tmp_path_factory):
    from suelo.training.export import export_onnx

    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    export_onnx(tiny_network, ModelContract(name="tiny", version="1", thresholds=(0.3,) * 10), path)
    return path
