"""Long work in small steps, so that requests need not wait for the interpreter."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["cooperatively"]

T = TypeVar("T")

_SECONDS_BUSY = 0.001
# A sleep of no time at all takes the interpreter's lock back before a waiting thread is awake.
_SECONDS_AT_REST = 0.00001


def cooperatively(items: Iterable[T]) -> Iterator[T]:
    """Yield the items, and let other threads run after each millisecond of work on them.

    Left to itself the interpreter has a request wait for five.
    """
    due = time.perf_counter() + _SECONDS_BUSY
    for item in items:
        yield item
        if time.perf_counter() >= due:
            time.sleep(_SECONDS_AT_REST)
            due = time.perf_counter() + _SECONDS_BUSY
