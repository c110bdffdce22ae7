"""Attributes that are made when they are first needed, not when their owner is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

__all__ = ["LazyAttribute"]

T = TypeVar("T")


class LazyAttribute(Generic[T]):
    """A lock or a queue of an object that may be older than the kind of its threads.

    gunicorn's gevent worker replaces the classes of `threading` and `queue` when the application
    has been loaded (`--preload`) and forked. A lock of the former kind belongs to the thread that
    all greenlets share: each of them would find it open.

    Args:
        make: called once an object, also if two threads need it at the same time for the first
            time: then one of the results is used by both.
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
        made: T = instance.__dict__.setdefault(self._name, self._make())
        return made

    def forget(self, instance: Any) -> None:
        """Have it made anew, as in a forked process."""
        instance.__dict__.pop(self._name, None)
