"""Find named fields at any depth of values and objects, and replace their content."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import dataclasses
import enum
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from boxkite.live.name_matching import NameMatcher, visible
from boxkite.live.record import plain

__all__ = ["REDACTED", "SCALARS", "FieldSearch", "UnsearchableError"]

REDACTED = "[redacted]"
"""Replaces redacted values in the journal and in the log."""

SCALARS = frozenset({float, int, bool, type(None)})
"""Types whose values cannot contain a name."""

_MAX_DEPTH = 16
_MAX_VALUES = 100_000  # containers and texts in one value
# An object whose text has one of these may have printed its fields, lists, or escaped names.
_PRINTED = re.compile(r"[\[{=\\]")
_BLANK = "\ufeff \t\r\n"
# Keys that hold the values of a variable beside its name, as in requests of the V2 protocol.
_CONTENTS = ("data", "value", "values")


class UnsearchableError(ValueError):
    """A value cannot be searched. The message says why, without any part of the value."""


class FieldSearch:
    """Replace the values of named fields, and everything that could be one of these values.

    Keys are compared as the log would show them, see `NameMatcher`. Further rules:

    - A mapping that holds a name as a value beside `data` or `value` is replaced as a whole:
      `{"name": "age", "data": [42]}`. If a name stands anywhere else, as in
      `{"columns": ["age"], "data": [[42]]}`, nothing tells which values belong to it. The value or
      body is then refused as a whole.
    - If a feature is named, a list with single values is replaced as a whole, because it may be a
      row or a column. It is kept if its key is another feature, as in `{"distance": [1.5, 2.5]}`.
      Objects in a list that name no feature count as single values: `[{"v": 1}, {"v": 42}]`.
    - A text with JSON is replaced as a whole if the JSON has one of the names.
    - An object such as a pandas Series, which would lose its names when written, is replaced.
    - A value that is nested deeper than 16 levels is replaced.
    - Any other text is kept, unless it contains a name and starts like JSON or prints an object.

    Args:
        names: names of the fields.
        features: names of the features. If there are none, any list may hold a named value.
    """

    def __init__(self, names: Sequence[str], features: Sequence[str]) -> None:
        # If the keys of a mapping are bytes, the row has them as Python prints them: "b'age'".
        spelled = [repr(name.encode("utf-8", "replace")) for name in names]
        self._names = NameMatcher([*names, *spelled])
        named = list(filter(self.finds, features))
        self._lists_are_safe = bool(features) and not named
        self._columns = frozenset(features).difference(named)

    def finds(self, name: str) -> bool:
        """Return whether a key is one of the names."""
        return self._names.matches(name)

    def holds_name(self, value: Any) -> bool:
        """Return whether a value is a text that is one of the names."""
        if type(value) in SCALARS or type(value) in (list, dict):
            return False
        if isinstance(value, enum.Enum):
            value = value.value
        if isinstance(value, bytes | bytearray):
            value = _text_of(value)
        return isinstance(value, str) and self._names.matches(str.__str__(value))

    def of_value(self, value: Any) -> Any:
        """Return a value without the named fields, or `REDACTED` if it must go as a whole.

        Raises:
            UnsearchableError: if it has too many parts, contains itself, or has a name as a value.
            Exception: whatever the objects in it raise.
        """
        return self._of_any(value, _MAX_DEPTH, iter(range(_MAX_VALUES)))

    def of_body(self, body: Any) -> Any:
        """Return a request body without the named fields. Text is read as JSON first.

        Raises:
            UnsearchableError: if it is text or bytes but not JSON, has too many parts, or has a
                name as a value.
            Exception: whatever the objects in it raise.
        """
        if isinstance(body, str | bytes | bytearray | memoryview) and len(body):
            try:
                body = _parsed(_text_of(body))
            except ValueError:
                raise UnsearchableError("it is not JSON") from None
        return self.of_value(body)

    def _of_any(self, value: Any, depth: int, room: Iterator[int]) -> Any:
        if type(value) in SCALARS:
            return value
        if next(room, None) is None:
            raise UnsearchableError(f"it has more than {_MAX_VALUES} containers and texts")
        if depth == 0:
            return REDACTED
        if isinstance(value, str | bytes | bytearray | memoryview):
            return self._of_text(value, depth, room)
        named = _by_name(value)
        if named is not None:
            return self._of_mapping(named, depth, room)
        if isinstance(value, list | tuple | set | frozenset):
            return self._of_list(value, depth, room)
        return self._of_object(value, depth, room)

    def _of_mapping(self, named: Mapping[Any, Any], depth: int, room: Iterator[int]) -> Any:
        if any(map(self.holds_name, named.values())):
            if any(key in named for key in _CONTENTS):
                return REDACTED
            raise UnsearchableError("it has a redacted name as a value")
        kept: dict[Any, Any] = {}
        for key, each in named.items():
            if self.finds(_key_text(key)):
                kept[key] = REDACTED
            elif key in self._columns and isinstance(each, list | tuple):
                kept[key] = self._of_items(each, depth - 1, room)
            else:
                kept[key] = self._of_any(each, depth - 1, room)
        return kept

    def _of_list(self, values: Collection[Any], depth: int, room: Iterator[int]) -> Any:
        found = self._of_items(values, depth, room)
        if self._lists_are_safe or all(map(self._is_a_row, found)):
            return found
        return REDACTED

    def _is_a_row(self, value: Any) -> bool:
        """Return whether an item of a list is searched already, so it is no value by position."""
        return value is REDACTED or isinstance(value, list) or self._names_a_feature(value)

    def _names_a_feature(self, value: Any) -> bool:
        if isinstance(value, list):
            return any(map(self._names_a_feature, value))
        if not isinstance(value, dict):
            return False
        if "name" in value and any(key in value for key in _CONTENTS):
            return True
        return any(
            key in self._columns or self.finds(_key_text(key)) or self._names_a_feature(each)
            for key, each in value.items()
        )

    def _of_items(self, values: Collection[Any], depth: int, room: Iterator[int]) -> Any:
        """Return the items of a list without the named fields in them."""
        if depth == 0:
            return REDACTED
        if SCALARS.issuperset(map(type, values)):
            return values
        if any(map(self.holds_name, values)):
            raise UnsearchableError("it has a redacted name in a list")
        return [self._of_any(each, depth - 1, room) for each in values]

    def _of_text(self, value: Any, depth: int, room: Iterator[int]) -> Any:
        text = _text_of(value)
        if visible(text).lstrip()[:1] not in ("{", "[", '"'):
            return value
        try:
            content = _parsed_strictly(text)
        except ValueError:
            return REDACTED if self._names.may_mention(text) else value
        return value if self._of_any(content, depth - 1, room) == content else REDACTED

    def _of_object(self, value: Any, depth: int, room: Iterator[int]) -> Any:
        """Return an object as it would be written, or `REDACTED` if names would be lost."""
        if isinstance(value, np.ndarray) and value.dtype.names is None:
            return self._of_any(value.tolist(), depth - 1, room)
        written = plain([value])[0]
        if isinstance(written, str):
            unclear = _PRINTED.search(written) or self._names.may_mention(written)
            return REDACTED if unclear else written
        lossy = isinstance(written, list | dict) and not _is_unsupported(written)
        return REDACTED if lossy else written


def _by_name(value: Any) -> Mapping[Any, Any] | None:
    """Return the fields of a mapping or a record of any library. None if it has no names."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, msgspec.Struct):
        fields = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        return {name: getattr(value, field) for name, field in fields}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        names: Any = getattr(value, "_fields")  # noqa: B009 - its type knows no fields
        return dict(zip(names, value, strict=True))
    return None


