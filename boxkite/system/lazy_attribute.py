"""Attributes that are created on first use, not together with their object."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, overload

__all__ = ["LazyAttribute", "LazyLock"]

T = TypeVar("T")


class LazyAttribute(Generic[T]):
    """A lock or queue of an object that may be created before gevent patches `threading`.

    With `--preload`, gunicorn's gevent worker loads the application, forks, and only then replaces
    the classes of `threading` and `queue`. A lock of the original class belongs to a thread. All
    greenlets share one thread, so each of them could take a lock that another one holds.

    Args:
        make: creates the value. If two threads use the attribute for the first time at once, it may
            be called twice, but both get the same value.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._name = ""

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type[Any]) -> T: ...

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        if instance is None:
            return self
        # `setdefault` is atomic, and later look-ups find the value in the instance first.
        made: T = instance.__dict__.setdefault(self._name, self._make())
        return made

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
