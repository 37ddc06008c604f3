"""The optimizer of convolutions, against singular values."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from suelo.errors import InputError  # noqa: E402
from suelo.training.fit import fit, new_network  # noqa: E402
from suelo.training.muon import Muon, orthogonal  # noqa: E402
from suelo.training.options import TrainingOptions  # noqa: E402
from suelo.training.sampling import Batch  # noqa: E402


@pytest.mark.parametrize("shape", [(256, 2304), (144, 576), (32, 288), (64, 24)])
def test_a_matrix_keeps_its_directions_and_loses_their_sizes(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    matrix[:, :5] *= 30
    left, sizes, right = torch.linalg.svd(matrix, full_matrices=False)
    assert sizes.max() > 10 * sizes.min()
    found = left.T @ orthogonal(matrix) @ right.T
    assert found.diagonal().min() > 0.6
    assert found.diagonal().max() < 1.25
    assert (found - found.diagonal().diag()).abs().max() < 0.01


def test_a_step_is_orthogonal_and_of_the_size_of_one_of_adamw():
    generator = torch.Generator().manual_seed(2)
    before = torch.randn(16, 8, 3, 3, generator=generator)
    weight = torch.nn.Parameter(before.clone())
    weight.grad = torch.randn(weight.shape, generator=generator) * 1e-3
    Muon([weight], learning_rate=0.01, weight_decay=0.5).step()
    moved = (weight.detach() - before * (1 - 0.01 * 0.5)).flatten(1)
    torch.testing.assert_close(moved, -0.01 * 0.2 * 72**0.5 * orthogonal(weight.grad.flatten(1)))
    assert (moved * weight.grad.flatten(1)).sum() < 0
    assert float(moved.square().mean().sqrt()) == pytest.approx(0.002, rel=0.15)


def test_steps_go_on_in_the_direction_of_those_before():
    weight = torch.nn.Parameter(torch.zeros(2, 2))
    optimizer = Muon([weight], learning_rate=1.0, weight_decay=0.0)
    for _ in range(20):
        weight.grad = torch.eye(2)
        optimizer.step()
    before = weight.detach().clone()
    weight.grad = -0.1 * torch.eye(2)
    optimizer.step()
    assert (weight - before).diagonal().max() < 0


def test_muon_moves_the_kernels_and_adamw_the_rest(tmp_path):
    generator = torch.Generator().manual_seed(3)
    images = torch.randn(2, 8, 32, 32, generator=generator)
    targets = (torch.rand(2, 10, 32, 32, generator=generator) < 0.3).float()
    batch = Batch(images, targets, torch.ones(2, 10, 32, 32), torch.zeros(2, dtype=torch.int64))
    after = {}
    for optimizer in ("muon", "adamw"):
        options = TrainingOptions(
            work=tmp_path / optimizer, widths=(8, 16), steps=1, average_decay=0.0, optimizer=optimizer
        )
        after[optimizer] = dict(fit(options, optimizer, lambda _step: batch).named_parameters())
    torch.manual_seed(options.seed)
    kernels = 0
    for name, start in new_network(options).named_parameters():
        assert not torch.equal(after["muon"][name], start), name
        is_kernel = start.ndim == 4 and not name.startswith("head")
        assert torch.equal(after["muon"][name], after["adamw"][name]) == (not is_kernel), name
        kernels += is_kernel
    assert kernels == 6


def test_another_optimizer_is_refused():
    with pytest.raises(InputError, match="An optimizer is muon or adamw, not 'sgd'"):
        TrainingOptions(optimizer="sgd")