def _parsed(text: str) -> Any:
    """Return the content of a JSON text. NaN and infinity are allowed, as in Python.

    Raises:
        ValueError: if it is not JSON, or nested too deep.
    """
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return _read(text)


def _parsed_strictly(text: str) -> Any:
    """Return the content of a JSON text, as `_parsed`, but refuse a key that occurs twice.

    The parser drops one of the two values, so that value could not be searched.

    Raises:
        ValueError: if it is not JSON, or a key occurs twice.
    """
    return _read(text, _without_twins)


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise ValueError("a key occurs twice")
    return named


def _read(text: str, object_pairs_hook: Any = None) -> Any:
    try:
        return json.loads(text.lstrip(_BLANK), object_pairs_hook=object_pairs_hook)
    except RecursionError as error:
        raise ValueError("JSON that is nested too deep") from error


def _text_of(value: str | bytes | bytearray | memoryview) -> str:
    """Return a text, or bytes decoded as a JSON parser would decode them."""
    if isinstance(value, str):
        return str.__str__(value)
    content = bytes(value)
    return content.decode(json.detect_encoding(content), "replace")


def _key_text(key: Any) -> str:
    if isinstance(key, enum.Enum):
        key = key.value
    if isinstance(key, str):
        return str.__str__(key)
    return _text_of(key) if isinstance(key, bytes) else str(key)


def _is_unsupported(written: Any) -> bool:
    return isinstance(written, dict) and list(written) == ["unsupported"]
