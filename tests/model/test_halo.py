"""The halo of the shipped model: beyond it, a cut through the scene is not felt."""

from __future__ import annotations

import numpy as np
import pytest

from suelo.imagery.scene import Pixels
from suelo.imagery.statistics import BandStatistics, normalise
from suelo.model.session import load_model
from suelo.simulation import simulate_array


@pytest.mark.parametrize(("seed", "style"), [(41, "city"), (42, "farmland"), (43, "wild")])
def test_pixels_farther_than_the_halo_from_a_cut_keep_their_probability(seed, style):
    model = load_model(precision="f32")
    halo = model.contract.halo
    image = simulate_array(256, 512, seed, style=style, with_objects=False).image.astype(np.float32)
    low, high = np.percentile(image, (1, 99), axis=(1, 2))
    statistics = BandStatistics(tuple(low), tuple(high), 1.0, 99.0, 1.0)
    whole = normalise(Pixels(image, np.ones(image.shape[1:], bool)), statistics)[None]
    uncut = model.predict(whole)[0]
    changed = np.zeros(256 - halo)
    for cut in (256, 272):
        part = model.predict(np.ascontiguousarray(whole[..., :cut]))[0]
        difference = abs(part[..., :cut] - uncut[..., :cut]).max(axis=(0, 1))
        assert difference[-8:].max() > 0.02  # at the cut itself it is felt
        changed = np.maximum(changed, difference[: 256 - halo])
    assert changed.max() <= 1 / 250
