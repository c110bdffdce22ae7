"""Type guards for containers of anything.

After `isinstance(value, list)`, pyright's strict mode does not know the items' type and reports
each use of them. After one of these guards, the items are `Any`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeGuard

__all__ = ["is_collection", "is_dict", "is_list", "is_list_or_tuple", "is_mapping", "is_tuple"]


def is_collection(value: object) -> TypeGuard[Collection[Any]]:
    """Return whether a value has items that can be counted and looped over."""
    return isinstance(value, Collection)


def is_dict(value: object) -> TypeGuard[dict[Any, Any]]:
    """Return whether a value is a dict."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value is a list."""
    return isinstance(value, list)


def is_list_or_tuple(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Return whether a value is a list or a tuple."""
    return isinstance(value, list | tuple)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Return whether a value is a mapping."""
    return isinstance(value, Mapping)


def is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    """Return whether a value is a tuple."""
    return isinstance(value, tuple)
