"""A training is watched by places that it does not learn from, and ends when they gain no more."""

from __future__ import annotations

import csv

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from suelo.errors import InputError
from suelo.model.session import load_model
from suelo.training.crossvalidation import cross_validate
from suelo.training.labelled import UNKNOWN, LabelledScene, band_statistics
from suelo.training.options import TrainingOptions
from suelo.training.watching import validation_jaccard

IMAGES = ("6010_1_2", "6040_2_2", "6060_2_3", "6110_1_2", "6140_1_2", "6150_2_3")


def options(work, data, **changes):
    small = {
        "folds": 2,
        "scenes": 0,
        "chip": 48,
        "batch": 2,
        "steps": 60,
        "validate_every": 2,
        "checkpoint_every": 60,
        "widths": (8, 12, 16),
        "watch": 1,
        "patience": 2,
    }
    return TrainingOptions(out=work / "m.onnx", work=work, data=data, **(small | changes))


def log(folder):
    with (folder / "log.csv").open() as file:
        return [(int(row["step"]), float(row["jaccard"])) for row in csv.DictReader(file)]


@pytest.mark.parametrize("at_once", [1, 2])
def test_it_ends_when_what_watches_it_gains_no_more(tmp_path, write_dstl_folder, at_once):
    data = write_dstl_folder(tmp_path / "dstl", IMAGES)
    # At this rate nothing is learned, so that the first look stays the best.
    given = options(tmp_path / "work", data, learning_rate=1e-12, at_once=at_once)
    held_out = cross_validate(given)
    for number, fold in enumerate(held_out.folds):
        steps = log(given.work / f"fold-{number}")
        assert [step for step, _ in steps] == [2, 4, 6]
        seen = set(load_model(given.work / f"fold-{number}" / "model.onnx").contract.training["images"])
        assert len(seen) < len(IMAGES) - len(fold)  # one place less
        assert not seen & set(fold)
    images = {name for fold in held_out.folds for name in fold}
    assert images == set(IMAGES)  # what watches one fold is judged in another


def test_a_training_that_saw_what_would_watch_it_is_no_start(tmp_path, write_dstl_folder):
    data = write_dstl_folder(tmp_path / "dstl", IMAGES)
    first = options(tmp_path / "first", data, watch=0, patience=0, steps=1)
    cross_validate(first)
    with pytest.raises(InputError, match="whose ground is held out"):
        cross_validate(options(tmp_path / "second", data, start=first.work, steps=1))


class Bright(torch.nn.Module):
    """Says that what is bright is of every class, of images that a network could take."""

    def __init__(self):
        super().__init__()
        self.steep = torch.nn.Parameter(torch.tensor(12.0))

    def forward(self, images):
        assert images.shape[2] % 16 == images.shape[3] % 16 == 0
        return (self.steep * (images[:, :1] - 0.5)).expand(-1, 10, -1, -1)


def test_images_of_any_size_can_watch_and_what_nobody_knows_does_not_count():
    values = np.random.default_rng(3).integers(100, 900, (8, 37, 51)).astype(np.uint16)
    valid = np.ones((37, 51), bool)

    def jaccard(truth):
        return validation_jaccard([LabelledScene(values, truth, valid, band_statistics(values, valid))], Bright())

    truth = np.repeat((values[:1] > 500).astype(np.uint8) * 250, 10, axis=0)
    assert jaccard(truth) > 0.9
    truth[:, :20] = 250 - truth[:, :20]
    assert jaccard(truth) < 0.6
    truth[:, :20] = UNKNOWN
    assert jaccard(truth) > 0.9
