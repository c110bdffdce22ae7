"""Long work in small steps, so that requests do not wait for the interpreter lock."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["cooperatively"]

T = TypeVar("T")

_WORK_SECONDS = 0.001
# `sleep(0)` takes the interpreter lock back before a waiting thread has woken up.
_REST_SECONDS = 0.00001


def cooperatively(items: Iterable[T]) -> Iterator[T]:
    """Yield the items, and let other threads run after each millisecond of work on them.

    By default the interpreter switches threads only every 5 milliseconds, and a request would have
    to wait for that long.
    """
    due = time.perf_counter() + _WORK_SECONDS
    for item in items:
        yield item
        if time.perf_counter() >= due:
            time.sleep(_REST_SECONDS)
            due = time.perf_counter() + _WORK_SECONDS
