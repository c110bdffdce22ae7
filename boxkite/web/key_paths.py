"""Follow key paths, and pick values by name, in JSON and in any objects with named fields."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from boxkite.rows.fields import SINGLE, fields_of, opened
from boxkite.system.type_guards import is_list_or_tuple, is_mapping

__all__ = ["PerObject", "pick"]

_ABSENT: Any = object()


class PerObject(list[Any]):
    """Values that were picked from each object of a list, in order; None if one lacks it."""


def pick(content: Any, source: str | Sequence[str] | None, where: str) -> Any:
    """Return the part of the content that a key path or a list of names points to.

    In a list of objects, a path or names apply to each object.

    Args:
        content: Mappings, lists, objects with named fields, and their parts.
        source: A key path such as "rows.0.values"; names; or None for the whole content.
        where: A name for the content in messages.

    Returns:
        The part. For names it is a list of their values, with None for an absent one.

    Raises:
        LookupError: if there is no such part. The message says what it looked for and what the
            content has.
    """
    if source is None:
        return content
    if isinstance(source, str):
        return _at_path(content, source.split("."), source, where)
    # Most bodies are a JSON object with the first of the names. They need no search.
    if type(content) is dict and source[0] in content:
        return [content.get(name) for name in source]
    return _by_names(content, source, where)


def _at_path(place: Any, keys: Sequence[str], path: str, where: str) -> Any:
    while keys:
        # A key may contain a dot itself, so the longest key that is there wins.
        for length in range(len(keys), 0, -1):
            found = _member(place, ".".join(keys[:length]))
            if found is not _ABSENT:
                break
        else:
            if _is_table(place) and not keys[0].isdecimal():
                return _from_each(place, keys, path, where)
            key = keys[0]
            missing = f"no key {key!r} of {path!r}" if key != path else f"no key {path!r}"
            raise LookupError(f"{missing} in {where}; it has {_inventory(place)}")
        place, keys = found, keys[length:]
    return place


def _member(place: Any, key: str) -> Any:
    """Return what an object or a list holds under a key; return `_ABSENT` if it lacks the key."""
    fields = _fields(place)
    if fields is None:
        items = _items(place) if key.isdecimal() else ()
        return items[int(key)] if items and int(key) < len(items) else _ABSENT
    if key in fields:
        return fields[key]
    return _aliases(place).get(key, _ABSENT)


def _fields(place: Any) -> Mapping[Any, Any] | None:
    """Return an object's fields by name; return None for a value without fields.

    The public attributes of an object of any other class count as its fields.
    """
    if type(place) in SINGLE or isinstance(place, list):
        return None
    opened_place = opened(place)
    if is_mapping(opened_place):
        return opened_place
    attributes: dict[str, Any] | None = getattr(place, "__dict__", None)
    if opened_place is not place or hasattr(place, "__len__") or not attributes:
        return None
    return {name: each for name, each in attributes.items() if not name.startswith("_")}


def _aliases(place: Any) -> Mapping[Any, Any]:
    """Return an object's fields under the names that they have in JSON."""
    if isinstance(place, Mapping):
        return {}
    return fields_of(place, by_alias=True) or {}


def _items(place: Any) -> Sequence[Any]:
    """Return the items of a list, array or root model; return no items for any other value."""
    place = opened(place)
    found: Any = place.tolist() if hasattr(place, "tolist") else place
    return found if is_list_or_tuple(found) else ()


def _is_table(place: Any) -> bool:
    """Return whether a value is a list that is empty or holds only objects."""
    found: Any = opened(place)
    return is_list_or_tuple(found) and all(_fields(each) is not None for each in found)


def _from_each(rows: Any, keys: Sequence[str], path: str, where: str) -> PerObject:
    """Return the value at a path in each of the rows.

    Raises:
        LookupError: if no row has it.
    """
    found, problem = PerObject(), None
    for row in _items(rows):
        try:
            found.append(_at_path(row, keys, path, where))
        except LookupError as error:
            found.append(None)
            problem = problem or error
    if problem is not None and all(each is None for each in found):
        raise problem
    return found


def _by_names(content: Any, names: Sequence[str], where: str) -> Any:
    """Return the values of names, from the content or from its first part that has one of them."""
    parts = list((_fields(content) or {}).values())
    for place in (content, *parts):
        row = _values(place, names)
        if row is not None:
            return row
        if _is_table(place):
            rows = PerObject(_values(each, names) for each in _items(place))
            # An empty list is an empty batch if no other part could hold the names.
            empty = not rows and (place is content or len(parts) == 1)
            if empty or any(each is not None for each in rows):
                return rows
    raise LookupError(
        f"none of {', '.join(map(repr, names))} in {where}; it has {_inventory(content)}"
    )


def _values(place: Any, names: Sequence[str]) -> list[Any] | None:
    """Return the values of names in one object; return None if it has none of them."""
    fields = _fields(place)
    if fields is None:
        return None
    if not any(name in fields for name in names):
        fields = _aliases(place)
        if not any(name in fields for name in names):
            return None
    return [fields.get(name) for name in names]


def _inventory(place: Any) -> str:
    fields = _fields(place)
    if fields is not None:
        return ", ".join(repr(key) for key in list(fields)[:10]) or "no keys"
    if is_list_or_tuple(place):
        return f"a list of {len(place)}"
    return f"a single {type(place).__name__}"
