"""Saving while the next thing is being made."""

from __future__ import annotations

import threading

import pytest

from suelo.segmentation.background import Background


def test_the_caller_goes_on_and_settling_waits():
    saved = []
    may_go_on = threading.Event()

    def put(thing):
        may_go_on.wait()
        saved.append(thing)

    background = Background("test")
    background.save(put, "first")
    assert saved == []
    may_go_on.set()
    background.save(put, "second")
    assert saved[0] == "first"
    background.settle()
    assert saved == ["first", "second"]
    background.close()


def test_what_goes_wrong_is_said_once_before_anything_else_is_saved():
    saved = []

    def fail():
        raise OSError("full")

    background = Background("test")
    background.save(fail)
    with pytest.raises(OSError, match="full"):
        background.save(saved.append, "next")
    background.settle()
    background.save(saved.append, "later")
    background.settle()
    assert saved == ["later"]
    background.close()
