"""Two networks in one file: the partner helps where the network has no opinion, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx")

from suelo.errors import InputError
from suelo.landcover import CLASS_KEYS
from suelo.model.contract import Normalisation
from suelo.model.session import load_model
from suelo.training.partner import NEAR_SHARE, NEAR_SIDE, SHARES, add_partner, described_partner, partner_digest

BUILDINGS, ROADS, TREES, CROPS = (CLASS_KEYS.index(key) for key in ("buildings", "roads", "trees", "crops"))


@pytest.fixture
def files(tmp_path, write_model):
    return write_model(tmp_path / "own.onnx", gain=0.4), write_model(tmp_path / "partner.onnx", gain=1.0, box=3)


def images(**bands):
    values = np.zeros((1, 8, 32, 48), np.float32)
    for key, value in bands.items():
        values[:, CLASS_KEYS.index(key)] = value
    return values


def joined(files):
    own, partner = files
    contract = load_model(own).contract.model_copy(update={"version": "9.9.9"})
    add_partner(own, partner, contract)
    return load_model(own, precision="f32")


def test_most_classes_are_those_of_the_network_alone(files):
    rng = np.random.default_rng(5)
    given = rng.random((2, 8, 32, 48), np.float32)
    alone, partner = (load_model(path, precision="f32").predict(given) for path in files)
    both = joined(files).predict(given)
    for row, key in enumerate(CLASS_KEYS):
        if key not in ("buildings", *SHARES):
            np.testing.assert_allclose(both[:, row], alone[:, row], atol=1e-6, err_msg=key)
    for key, share in SHARES.items():
        row = CLASS_KEYS.index(key)
        mean = (1 - share) * alone[:, row] + share * partner[:, row]
        np.testing.assert_allclose(both[:, row], mean, atol=1e-6)


def test_the_partner_finds_buildings_where_the_network_sees_no_other_cover(files):
    model = joined(files)
    middle = (0, BUILDINGS, 16, 24)
    given = images(buildings=0.8)
    given[:, ROADS, :, 30:] = 1.0  # a town, with roads beside the middle, not in it
    assert model.predict(given)[middle] == pytest.approx(0.8, abs=1e-3)
    # The network sees trees with 0.4 there.
    given[:, TREES] = 1.0
    assert model.predict(given)[middle] == pytest.approx(0.8 * 0.6, abs=1e-3)
    # And crops with 0.4: now it is surer by itself.
    given[:, CROPS] = 1.0
    assert model.predict(given)[middle] == pytest.approx(0.4 * 0.8, abs=1e-3)


def test_what_the_network_sees_as_a_road_is_no_building_to_the_partner(files):
    found = joined(files).predict(images(buildings=0.8, roads=1.0))
    assert found[0, BUILDINGS, 16, 24] == pytest.approx(0.8 * 0.6, abs=1e-3)


def test_the_partner_finds_buildings_only_near_what_makes_a_town(files):
    given = images(buildings=0.8)
    given[:, ROADS, :, :4] = 1.0  # the network sees 0.4
    found = joined(files).predict(given)[0, BUILDINGS, 16]
    near = [1 + min(47, x + NEAR_SIDE // 2) - max(0, x - NEAR_SIDE // 2) for x in range(48)]
    roads = [max(0, 4 - max(0, x - NEAR_SIDE // 2)) for x in range(48)]
    town = np.minimum(1.0, 0.4 * np.array(roads) / near / NEAR_SHARE)
    # Two columns from the edge, where the partner's averages see the padding.
    road = np.where(np.arange(48) < 4, 0.4, 0.0)
    np.testing.assert_allclose(found[2:-2], np.maximum(0.4 * 0.8, 0.8 * town * (1 - road))[2:-2], atol=1e-3)
    assert found[4] > 0.6
    assert found[40] == pytest.approx(0.4 * 0.8, abs=1e-3)


def test_the_halo_grows_by_the_reach_of_the_square(tmp_path, write_model):
    own, partner = write_model(tmp_path / "own.onnx", halo=32), write_model(tmp_path / "partner.onnx", halo=48)
    add_partner(own, partner, load_model(own).contract)
    assert load_model(own).contract.halo == 48 + 16


def test_the_network_is_never_less_sure_of_a_building_than_it_would_be_alone(files):
    given = np.random.default_rng(6).random((1, 8, 32, 48), np.float32)
    alone = load_model(files[0], precision="f32").predict(given)
    assert (joined(files).predict(given)[:, BUILDINGS] >= alone[:, BUILDINGS] - 1e-6).all()


def test_the_file_carries_the_contract_that_it_was_given_and_leaves_nothing_beside_it(files):
    assert joined(files).contract.version == "9.9.9"
    assert sorted(path.name for path in files[0].parent.iterdir()) == ["own.onnx", "partner.onnx"]
    assert described_partner(files[1])["sha256"] == load_model(files[1]).sha256


def test_a_partner_of_another_stretch_is_refused_and_the_file_is_left_as_it_was(tmp_path, write_model):
    own = write_model(tmp_path / "own.onnx")
    partner = write_model(tmp_path / "partner.onnx", normalisation=Normalisation(low=2.0, high=98.0))
    before = own.read_bytes()
    with pytest.raises(InputError, match="another stretch"):
        add_partner(own, partner, load_model(own).contract)
    assert own.read_bytes() == before


def test_the_digest_changes_with_the_partner_and_with_how_it_is_joined(files, monkeypatch):
    before = partner_digest(files[1])
    assert before != partner_digest(files[0])
    monkeypatch.setattr("suelo.training.partner.COVERS", ("trees",))
    assert before != partner_digest(files[1])
    monkeypatch.undo()
    assert before == partner_digest(files[1])
