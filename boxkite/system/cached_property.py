"""Attributes that are computed once for each object, on first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

__all__ = ["cached_property"]

T = TypeVar("T")


class cached_property(Generic[T]):  # noqa: N801 - a decorator, like `property`
    """Like `functools.cached_property`, but without its lock.

    In Python 3.11, all objects of a class share that lock. If one thread computes an attribute
    while another thread forks, the forked process waits for the lock forever.

    Args:
        compute: Computes the value. If two threads use the attribute for the first time at once, it
            may be called twice, but both get the same value.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self._name = ""
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type[Any]) -> T: ...

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        if instance is None:
            return self
        # `setdefault` is atomic, and later look-ups find the value in the object first.
        value: T = instance.__dict__.setdefault(self._name, self._compute(instance))
        return value
