"""Picks a part of plain values: by a key path, by names, or from each object of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from boxkite.live.fields import SINGLE, fields_of, opened

__all__ = ["Several", "pick"]

_ABSENT: Any = object()


class Several(list[Any]):
    """What was picked from each object of a list, in its order; None where one lacks it."""


def pick(content: Any, source: str | Sequence[str] | None, where: str) -> Any:
    """Return the part of plain values that a key path or a list of names points to.

    In a list of objects a path or names apply to each of them.

    Args:
        content: mappings, lists, objects with named fields, and what they hold.
        source: a key path, as "rows.0.values"; names; or None for the whole.
        where: what the content is called in messages.

    Returns:
        What stands there: for names a list of their values, None for those that are absent.

    Raises:
        LookupError: saying what was looked for and what there is.
    """
    if source is None:
        return content
    if isinstance(source, str):
        return _at_path(content, source.split("."), source, where)
    return _by_names(content, source, where)


def _at_path(place: Any, keys: Sequence[str], path: str, where: str) -> Any:
    while keys:
        # A key may hold a dot itself, so the longest that fits is taken.
        for length in range(len(keys), 0, -1):
            found = _member(place, ".".join(keys[:length]))
            if found is not _ABSENT:
                break
        else:
            if _is_table(place) and not keys[0].isdecimal():
                return _from_each(place, keys, path, where)
            key = keys[0]
            looked_for = f"no key {key!r} of {path!r}" if key != path else f"no key {path!r}"
            raise LookupError(f"{looked_for} in {where}; it has {_inventory(place)}")
        place, keys = found, keys[length:]
    return place


def _member(place: Any, key: str) -> Any:
    """Return what an object or a list holds under a key, `_ABSENT` if it holds nothing there."""
    fields = _fields(place)
    if fields is None:
        items = _items(place) if key.isdecimal() else ()
        return items[int(key)] if items and int(key) < len(items) else _ABSENT
    if key in fields:
        return fields[key]
    return _aliases(place).get(key, _ABSENT)


def _fields(place: Any) -> Mapping[Any, Any] | None:
    """Return an object's fields by name, or the attributes of one that has nothing else."""
    if isinstance(place, Mapping):
        return place
    if type(place) in SINGLE or isinstance(place, list):
        return None
    found = opened(place)
    if isinstance(found, Mapping):
        return found
    attributes = getattr(place, "__dict__", None)
    if found is not place or hasattr(place, "__len__") or not attributes:
        return None
    return {name: each for name, each in attributes.items() if not name.startswith("_")}


def _aliases(place: Any) -> Mapping[Any, Any]:
    """Return an object's fields under the names that they have in JSON."""
    if isinstance(place, Mapping):
        return {}
    return fields_of(place, by_alias=True) or {}


def _items(place: Any) -> Sequence[Any]:
    """Return the items of a list, array or root model; none of anything else."""
    place = opened(place)
    found = place.tolist() if hasattr(place, "tolist") else place
    return found if isinstance(found, list | tuple) else ()


def _is_table(place: Any) -> bool:
    """Tell whether it is a list of objects, or one without anything."""
    found = opened(place)
    return isinstance(found, list | tuple) and all(_fields(each) is not None for each in found)


def _from_each(rows: Any, keys: Sequence[str], path: str, where: str) -> Several:
    """Return what stands at a path in each of the rows.

    Raises:
        LookupError: if it stands in none of them.
    """
    found, problem = Several(), None
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
    """Return the values of names: from the content, or from the first of its parts that fits."""
    parts = list((_fields(content) or {}).values())
    for place in (content, *parts):
        row = _values(place, names)
        if row is not None:
            return row
        if _is_table(place):
            rows = Several(_values(each, names) for each in _items(place))
            empty = not rows and (place is content or len(parts) == 1)
            if empty or any(each is not None for each in rows):
                return rows
    raise LookupError(
        f"none of {', '.join(map(repr, names))} in {where}; it has {_inventory(content)}"
    )


def _values(place: Any, names: Sequence[str]) -> list[Any] | None:
    """Return the values of names in one object; None if it has none of them."""
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
    if isinstance(place, list | tuple):
        return f"a list of {len(place)}"
    return f"a single {type(place).__name__}"
