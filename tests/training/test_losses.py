"""The loss, against sums done by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from suelo.errors import InputError  # noqa: E402
from suelo.training.losses import cross_entropy, segmentation_loss, soft_jaccard, soft_tversky  # noqa: E402
from suelo.training.options import TrainingOptions  # noqa: E402


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


def test_soft_tversky_weighs_what_is_missed_and_what_is_found_in_vain():
    logits = one_class([logit(0.9), logit(0.2), logit(0.5)])
    targets = one_class([1.0, 1.0, 0.0])
    index, present = soft_tversky(logits, targets, torch.ones_like(targets), wrong=0.25, missed=0.5)
    assert index.tolist() == pytest.approx([1.1 / (1.1 + 0.25 * 0.5 + 0.5 * 0.9)])
    assert present.tolist() == [True]
    same, _ = soft_tversky(logits, targets, torch.ones_like(targets), wrong=1.0, missed=1.0)
    assert same.tolist() == soft_jaccard(logits, targets, torch.ones_like(targets))[0].tolist()


def test_focal_cross_entropy_counts_what_is_known_already_for_little():
    logits = one_class([logit(0.9), logit(0.4)])
    targets = one_class([1.0, 1.0])
    expected = (-math.log(0.9) * 0.1**2 - math.log(0.4) * 0.6**2) / 2
    assert cross_entropy(logits, targets, torch.ones_like(targets), focus=2.0).tolist() == pytest.approx([expected])


def test_the_losses_differ_in_the_part_that_their_name_says():
    torch.manual_seed(1)
    logits = torch.randn(2, 10, 4, 4)
    targets = (torch.rand(2, 10, 4, 4) > 0.5).float()
    weights, even = torch.ones(2, 1, 4, 4), torch.ones(10)
    plain, tversky, focal = (
        segmentation_loss(logits, targets, weights, even, loss=loss).item() for loss in ("jaccard", "tversky", "focal")
    )
    overlap = [1 - measure(logits, targets, weights)[0].mean().item() for measure in (soft_jaccard, soft_tversky)]
    entropy = [cross_entropy(logits, targets, weights, focus).mean().item() for focus in (0.0, 2.0)]
    assert plain == pytest.approx(entropy[0] + overlap[0])
    assert tversky == pytest.approx(entropy[0] + overlap[1])
    assert focal == pytest.approx(entropy[1] + overlap[0])


def test_a_loss_that_there_is_not_is_refused():
    with pytest.raises(InputError, match="jaccard, tversky or focal, not 'hinge'"):
        TrainingOptions(loss="hinge")
