"""The training loop: interrupted or not, it ends with the same weights."""

from __future__ import annotations

import csv

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from suelo.errors import InputError  # noqa: E402
from suelo.training.fit import fit, learning_rate  # noqa: E402
from suelo.training.options import Mixture, TrainingOptions  # noqa: E402
from suelo.training.sampling import Batch  # noqa: E402


def options(work, **changes):
    small = {
        "scene_size": 64,
        "chip": 32,
        "batch": 2,
        "steps": 12,
        "validate_every": 4,
        "checkpoint_every": 5,
        "average_decay": 0.8,
        "widths": (12, 12, 12),
        "threads": 1,
    }
    return TrainingOptions(out=work / "m.onnx", work=work, **(small | changes))


def batches(step):
    """Trees are blocks where the first band is high: learnable in a few steps."""
    rng = np.random.default_rng((3, step))
    images = rng.normal(0.5, 0.2, (2, 8, 32, 32))
    trees = np.kron(rng.integers(0, 2, (2, 4, 4)), np.ones((8, 8)))
    images[:, 0] += trees - 0.5
    images = torch.from_numpy(images.astype(np.float32))
    targets = torch.zeros(2, 10, 32, 32)
    targets[:, 4] = torch.from_numpy(trees)
    return Batch(images, targets, torch.ones(2, 10, 32, 32), torch.zeros(2, dtype=torch.int64))


def validate(network):
    batch = batches(1_000_000)
    with torch.no_grad():
        found = network(batch.images)[:, 4] > 0
    truth = batch.targets[:, 4] > 0
    return float((found & truth).sum() / (found | truth).sum().clamp_min(1))


class KilledError(Exception):
    """Stands for the end of the process."""


def stop_at(step):
    def progress(now):
        if now.done == step:
            raise KilledError

    return progress


def weights(network):
    return torch.cat([value.flatten().double() for value in network.state_dict().values()])


def same(one, other):
    """Whether two nested states are equal to the last bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return one == other


def test_resumed_after_a_kill_the_weights_and_the_log_are_those_of_an_uninterrupted_training(tmp_path):
    whole = fit(options(tmp_path / "whole"), "it", batches, validate)
    for step in (7, 11):  # the first kill falls between two checkpoints and after a validation
        with pytest.raises(KilledError):
            fit(options(tmp_path / "cut"), "it", batches, validate, stop_at(step))
    seen = []
    resumed = fit(options(tmp_path / "cut"), "it", batches, validate, lambda p: seen.append(p.done))
    assert seen == [11, 12]  # went on from the checkpoint at 10
    assert torch.equal(weights(resumed), weights(whole))
    assert same(*(torch.load(tmp_path / name / "checkpoint.pt", weights_only=True) for name in ("whole", "cut")))
    assert (tmp_path / "cut" / "log.csv").read_text() == (tmp_path / "whole" / "log.csv").read_text()
    rows = list(csv.DictReader((tmp_path / "cut" / "log.csv").open()))
    assert [row["step"] for row in rows] == ["4", "8", "12"]


def test_a_finished_training_is_not_run_again(tmp_path):
    first = fit(options(tmp_path), "it", batches, validate)
    again = fit(options(tmp_path), "it", lambda step: pytest.fail("it trained"), validate)
    assert torch.equal(weights(again), weights(first))


def test_it_learns_and_returns_the_weights_that_validated_best(tmp_path):
    network = fit(options(tmp_path, steps=60, learning_rate=1e-2), "it", batches, validate)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    best = max(float(row["jaccard"]) for row in rows)
    assert best > 0.8
    assert validate(network) == pytest.approx(best, abs=1e-5)


def test_it_stops_when_validation_no_longer_improves(tmp_path):
    seen = []
    scores = iter([0.5, 0.4, 0.3, 0.2])
    fit(options(tmp_path, patience=2), "it", batches, lambda network: next(scores), lambda p: seen.append(p.done))
    assert seen[-1] == 12
    assert next(scores) == 0.2


def test_the_folder_of_another_training_is_refused(tmp_path):
    fit(options(tmp_path, steps=1), "one", batches, validate)
    with pytest.raises(InputError, match="training with other options"):
        fit(options(tmp_path, steps=1), "other", batches, validate)


def test_a_damaged_checkpoint_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"half a file")
    with pytest.raises(InputError, match=r"checkpoint\.pt cannot be read"):
        fit(options(tmp_path), "it", batches, validate)


def test_the_learning_rate_rises_then_falls_to_almost_nothing(tmp_path):
    given = options(tmp_path, steps=100)
    rates = [learning_rate(step, given) for step in range(100)]
    assert rates[0] < rates[4] == pytest.approx(given.learning_rate)
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[-1] < 0.02 * given.learning_rate


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps must be 1 or more, not 0"),
        ({"chip": 28}, "chip must be a multiple of 8, not 28"),
        ({"chip": 24, "fold": 4}, "chip must be a multiple of 16, not 24"),
        ({"chip": 64, "fold": 8}, r"multiples of 32 pixels; a model takes all multiples of 16"),
        ({"scene_size": 48, "chip": 32}, "too small for chips of 32"),
        ({"scenes": 0}, "nothing to train on"),
    ],
)
def test_options_that_cannot_work_are_refused(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        options(tmp_path, **change)


def test_a_training_starts_from_the_averaged_weights_of_another(tmp_path):
    first = fit(options(tmp_path / "first"), "it", batches)
    given = options(tmp_path / "second", start=tmp_path / "first", steps=1, learning_rate=1e-9, average_decay=0.999)
    second = fit(given, "other", batches)
    for name, value in first.named_parameters():
        torch.testing.assert_close(dict(second.named_parameters())[name], value, atol=1e-5, rtol=0)
    with pytest.raises(InputError, match=r"holds no checkpoint\.pt of a training to start from"):
        fit(options(tmp_path / "third", start=tmp_path), "it", batches)


def test_without_validation_the_last_averaged_weights_count_and_the_log_has_no_figure(tmp_path):
    network = fit(options(tmp_path), "it", batches)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["state"]["average"]
    assert same(dict(network.state_dict()), dict(state))
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [row["jaccard"] for row in rows] == ["", "", ""]
    assert all(float(row["loss"]) > 0 for row in rows)


def test_what_decides_the_weights_is_in_the_identity_and_folders_are_not(tmp_path):
    base = options(tmp_path)
    assert options(tmp_path / "elsewhere", workers=1, threads=2, name="other").identity() == base.identity()
    changes = ({"seed": 2}, {"fold": 1}, {"hold_out": ("6010_1_2",)}, {"mixture": Mixture(naip=0.0)}, {"scenes": 3})
    for change in changes:
        assert options(tmp_path, **change).identity() != base.identity(), change
