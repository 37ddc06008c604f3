"""A whole small training, from simulated scenes to a model file."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from suelo.model.contract import ModelContract  # noqa: E402
from suelo.model.session import load_model  # noqa: E402
from suelo.training.evaluate import evaluate_simulated  # noqa: E402
from suelo.training.export import export_onnx  # noqa: E402
from suelo.training.fit import new_network  # noqa: E402
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
    export_onnx(new_network(options), ModelContract(name="untrained", version="0"), tmp_path / "raw.onnx")
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
def test_a_report_shows_what_the_network_says_of_scenes_that_it_had_not_seen(trained):
    path, options, _ = trained
    page = options.work / "report" / "index.html"
    text = page.read_text()
    assert [f'alt="{options.name}' in text, "learning.png" in text, "confusion.png" in text] == [False, True, True]
    for seed in TEST_SEEDS[: options.test_scenes]:
        assert (page.parent / f"scene-simulated-{seed}.png").is_file()
    mean = load_model(path).contract.metrics.mean_jaccard
    assert f"<th>mean</th><th></th><th>{mean:.3f}</th>" in text


@pytest.mark.slow
def test_progress_goes_through_every_stage(trained):
    path, options, stages = trained
    names = list(dict.fromkeys(stage for stage, _, _ in stages))
    assert names == ["scenes", "training", "thresholds", "testing"]
    assert [done for stage, done, _ in stages if stage == "training"] == list(range(1, options.steps + 1))
    assert not list(path.parent.glob(".*"))


SMALL = """
import sys
from pathlib import Path

from suelo.training.options import TrainingOptions
from suelo.training.train import train

SIZES = dict(scene_size=128, chip=48, batch=2, steps=40, validate_every=10, checkpoint_every=8, widths=(8, 12, 16, 16))
COUNTS = dict(scenes=2, validation_scenes=1, threshold_scenes=1, test_scenes=1, threads=1, workers=1)


def tell(now):
    if (now.stage, now.done) == ("training", stop):
        print("here", flush=True)
        sys.stdin.read()  # until the end, which comes from outside


if __name__ == "__main__":
    work, cache, stop = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    train(TrainingOptions.quick(work / "m.onnx", work, cache=cache, **SIZES, **COUNTS), tell)
"""


@pytest.mark.slow
def test_killed_at_once_and_started_again_it_makes_the_model_of_an_uninterrupted_training(tmp_path):
    script = tmp_path / "small.py"
    script.write_text(SMALL)

    def command(name, stop):
        return [sys.executable, script, tmp_path / name, tmp_path / "cache", str(stop)]

    def at_the_end(name):
        subprocess.run(command(name, 0), check=True, capture_output=True, timeout=300)
        state = torch.load(tmp_path / name / "checkpoint.pt", weights_only=True)["state"]
        return load_model(tmp_path / name / "m.onnx"), state, (tmp_path / name / "log.csv").read_text()

    whole, whole_state, whole_log = at_the_end("whole")
    with subprocess.Popen(command("cut", 21), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as training:
        assert training.stdout.readline().strip() == b"here"
        training.kill()
    assert training.returncode == -9
    assert torch.load(tmp_path / "cut" / "checkpoint.pt", weights_only=True)["state"]["step"] == 16
    assert not (tmp_path / "cut" / "m.onnx").exists()
    resumed, resumed_state, resumed_log = at_the_end("cut")
    assert resumed_log == whole_log
    assert resumed_log.count("\n") == 5  # the validation at step 20 was written twice and is there once
    for name in ("network", "average", "best"):
        for key, value in whole_state[name].items():
            assert torch.equal(resumed_state[name][key], value), (name, key)
    image = np.random.default_rng(0).uniform(0, 1, (1, 8, 64, 64)).astype(np.float32)
    np.testing.assert_array_equal(resumed.predict(image), whole.predict(image))
    assert resumed.contract.model_dump(exclude={"git_commit"}) == whole.contract.model_dump(exclude={"git_commit"})
