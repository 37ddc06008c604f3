"""Work that goes on in a thread while the consumer is busy with the item before."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item]) -> Generator[Item]:
    """Iterate, with the next item always being made in a thread while this one is used.

    NumPy, GDAL and the network release Python's lock while they compute, so both sides run at once. When the consumer
    stops early, the item in the making is finished and `items` is closed, if it is a generator, before control
    returns.

    Args:
        items: Made one at a time, in order.

    Yields:
        The same items in the same order; an error raised while making one is raised here.
    """
    iterator = iter(items)
    end = object()
    try:
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead") as executor:
            future = executor.submit(next, iterator, end)
            while (item := future.result()) is not end:
                future = executor.submit(next, iterator, end)
                yield item  # type: ignore[misc]
    finally:
        if isinstance(iterator, Generator):
            # Ctrl-C may also come while the thread is waited for, which then still runs the generator.
            with suppress(ValueError):
                iterator.close()
