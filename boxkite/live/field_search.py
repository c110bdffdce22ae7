"""Find named fields at any depth of values and objects, and replace their content."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import dataclasses
import enum
import json
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np

from boxkite.live.record import plain

__all__ = ["REDACTED", "SCALARS", "FieldSearch"]

REDACTED = "[redacted]"
"""Replaces redacted values in the journal and in the log."""

SCALARS = frozenset({float, int, bool, type(None)})
"""Types whose values cannot contain a name."""

_MAX_DEPTH = 16
_MAX_VALUES = 100_000  # containers and texts in one value
_BLANK = "\ufeff \t\r\n"


class FieldSearch:
    """Replace the values of named fields, and everything that could be one of these values.

    Keys are compared as the log would show them. Case and the form of Unicode do not matter.
    Further rules:

    - A list as long as the row of features, without lists or mappings in it, is treated as a row.
    - A mapping or list is replaced as a whole if one of its values is a name, or a list with a
      name: `{"name": "age", "data": [42]}`, `{"columns": ["age"], "data": [[42]]}`.
    - A text with JSON is replaced as a whole if the JSON has one of the names.
    - An object such as a pandas Series, which would lose its names when written, is replaced.
    - A value that is nested deeper than 16 levels is replaced.
    - Any other text is kept, unless it contains a name and starts like JSON or prints an object.

    Args:
        names: names of the fields.
        row: names of the features, in order. If it is empty, any list of scalars may be a row.
    """

    def __init__(self, names: Sequence[str], row: Sequence[str]) -> None:
        # If the keys of a mapping are bytes, the row has them as Python prints them: "b'age'".
        spelled = [repr(name.encode("utf-8", "replace")) for name in names]
        self._names = frozenset(_folded(name) for name in [*names, *spelled] if name.strip())
        self._longest = max(map(len, self._names), default=0)
        self._width = len(row)
        self._places = [place for place, name in enumerate(row) if self.finds(name)]

    def finds(self, name: str) -> bool:
        """Return whether a key is one of the names."""
        return _folded(name) in self._names

    def of_value(self, value: Any) -> Any:
        """Return a value without the named fields, or `REDACTED` if it must go as a whole.

        Raises:
            ValueError: if it has too many parts, or contains itself.
            Exception: whatever the objects in it raise.
        """
        return self._of_any(value, _MAX_DEPTH, iter(range(_MAX_VALUES)))

    def of_body(self, body: Any) -> Any:
        """Return a request body without the named fields. Text is read as JSON first.

        Raises:
            ValueError: if it is text or bytes but not JSON, or has too many parts.
            Exception: whatever the objects in it raise.
        """
        if isinstance(body, str | bytes | bytearray | memoryview) and len(body):
            body = _parsed(_text_of(body))
        return self.of_value(body)

    def _of_any(self, value: Any, depth: int, room: Iterator[int]) -> Any:
        if type(value) in SCALARS:
            return value
        if depth == 0:
            return REDACTED
        if next(room, None) is None:
            raise ValueError(f"more than {_MAX_VALUES} containers and texts")
        if isinstance(value, str | bytes | bytearray | memoryview):
            return self._of_text(value, depth, room)
        named = _by_name(value)
        if named is not None:
            return self._of_mapping(named, depth, room)
        if isinstance(value, list | tuple | set | frozenset):
            return self._of_list(value, depth, room)
        return self._of_object(value, depth, room)

    def _of_mapping(self, named: Mapping[Any, Any], depth: int, room: Iterator[int]) -> Any:
        if any(self._is_name(each) or self._has_name(each) for each in named.values()):
            return REDACTED
        return {
            key: REDACTED if self.finds(_key_text(key)) else self._of_any(each, depth - 1, room)
            for key, each in named.items()
        }

    def _of_list(self, values: Collection[Any], depth: int, room: Iterator[int]) -> Any:
        if self._has_name(values):
            return REDACTED
        found: Any = values
        if not SCALARS.issuperset(map(type, values)):
            found = [self._of_any(each, depth - 1, room) for each in values]
        if self._width and (len(found) != self._width or not self._places):
            return found
        if not found or any(isinstance(each, list | dict) for each in found):
            return found
        places = self._places if self._width else range(len(found))
        found = list(found)
        for place in places:
            found[place] = REDACTED
        return found

    def _of_text(self, value: Any, depth: int, room: Iterator[int]) -> Any:
        text = _text_of(value)
        if text.lstrip(_BLANK)[:1] not in ("{", "[", '"'):
            return value
        try:
            content = _parsed_strictly(text)
        except ValueError:
            return REDACTED if self._mentioned(text) else value
        return value if self._of_any(content, depth - 1, room) == content else REDACTED

    def _of_object(self, value: Any, depth: int, room: Iterator[int]) -> Any:
        """Return an object as it would be written, or `REDACTED` if names would be lost."""
        if isinstance(value, np.ndarray) and value.dtype.names is None:
            return self._of_any(value.tolist(), depth - 1, room)
        written = plain([value])[0]
        if isinstance(written, str):
            return REDACTED if self._mentioned(written) else written
        lossy = isinstance(written, list | dict) and not _is_unsupported(written)
        return REDACTED if lossy else written

    def _mentioned(self, text: str) -> bool:
        """Return whether a text that cannot be parsed may contain a name, perhaps escaped."""
        folded = _folded(text)
        return "\\u" in folded or any(name in folded for name in self._names)

    def _is_name(self, value: Any) -> bool:
        # Normalising makes a text at most four times shorter, so a longer text cannot be a name.
        short = isinstance(value, str) and len(value) <= 4 * self._longest
        return short and self.finds(str.__str__(value))

    def _has_name(self, value: Any) -> bool:
        listed = isinstance(value, list | tuple | set | frozenset)
        return listed and any(map(self._is_name, value))


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


def _folded(text: str) -> str:
    """Return a text in the form in which names are compared: NFKC with case folding."""
    if text.isascii():
        return text.lower().strip()
    return _folded_unicode(text)


@lru_cache(maxsize=1024)
def _folded_unicode(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


def _is_unsupported(written: Any) -> bool:
    return isinstance(written, dict) and list(written) == ["unsupported"]
