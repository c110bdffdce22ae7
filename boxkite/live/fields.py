"""Objects with named fields, of any make, as mappings."""

# Values here are any objects of the user's. After `isinstance`, pyright calls their type parameters
# unknown. Type guards would tell it, at the price of a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

__all__ = ["SINGLE", "fields_of", "opened"]

SINGLE = frozenset({float, int, str, bool, type(None), bytes})
"""The commonest types of values without parts, told by a look at the type alone."""


def opened(value: Any, *, by_alias: bool = False) -> Any:
    """Return an object with named fields as a mapping, and anything else as it is.

    Knows Pydantic models (one with a root as that), dataclasses, msgspec structs, attrs classes
    and named tuples. What the fields hold is looked at in a Pydantic model only.

    Args:
        value: anything.
        by_alias: name the fields as in JSON, where they have other names there.
    """
    kind: Any = type(value)
    if kind in SINGLE or kind is list or kind is dict:
        return value
    if _is_model(kind):
        return value.model_dump(by_alias=by_alias, warnings=False)
    fields = _fields(kind, by_alias)
    return {name: getattr(value, each) for name, each in fields} if fields else value


def fields_of(value: Any, *, by_alias: bool = False) -> Mapping[Any, Any] | None:
    """Return a mapping, or what `opened` makes one of; None for anything else."""
    found = opened(value, by_alias=by_alias)
    return found if isinstance(found, Mapping) else None


@lru_cache(maxsize=1024)
def _is_model(kind: Any) -> bool:
    return hasattr(kind, "model_dump")


@lru_cache(maxsize=1024)
def _fields(kind: Any, by_alias: bool) -> tuple[tuple[str, str], ...]:
    """Return the fields of a class, each by the name to show and the attribute's."""
    if hasattr(kind, "__struct_fields__"):
        shown = kind.__struct_encode_fields__ if by_alias else kind.__struct_fields__
        return tuple(zip(shown, kind.__struct_fields__, strict=True))
    if dataclasses.is_dataclass(kind):
        names = [each.name for each in dataclasses.fields(kind)]
    elif hasattr(kind, "__attrs_attrs__"):
        names = [each.name for each in kind.__attrs_attrs__]
    elif issubclass(kind, tuple):
        names = list(getattr(kind, "_fields", ()))
    else:
        names = []
    return tuple((name, name) for name in names)
