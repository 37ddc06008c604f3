"""Finished strips in the object store."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from suelo.errors import UnavailableError
from suelo.jobs.cache import FileCache
from suelo.jobs.objects import Objects
from suelo.jobs.parts import Parts
from suelo.segmentation.keeping import KeptStrip

JOB = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def objects(store_url, tmp_path):
    return Objects(store_url, FileCache(tmp_path / "cache", 10**9))


def strip(seed):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 256, (10, 7, 40), np.uint8)[:, 1:-1, :33]
    upper, lower = rng.random((2, 10, 4, 33), np.float32)
    return KeptStrip(rows, upper, rng.random((4, 33)) < 0.5, lower) if seed else KeptStrip(rows, None, None, lower)


def test_strips_come_back_as_they_were(objects):
    with Parts(objects, JOB) as parts:
        keeper = parts.open("mark")
        assert len(keeper.kept) == 0
        for index in (0, 1):
            keeper.save(index, strip(index))
    with Parts(objects, JOB) as parts:
        keeper = parts.open("mark")
        assert list(keeper.kept) == [0, 1]
        for index in (0, 1):
            kept = keeper.load(index)
            assert (kept.rows == strip(index).rows).all()
            assert (kept.lower == strip(index).lower).all()
            if index:
                assert (kept.upper == strip(index).upper).all()
                assert (kept.upper_valid == strip(index).upper_valid).all()
            else:
                assert kept.upper is None
                assert kept.upper_valid is None


def test_strips_of_another_kind_are_not_seen_and_all_are_removed(objects):
    with Parts(objects, JOB) as parts:
        parts.open("mark").save(0, strip(1))
    with Parts(objects, JOB) as parts:
        assert parts.open("other").kept == range(0)
        parts.clear()
    with Parts(objects, JOB) as parts:
        assert parts.open("mark").kept == range(0)


def test_what_cannot_be_stored_does_not_stop_the_work(objects, monkeypatch, caplog):
    with Parts(objects, JOB) as parts:
        keeper = parts.open("mark")
        keeper.save(0, strip(1))
        put = objects.put

        def away(name, content):
            if "00001" in name:
                raise UnavailableError("The object store cannot be reached; try again soon.")
            put(name, content)

        monkeypatch.setattr(objects, "put", away)
        with caplog.at_level(logging.WARNING):
            for index in (1, 2, 3):
                keeper.save(index, strip(index))
    assert "is not kept from here on" in caplog.text
    with Parts(objects, JOB) as parts:
        assert parts.open("mark").kept == range(1)
        assert objects.size(f"jobs/{JOB}/parts/mark-00003.npy") is None
