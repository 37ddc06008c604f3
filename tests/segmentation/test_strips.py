"""Finished strips in a folder and in S3."""

from __future__ import annotations

import re

import numpy as np
import pytest

from suelo.errors import InputError, SueloError, UnavailableError
from suelo.segmentation.keeping import KeptStrip
from suelo.segmentation.strips import StripStore


@pytest.fixture(params=["folder", "s3"])
def address(request, tmp_path, monkeypatch):
    if request.param == "folder":
        return str(tmp_path / "strips")
    for name, value in request.getfixturevalue("s3").items():
        monkeypatch.setenv(name, value)
    return f"s3://results/{tmp_path.name}"


def strip(seed):
    rng = np.random.default_rng(seed)
    return KeptStrip(rng.integers(0, 256, (10, 7, 33), np.uint8), None, None, rng.random((10, 4, 33), np.float32))


def test_strips_come_back_to_who_means_the_same(address):
    with StripStore(address) as store:
        assert store.open("mark").kept == frozenset()
        for index in (0, 2):
            store.save(index, strip(index))
    with StripStore(address) as store:
        assert store.open("other").kept == frozenset()
        assert store.open("mark").kept == {0, 2}
        assert store.load(2).to_bytes() == strip(2).to_bytes()
        with pytest.raises(SueloError, match="Strip 1 of the scene is missing"):
            store.load(1)
        store.clear()
        assert store.empty
        assert store.open("mark").kept == frozenset()


def test_strips_that_were_cut_short_are_not_taken(tmp_path):
    with StripStore(tmp_path) as store:
        store.open("mark").save(0, strip(0))
        store.save(1, strip(1))
    names = sorted(tmp_path.glob("*.strip"))
    names[0].write_bytes(b"")
    names[1].write_bytes(names[1].read_bytes()[:1000])
    store = StripStore(tmp_path).open("mark")
    assert store.kept == {1}
    with pytest.raises(SueloError, match="damaged"):
        store.load(1)


def test_a_strip_that_cannot_be_stored_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SueloError, match="cannot be written"), StripStore(tmp_path / "file" / "strips") as store:
        store.open("mark").save(0, strip(0))


def test_a_bucket_that_cannot_be_reached_is_said_so(monkeypatch):
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setattr("suelo.segmentation.strips._RETRIES", {"max_retries": 0})
    with pytest.raises(UnavailableError, match="store of strips"):
        StripStore("s3://results/strips").open("mark")


@pytest.mark.parametrize("address", ["gs://bucket", "s3://", "s3://bucket/a#1", "s3://bucket/a?b", "s3://bucket/a%20b"])
def test_other_addresses_are_refused(address):
    with pytest.raises(InputError, match=re.escape(address)):
        StripStore(address)
