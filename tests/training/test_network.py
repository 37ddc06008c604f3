"""The network: sizes, halo, and what the exported file keeps of it."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from suelo.model.contract import ModelContract  # noqa: E402
from suelo.model.session import load_model  # noqa: E402
from suelo.training.export import export_onnx  # noqa: E402
from suelo.training.network import UNet  # noqa: E402


def network(widths=(4, 6, 8, 10), fold=2):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return UNet(widths=widths, fold=fold).eval()


@pytest.mark.parametrize(("widths", "fold"), [((4, 6, 8, 10), 2), ((4, 6, 8, 10, 12), 1), ((4, 6, 8), 4)])
@pytest.mark.parametrize("shape", [(16, 16), (32, 80), (160, 160)])
def test_the_output_has_the_size_of_the_input_and_ten_channels(shape, widths, fold):
    net = network(widths, fold)
    assert net.stride == 16
    with torch.no_grad():
        assert net(torch.zeros(2, 8, *shape)).shape == (2, 10, *shape)


def test_folded_pixels_come_back_to_their_places():
    """The finest level sees 2 × 2 pixels as channels: each answer must stand at the pixel that it is about."""
    net = network()
    net.encoder = nn.Identity()
    net.decoder = nn.Identity()
    net.head = nn.Conv2d(32, 40, 1, bias=False)
    with torch.no_grad():
        net.head.weight.zero_()
        net.head.weight[:32, :, 0, 0] = torch.eye(32)
        images = torch.randn(1, 8, 16, 48)
        found = net(images)
    assert torch.equal(found[:, :8], images)
    assert not found[:, 8:].any()


def test_skip_connections_carry_every_level_to_the_output():
    images = torch.randn(1, 8, 64, 64, requires_grad=True)
    net = network((4, 6, 8, 10, 12), fold=1)
    levels = net.encoder(images)
    for level in levels:
        level.retain_grad()
    net.head(net.decoder(levels)).sum().backward()
    assert [tuple(level.shape[1:]) for level in levels] == [
        (4, 64, 64),
        (6, 32, 32),
        (8, 16, 16),
        (10, 8, 8),
        (12, 4, 4),
    ]
    for level in levels:
        assert level.grad.abs().sum() > 0
    # The skip itself: the decoder's last stage must use the finest level, whatever the deeper ones say.
    fine = [level.detach() for level in levels]
    with torch.no_grad():
        changed = net.decoder([fine[0] + 1.0, *fine[1:]])
        assert not torch.allclose(changed, net.decoder(fine))


@pytest.mark.parametrize(("widths", "fold"), [((4, 6, 8), 1), ((4, 6, 8, 10, 12), 1), ((4, 6, 8, 10), 2), ((4, 6), 4)])
def test_a_cut_changes_the_pixels_of_the_halo_and_no_others(widths, fold):
    net = network(widths, fold).double()
    cut = -(-2 * net.halo // net.stride) * net.stride
    torch.manual_seed(1)
    images = torch.rand(1, 8, 32, 2 * cut, dtype=torch.double)
    disturbed = set()
    with torch.no_grad():
        for kernel in (*net.kernels(), net.head.weight):  # means, by which everything gets through
            kernel.abs_().div_(kernel.sum(dim=(1, 2, 3), keepdim=True))
        for whole in (images, images.mT.contiguous()):
            axis = -1 if whole is images else -2
            before = net(whole)
            for start in (0, cut):
                apart = abs(net(whole.narrow(axis, start, cut)) - before.narrow(axis, start, cut))
                lines = (apart > 1e-14).any(dim=1).any(dim=-3 - axis)[0].nonzero()[:, 0].tolist()
                disturbed |= {line if start else cut - 1 - line for line in lines}
    assert net.halo - fold <= max(disturbed) < net.halo


def test_the_file_has_the_halo_of_the_network_whatever_the_contract_said(tmp_path):
    pytest.importorskip("onnx")
    export_onnx(network((4, 6, 8, 10), 2), ModelContract(name="m", version="1", halo=16), tmp_path / "m.onnx")
    assert load_model(tmp_path / "m.onnx").contract.halo == 80


def test_the_default_network_fits_the_size_of_the_model_file():
    assert sum(p.numel() for p in UNet().parameters()) * 4 < 9_900_000
