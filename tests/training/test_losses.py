"""The loss, against sums done by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from suelo.training.losses import cross_entropy, segmentation_loss, soft_jaccard  # noqa: E402


def logit(p):
    return math.log(p / (1 - p))


def one_class(values):
    """(1, 1, 1, n) from a list."""
    return torch.tensor(values, dtype=torch.float32)[None, None, None]


def test_cross_entropy_is_the_mean_over_pixels_that_count():
    logits = one_class([logit(0.8), logit(0.4), logit(0.9)])
    targets = one_class([1.0, 0.0, 0.0])
    weights = one_class([1.0, 1.0, 0.0])
    expected = (-math.log(0.8) - math.log(0.6)) / 2
    assert cross_entropy(logits, targets, weights).tolist() == pytest.approx([expected])


def test_soft_jaccard_is_the_sum_over_the_batch_before_the_division():
    logits = torch.cat([one_class([logit(0.5), logit(0.25)]), one_class([logit(0.75), logit(0.5)])])
    targets = torch.cat([one_class([1.0, 0.0]), one_class([1.0, 1.0])])
    index, present = soft_jaccard(logits, targets, torch.ones_like(targets))
    both = 0.5 + 0.75 + 0.5
    either = 0.5 + 0.25 + 0.75 + 0.5 + 3 - both
    assert index.tolist() == pytest.approx([both / either])
    assert present.tolist() == [True]


def test_pixels_without_data_change_neither_loss_nor_gradient():
    torch.manual_seed(0)
    logits = torch.randn(2, 10, 4, 4, requires_grad=True)
    targets = (torch.rand(2, 10, 4, 4) > 0.5).float()
    weights = torch.ones(2, 1, 4, 4)
    weights[:, :, :2] = 0
    class_weights = torch.ones(10)
    loss = segmentation_loss(logits, targets, weights, class_weights)
    loss.backward()
    assert logits.grad[:, :, :2].abs().max() == 0
    assert logits.grad[:, :, 2:].abs().min() > 0
    changed = targets.clone()
    changed[:, :, :2] = 1 - changed[:, :, :2]
    assert segmentation_loss(logits, changed, weights, class_weights).item() == pytest.approx(loss.item())


def test_an_absent_class_is_judged_by_cross_entropy_alone():
    logits = torch.zeros(1, 2, 2, 2)
    targets = torch.zeros(1, 2, 2, 2)
    targets[:, 0] = 1.0
    loss = segmentation_loss(logits, targets, torch.ones(1, 1, 2, 2), torch.ones(2))
    # Both classes: ln 2. Jaccard of the first: 0.5; the second is absent and has no term.
    assert loss.item() == pytest.approx(math.log(2) + 0.5)


def test_class_weights_decide_whose_error_counts():
    targets = torch.zeros(1, 2, 2, 2)
    targets[:, :, 0] = 1.0
    wrong_first = torch.where(targets > 0, 8.0, -8.0)
    wrong_first[:, 0] *= -1
    weights = torch.ones(1, 1, 2, 2)
    heavy = segmentation_loss(wrong_first, targets, weights, torch.tensor([3.0, 1.0]))
    light = segmentation_loss(wrong_first, targets, weights, torch.tensor([1.0, 3.0]))
    assert heavy.item() == pytest.approx(3 * light.item(), rel=1e-2)


def test_a_perfect_answer_costs_almost_nothing_and_a_wrong_one_much():
    targets = (torch.rand(1, 10, 8, 8, generator=torch.Generator().manual_seed(1)) > 0.5).float()
    right = torch.where(targets > 0, 12.0, -12.0)
    weights = torch.ones(1, 1, 8, 8)
    assert segmentation_loss(right, targets, weights, torch.ones(10)).item() < 1e-3
    assert segmentation_loss(-right, targets, weights, torch.ones(10)).item() > 10
