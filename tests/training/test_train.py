"""A whole small training, from simulated scenes to a model file."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from suelo.model.contract import ModelContract  # noqa: E402
from suelo.model.session import load_model  # noqa: E402
from suelo.training.evaluate import evaluate_simulated  # noqa: E402
from suelo.training.export import export_onnx  # noqa: E402
from suelo.training.network import UNet  # noqa: E402
from suelo.training.options import TEST_SEEDS, TRAINING_SEEDS, VALIDATION_SEEDS, TrainingOptions  # noqa: E402
from suelo.training.train import train  # noqa: E402

UNSEEN = TEST_SEEDS[700:706]
FLOOR = 0.13
"""Mean Jaccard index that the small training must reach on scenes it never saw; an untrained network must not."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    stages = []
    options = TrainingOptions.quick(folder / "out" / "small.onnx", folder / "work")
    path = train(options, lambda now: stages.append((now.stage, now.done, now.total)))
    return path, options, stages


@pytest.mark.slow
def test_it_learns_what_an_untrained_network_does_not_know(trained, tmp_path):
    path, options, _ = trained
    model = load_model(path)
    learned = evaluate_simulated(model, UNSEEN, 256).mean_jaccard
    torch.manual_seed(0)
    export_onnx(UNet(widths=options.widths), ModelContract(name="untrained", version="0"), tmp_path / "raw.onnx")
    untrained = load_model(tmp_path / "raw.onnx")
    raw = max(evaluate_simulated(untrained, UNSEEN, 256, thresholds=(t,) * 10).mean_jaccard for t in (0.02, 0.05, 0.1))
    assert raw < FLOOR / 2 < FLOOR < learned


@pytest.mark.slow
def test_the_contract_says_how_the_model_was_made_and_how_good_it_is(trained):
    path, options, _ = trained
    contract = load_model(path).contract
    assert contract.training["split"] == {
        "training": [TRAINING_SEEDS[0], TRAINING_SEEDS[options.scenes - 1]],
        "validation": [VALIDATION_SEEDS[0], VALIDATION_SEEDS[options.validation_scenes - 1]],
        "thresholds": [VALIDATION_SEEDS[0], VALIDATION_SEEDS[options.threshold_scenes - 1]],
        "test": [TEST_SEEDS[0], TEST_SEEDS[options.test_scenes - 1]],
    }
    assert contract.training["steps"] == options.steps
    assert contract.licence == "Apache-2.0"
    assert len(set(contract.thresholds)) > 1
    again = evaluate_simulated(load_model(path), TEST_SEEDS[: options.test_scenes], options.scene_size)
    assert contract.metrics is not None
    assert contract.metrics.mean_jaccard == pytest.approx(again.mean_jaccard, abs=1e-3)
    assert contract.metrics.measured_on == again.measured_on


@pytest.mark.slow
def test_progress_goes_through_every_stage(trained):
    path, options, stages = trained
    names = list(dict.fromkeys(stage for stage, _, _ in stages))
    assert names == ["scenes", "training", "thresholds", "testing"]
    assert [done for stage, done, _ in stages if stage == "training"] == list(range(1, options.steps + 1))
    assert not list(path.parent.glob(".*"))
