"""Pictures of what a model finds, misses and finds wrongly."""

from __future__ import annotations

import numpy as np
from matplotlib.image import imread

from suelo.landcover import CLASSES
from suelo.training.agreement import FOUND, MISSED, NOTHING, WRONG, agreement, draw_agreement


def test_each_pixel_has_the_colour_of_what_became_of_it():
    truth = np.array([[True, True, False, False, True]])
    called = np.array([[True, False, True, False, True]])
    known = np.array([[True, True, True, True, False]])
    picture = agreement(truth, called, known)
    assert [tuple(pixel) for pixel in picture[0, :4].tolist()] == [FOUND, MISSED, WRONG, NOTHING]
    assert tuple(picture[0, 4].tolist()) not in {FOUND, MISSED, WRONG, NOTHING}


def test_the_picture_has_a_panel_per_class(tmp_path):
    truth = np.zeros((2, 40, 40), bool)
    truth[0, :, :20] = True
    draw_agreement(CLASSES[:2], truth, truth, np.ones_like(truth), tmp_path / "a.png")
    pixels = np.rint(255 * imread(tmp_path / "a.png")[..., :3])
    found = (pixels == FOUND).all(axis=2).mean(axis=0) > 0.3
    assert found[: len(found) // 2].mean() > 0.4
    assert not found[len(found) // 2 :].any()
