"""Turn objects with named fields, of any library, into mappings."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

__all__ = ["SINGLE", "fields_of", "opened"]

SINGLE = frozenset({float, int, str, bool, type(None), bytes})
"""The most common types of single values. Looking at the type is enough to recognise them."""


def opened(value: Any, names: Collection[str] = (), *, by_alias: bool = False) -> Any:
    """Return an object with named fields as a mapping, and any other value unchanged.

    This knows Pydantic models, dataclasses, msgspec structs, attrs classes and named tuples. A
    Pydantic model with a root becomes the root. Nested values are only converted in a Pydantic
    model.

    Args:
        value: any value.
        names: names of variables. A field has its name in JSON, its alias, if only that is one of
            them.
        by_alias: use the names that all fields have in JSON.
    """
    kind: Any = type(value)
    if kind in SINGLE or kind is list or kind is dict:
        return value
    found = _opened(value, kind, by_alias)
    if not names or by_alias or not isinstance(found, dict) or found is value:
        return found
    if all(name in names for name in found):
        return found
    aliases = list(_opened(value, kind, by_alias=True))
    if len(aliases) != len(found):
        return found  # two fields have the same alias
    return {
        alias if alias in names and name not in names else name: each
        for alias, (name, each) in zip(aliases, found.items(), strict=True)
    }


def _opened(value: Any, kind: Any, by_alias: bool) -> Any:
    if _is_model(kind):
        return value.model_dump(by_alias=by_alias, warnings=False)
    fields = _fields(kind, by_alias)
    return {name: getattr(value, each) for name, each in fields} if fields else value


def fields_of(value: Any, *, by_alias: bool = False) -> Mapping[Any, Any] | None:
    """Return a value as a mapping, if it is one or `opened` turns it into one; otherwise None."""
    found = opened(value, by_alias=by_alias)
    return found if isinstance(found, Mapping) else None


@lru_cache(maxsize=1024)
def _is_model(kind: Any) -> bool:
    return hasattr(kind, "model_dump")


@lru_cache(maxsize=1024)
def _fields(kind: Any, by_alias: bool) -> tuple[tuple[str, str], ...]:
    """Return the fields of a class: for each the name to show and the name of the attribute."""
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
