"""The halo of the shipped model: beyond it, a cut through the scene is not felt."""

from __future__ import annotations

import numpy as np
import pytest

from suelo.imagery.scene import Pixels, Window, open_scene
from suelo.imagery.statistics import BandStatistics, measure_statistics, normalise
from suelo.model.session import load_model
from suelo.simulation import simulate_array


def simulated(seed, style):
    image = simulate_array(256, 512, seed, style=style).image.astype(np.float32)
    low, high = np.percentile(image, (1, 99), axis=(1, 2))
    statistics = BandStatistics(tuple(low), tuple(high), 1.0, 99.0, 1.0)
    return normalise(Pixels(image, np.ones(image.shape[1:], bool)), statistics)


def check(image):
    model = load_model(precision="f32")
    halo = model.contract.halo
    for cut in (256, 272):
        uncut = model.predict(image[None])[0]
        for kept in (slice(0, cut), slice(cut, 512)):
            part = model.predict(np.ascontiguousarray(image[None, ..., kept]))[0]
            changed = abs(part - uncut[..., kept]).max(axis=(0, 1))
            changed = changed[::-1] if kept.stop == cut else changed
            assert changed[:8].max() > 0.02  # at the cut itself it is felt
            assert changed[halo:].max() < 1e-4


@pytest.mark.parametrize(("seed", "style"), [(41, "city"), (42, "farmland"), (43, "wild")])
def test_pixels_farther_than_the_halo_from_a_cut_keep_their_probability(seed, style):
    check(simulated(seed, style))


def test_so_they_do_in_a_real_image(shared_data):
    with open_scene(shared_data / "chips" / "spacenet_650_uint8.tif") as scene:
        pixels = normalise(scene.read(Window(0, 0, 512, 256)), measure_statistics(scene))
    check(pixels.swapaxes(1, 2))
