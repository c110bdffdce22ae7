"""The line format of the log: write a record as one line of JSON, and read such a line."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Annotated, Any

import msgspec

from boxkite.live.encodable_values import escaped, unsupported
from boxkite.live.mark import Mark
from boxkite.live.record import plain
from boxkite.live.redaction import REDACTED
from boxkite.logs.log_record import LogRecord

__all__ = ["LoggedPrediction", "finish_line", "parse_line", "to_line"]

_MAX_DEPTH = 32
_MAX_VALUES = 1_000_000


class LoggedPrediction(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A prediction that was read from the log. See `LogRecord` for the fields.

    If a line lacks a field, the field has its default. Unknown fields are ignored, so that an older
    reader can read the log of a newer service.

    Attributes:
        entity_id: UUID as text. Copies of one prediction have the same.
        created_at: time of the prediction, with its time zone.
        request_body: the JSON of the body, not decoded; empty if bodies are not logged.
        truncated: names of the fields that were left out because the record was too large.
    """

    entity_id: str
    created_at: Annotated[datetime, msgspec.Meta(tz=True)]
    prediction_id: str = ""
    server_id: str = ""
    endpoint_id: str = ""
    model: str = ""
    version: str = ""
    features: Any = None
    output: Any = None
    segments: Any = None
    request_body: msgspec.Raw = msgspec.Raw()
    truncated: tuple[str, ...] = ()


_decoder = msgspec.json.Decoder(LoggedPrediction)


def parse_line(line: bytes) -> LoggedPrediction:
    """Return the prediction that a line holds.

    Raises:
        ValueError: if the line is damaged.
    """
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from None


def to_line(record: LogRecord, max_bytes: int) -> bytes:
    r"""Return a record as one JSON object and a line feed, the only line break in it.

    NaN becomes null, and infinities become the texts "Infinity" and "-Infinity". Bytes become
    Base64 (RFC 4648). Keys become text, and broken Unicode is escaped. A value nested deeper than
    32 levels becomes `{"unsupported": "name of the type"}`.

    Args:
        record: the record, with values of any kind.
        max_bytes: the longest line. A longer one loses `request_body`, then the content of
            `features`, then the content of `output`, then `segments`, until it fits; `truncated`
            names them. The fields that identify the record always stay.
    """
    line = _line(record)
    for field in ("request_body", "features", "output", "segments"):
        if len(line) <= max_bytes:
            break
        if getattr(record, field) not in _NOTHING:
            record = _without(record, field)
            line = _line(record)
    return line


_NOTHING: tuple[Any, ...] = (None, msgspec.UNSET)


def _without(record: LogRecord, field: str) -> LogRecord:
    """Return a record without the content of a field, which `truncated` names instead."""
    before = () if record.truncated is msgspec.UNSET else record.truncated
    nothing = None if field in ("features", "output") else msgspec.UNSET
    return msgspec.structs.replace(record, **{field: nothing}, truncated=[*before, field])


def _line(record: LogRecord) -> bytes:
    # Nearly all records hold plain values, which msgspec encodes in one call. Checking its result
    # is several times cheaper than converting each value first.
    line = b""
    try:
        line = _encoder.encode(record)
        ordinary = _is_ordinary(record, line)
    except Exception:  # noqa: BLE001 - values are any objects
        ordinary = False
    return finish_line(line if ordinary else _encoder.encode(_strict_record(record)))


def finish_line(line: bytes) -> bytes:
    """Add a line feed to a JSON object, and escape all other line breaks in it."""
    if not line.isascii():
        for line_break, escape in _LINE_BREAKS:
            line = line.replace(line_break, escape)
    return line + b"\n"


_encoder = msgspec.json.Encoder()
_null = re.compile(b"null")

# JSON escapes line feeds, but not these three, at which `str.splitlines` and other readers of text
# break lines too (Unicode, UAX 14).
_LINE_BREAKS = tuple((chr(code).encode(), rb"\u%04x" % code) for code in (0x85, 0x2028, 0x2029))


def _is_ordinary(record: LogRecord, line: bytes) -> bool:
    """Return whether msgspec's encoding is also the strict one.

    The line itself shows cheaply what cannot be in the record: msgspec writes infinities as null,
    so a line without `null` has none, and a line with few brackets has no nested values.

    Raises:
        TypeError: if a mapping has a key that is not text, because two such keys could be written
            as the same text.
    """
    parts = (record.features, record.output, record.segments, record.request_body)
    has_null = _null.search(line) is not None
    outermost = 1 + sum(type(part) in _CONTAINERS for part in parts)
    is_flat = _count(line, b"{", outermost) + _count(line, b"[", outermost) <= outermost
    return all(_is_strict(part, has_null, is_flat, _MAX_DEPTH) for part in parts)


def _count(line: bytes, byte: bytes, limit: int) -> int:
    """Count a byte, up to `limit` + 1. `bytes.count` would scan the whole line."""
    found, place = 0, line.find(byte)
    while place >= 0 and found <= limit:
        found += 1
        place = line.find(byte, place + 1)
    return found


def _is_strict(value: Any, has_null: bool, is_flat: bool, depth: int) -> bool:
    kind = type(value)
    if kind is dict:
        "".join(value)  # the fastest way to check that all keys are text: raises TypeError
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
    """Return a record's fields with values that every JSON parser can read."""
    # The values share one budget, because a list can hold another one a million times.
    budget = iter(range(_MAX_VALUES))
    named = msgspec.structs.asdict(record)
    return {
        field: _strict(value, _MAX_DEPTH, budget)
        for field, value in named.items()
        if value is not msgspec.UNSET
    }


def _strict(value: Any, depth: int, budget: Iterator[int]) -> Any:
    kind = type(value)
    if kind is float:
        return _finite(value)
    if kind is int:
        # Write numbers beyond the range of doubles as infinite, because many JSON parsers read
        # numbers as doubles and would fail.
        return value if value.bit_length() < 1024 else _finite(math.inf if value > 0 else -math.inf)
    if kind is str:
        return escaped(value)
    if value is None or kind in (bool, bytes):
        return value
    if kind is Mark:
        return REDACTED
    if depth < 0 or next(budget, None) is None:
        return unsupported(value)
    if isinstance(value, dict):
        return {escaped(_key(key)): _strict(each, depth - 1, budget) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_strict(each, depth - 1, budget) for each in value]
    converted = plain([value])[0]
    return unsupported(value) if type(converted) is kind else _strict(converted, depth - 1, budget)


def _finite(number: float) -> float | str | None:
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return number


def _key(key: Any) -> str:
    if isinstance(key, bytes):
        return key.decode("utf-8", "backslashreplace")
    return key if type(key) is str else str(key)
