"""Attributes that are created on first use, not together with their object."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from boxkite.system.cached_property import cached_property

__all__ = ["LazyAttribute", "LazyLock"]

T = TypeVar("T")


class LazyAttribute(cached_property[T]):
    """A lock or queue of an object that may be created before gevent patches `threading`.

    With `--preload`, gunicorn's gevent worker loads the application, forks, and only then replaces
    the classes of `threading` and `queue`. A lock of the original class belongs to a thread. All
    greenlets share one thread, so each of them could take a lock that another one holds.

    Args:
        make: creates the value.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        super().__init__(lambda _: make())

    def forget(self, instance: Any) -> None:
        """Create a new value at the next use, for example in a forked process."""
        instance.__dict__.pop(self._name, None)


class LazyLock:
    """A reentrant lock that is created on first use, for objects that several others share."""

    _lock = LazyAttribute(lambda: threading.RLock())

    def acquire(self, timeout: float) -> bool:
        """Take the lock. Return False if another thread keeps it for `timeout` seconds."""
        return self._lock.acquire(timeout=timeout)

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()
