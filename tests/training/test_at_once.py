"""Trainings side by side."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from suelo.errors import InputError
from suelo.training.at_once import fit_at_once
from suelo.training.checkpoint import first_weights
from suelo.training.fit import fit_chips
from suelo.training.options import TrainingOptions
from suelo.training.sources import gather

IMAGES = ("6010_1_2", "6040_2_2")


@pytest.fixture(scope="module")
def options(tmp_path_factory, write_dstl_folder):
    root = tmp_path_factory.mktemp("images")
    return TrainingOptions(
        work=root / "work",
        data=write_dstl_folder(root / "dstl", IMAGES),
        scenes=0,
        chip=48,
        batch=2,
        steps=6,
        checkpoint_every=3,
        widths=(8, 12, 16),
        threads=2,
        at_once=2,
    )


def test_the_weights_are_those_of_one_training_after_the_other(options):
    trainings = [replace(options, seed=seed, work=options.work / str(seed)) for seed in (1, 2, 3)]
    told = []
    fit_at_once(trainings, told.append)
    assert (told[-1].done, told[-1].total) == (18, 18)
    assert [now.done for now in told] == sorted(now.done for now in told)
    assert told[-1].loss is not None
    threads = torch.get_num_threads()
    try:
        alone = replace(trainings[1], work=options.work / "alone", threads=1)
        fit_chips(alone, gather(alone).sources)
    finally:
        torch.set_num_threads(threads)
    expected = first_weights(alone.work)
    found = first_weights(trainings[1].work)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert not all(torch.equal(found[name], weights) for name, weights in first_weights(trainings[0].work).items())

    # What is finished is left alone: it does not even look for its images.
    fit_at_once([replace(training, data=options.data / "nowhere") for training in trainings])


def test_what_is_wrong_with_one_training_is_said(options):
    wrong = replace(options, data=options.data / "nowhere", work=options.work / "wrong")
    with pytest.raises(InputError, match="nowhere"):
        fit_at_once([replace(options, work=options.work / "right"), wrong])
