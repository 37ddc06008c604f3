"""Reading ahead: the same items, one of them made in advance, and nothing left running."""

from __future__ import annotations

import threading

import pytest

from suelo.segmentation.pipeline import ahead


def test_items_come_in_order_and_one_is_made_in_advance():
    made = []
    second = threading.Event()

    def items():
        for number in range(5):
            made.append((number, threading.current_thread().name))
            if number == 1:
                second.set()
            yield number

    reading = ahead(items())
    assert next(reading) == 0
    assert second.wait(10)  # while the consumer still holds the first
    assert list(reading) == [1, 2, 3, 4]
    assert {name for _, name in made} != {threading.current_thread().name}
    assert [number for number, _ in made] == list(range(5))


def test_an_error_in_the_making_reaches_the_consumer():
    def items():
        yield 1
        raise OSError("no more")

    reading = ahead(items())
    assert next(reading) == 1
    with pytest.raises(OSError, match="no more"):
        next(reading)


def test_stopping_early_closes_the_source_and_ends_the_thread():
    closed = []

    def items():
        try:
            yield from range(100)
        finally:
            closed.append(True)

    source = items()
    reading = ahead(source)
    next(reading)
    reading.close()
    assert closed == [True]
    assert not [t for t in threading.enumerate() if t.name.startswith("ahead")]
