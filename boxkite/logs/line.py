"""A logged record as one line of JSON that every parser reads."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from boxkite.live.record import Mark, plain
from boxkite.live.redaction import REDACTED
from boxkite.logs.log_record import LogRecord

__all__ = ["finished", "to_line"]

_MAX_DEPTH = 32
_MAX_VALUES = 1_000_000


def to_line(record: LogRecord, max_bytes: int) -> bytes:
    r"""Return a record as one JSON object and a line feed, the only line break in it.

    NaN is null, infinities are the texts "Infinity" and "-Infinity", bytes are Base64 (RFC 4648)
    text, keys are text, broken Unicode is escaped. What is nested deeper than 32 levels becomes
    `{"unsupported": "name of the type"}`.

    Args:
        record: with values of any kind.
        max_bytes: a line that is longer loses `request_body`, then the content of `features`, then
            that of `output`, until it fits; `truncated` names them. What identifies the record
            stays, however long.
    """
    line = _line(record)
    for field in ("request_body", "features", "output"):
        if len(line) <= max_bytes:
            break
        if getattr(record, field) not in _NOTHING:
            record = _without(record, field)
            line = _line(record)
    return line


_NOTHING: tuple[Any, ...] = (None, msgspec.UNSET)


def _without(record: LogRecord, field: str) -> LogRecord:
    """Return a record without a field: an optional one is gone, the others are null."""
    before = () if record.truncated is msgspec.UNSET else record.truncated
    nothing = msgspec.UNSET if field == "request_body" else None
    return msgspec.structs.replace(record, **{field: nothing}, truncated=[*before, field])


def _line(record: LogRecord) -> bytes:
    try:
        line = _encoder.encode(record)
        ordinary = _is_ordinary(record, line)
    except Exception:  # noqa: BLE001 - values are any objects
        ordinary = False
    return finished(line if ordinary else _encoder.encode(_strict_record(record)))


def finished(line: bytes) -> bytes:
    """Return an object of JSON as a line: with a line feed, and no other line break in it."""
    if not line.isascii():
        for broken, escaped in _LINE_BREAKS:
            line = line.replace(broken, escaped)
    return line + b"\n"


_encoder = msgspec.json.Encoder()
_null = re.compile(b"null")

# Where a reader of text may break a line, beside what JSON escapes anyway (Unicode, UAX 14).
_LINE_BREAKS = tuple((chr(code).encode(), rb"\u%04x" % code) for code in (0x85, 0x2028, 0x2029))


def _is_ordinary(record: LogRecord, line: bytes) -> bool:
    """Tell whether a line is what was meant, from the line as far as it tells.

    Raises:
        TypeError: if a mapping has a key that is no text: two could be written as the same.
    """
    parts = (record.features, record.output, record.request_body)
    has_null = _null.search(line) is not None  # it may have been an infinity
    outermost = 1 + sum(type(part) in _CONTAINERS for part in parts)
    is_flat = _count(line, b"{", outermost) + _count(line, b"[", outermost) <= outermost
    return all(_is_strict(part, has_null, is_flat, _MAX_DEPTH) for part in parts)


def _count(line: bytes, byte: bytes, limit: int) -> int:
    """Return how often a byte occurs, up to one more than `limit`: `bytes.count` looks at each."""
    found, place = 0, line.find(byte)
    while place >= 0 and found <= limit:
        found += 1
        place = line.find(byte, place + 1)
    return found


def _is_strict(value: Any, has_null: bool, is_flat: bool, depth: int) -> bool:
    kind = type(value)
    if kind is dict:
        "".join(value)  # the quickest look at the types of all keys
        values: Collection[Any] = value.values()
    elif kind is list:
        values = value
    else:
        return kind in _LEAVES and not (has_null and value in _INFINITIES)
    if has_null and (math.inf in values or -math.inf in values):
        return False
    if is_flat:
        return True
    return depth > 0 and all(
        _is_strict(each, has_null, False, depth - 1) for each in values if type(each) not in _SIMPLE
    )


_CONTAINERS = (dict, list)
_INFINITIES = (math.inf, -math.inf)
_SIMPLE = frozenset({str, int, float, bool, type(None)})
_LEAVES = _SIMPLE | {bytes, type(msgspec.UNSET)}


def _strict_record(record: LogRecord) -> dict[str, Any]:
    """Return a record's fields with values that every parser of JSON reads."""
    room = iter(range(_MAX_VALUES))
    named = msgspec.structs.asdict(record)
    return {
        field: _strict(value, _MAX_DEPTH, room)
        for field, value in named.items()
        if value is not msgspec.UNSET
    }


def _strict(value: Any, depth: int, room: Iterator[int]) -> Any:
    kind = type(value)
    if kind is float:
        return _finite(value)
    if kind is int:
        return value if value.bit_length() < 1024 else _finite(math.inf if value > 0 else -math.inf)
    if kind is str:
        return _escaped(value)
    if value is None or kind in (bool, bytes):
        return value
    if kind is Mark:
        return REDACTED
    if depth < 0 or next(room, None) is None:
        return _unsupported(value)
    if isinstance(value, dict):
        return {_escaped(_key(key)): _strict(each, depth - 1, room) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_strict(each, depth - 1, room) for each in value]
    written = plain([value])[0]
    return _unsupported(value) if type(written) is kind else _strict(written, depth - 1, room)


def _finite(number: float) -> float | str | None:
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return number


def _key(key: Any) -> str:
    if isinstance(key, bytes):
        return key.decode("utf-8", "backslashreplace")
    return key if type(key) is str else str(key)


def _escaped(text: str) -> str:
    return str.encode(text, "utf-8", "backslashreplace").decode()


def _unsupported(value: Any) -> dict[str, str]:
    return {"unsupported": type(value).__name__}
