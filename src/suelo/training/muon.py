"""Muon: an optimizer of convolutions whose steps move all directions of a layer alike."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
"""Share of the mean of gradients that each step keeps: Jordan's."""

_COEFFICIENTS = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5
_RMS = 0.2


class Muon(torch.optim.Optimizer):
    """Gradient descent with Nesterov momentum whose steps are made nearly orthogonal.

    Jordan and others, "Muon: An optimizer for hidden layers in neural networks", 2024, with the size of steps of Liu
    and others, "Muon is Scalable for LLM Training", arXiv:2502.16982: steps are as large as those of AdamW usually
    are, so that both take the same learning rate. A kernel is the matrix from its inputs to its outputs. PyTorch's own
    Muon takes no kernels, and computes in bfloat16, which processors without it do slowly.
    """

    def __init__(self, weights: Iterable[nn.Parameter], learning_rate: float, weight_decay: float) -> None:
        """Make the optimizer.

        Args:
            weights: What it moves, each of two dimensions or more.
            learning_rate: Root of the mean square of a step's elements, in units of 0.2.
            weight_decay: Share of the weights that a step takes away, per learning rate.
        """
        super().__init__(weights, {"lr": learning_rate, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Move the weights by their gradients."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["mean"] = torch.zeros_like(weight)
                state["mean"].lerp_(weight.grad, 1.0 - MOMENTUM)
                matrix = weight.grad.lerp(state["mean"], MOMENTUM).flatten(1)
                size = _RMS * max(matrix.shape) ** 0.5
                weight.mul_(1.0 - group["lr"] * group["weight_decay"])
                weight.add_(orthogonal(matrix).view(weight.shape), alpha=-group["lr"] * size)


def orthogonal(matrix: Tensor) -> Tensor:
    """The orthogonal matrix nearest to a matrix, roughly: singular values come to lie between about 0.7 and 1.2.

    Five iterations of Newton and Schulz, X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X, of which only the products with the small
    X Xᵀ are done one after the other.

    Args:
        matrix: (M, N), float32.

    Returns:
        (M, N), float32.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonal(matrix.T).T
    matrix = matrix / matrix.norm().clamp_min(1e-7)
    a, b, c = _COEFFICIENTS
    gram = matrix @ matrix.T
    identity = torch.eye(len(gram), device=gram.device)
    product = identity
    for _ in range(_ITERATIONS):
        factor = torch.addmm(a * identity + b * gram, gram, gram, alpha=c)
        product = factor @ product
        gram = factor @ gram @ factor
    return product @ matrix
