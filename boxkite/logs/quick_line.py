"""The fast path from the bytes of the journal to a line of the log.

Most records are a row of numbers and texts with one output. A typed decoder checks that, so the
line can be encoded directly, without a `LogRecord` and without checking each value. Any other
record takes the long way, through `log_record` and `log_line`. Tests check that both write the same
bytes.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import msgspec

from boxkite.live.log_context import LogContext
from boxkite.logs.log_line import finish_line
from boxkite.logs.log_record import new_log_record

__all__ = ["QuickLines", "UndecodedRecord"]

_Value: TypeAlias = int | float | str | bool | None

_NONE = b"\xc0"
_EMPTY = b"\x90"
_MAX_NAMES = 10_000


class UndecodedRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A `Record` of the journal whose values are still MessagePack.

    Attributes:
        entity_id: see `Record`.
        created_at: see `Record`.
        features: the bytes of the features.
        output: the bytes of the output.
        request_body: the bytes of the request body.
        logged: see `Record`.
        truncated: the bytes of the names.
        segments: the bytes of the values.
    """

    entity_id: str
    created_at: int
    features: msgspec.Raw
    output: msgspec.Raw
    request_body: msgspec.Raw = msgspec.Raw(_NONE)
    logged: bool = False
    truncated: msgspec.Raw = msgspec.Raw(_EMPTY)
    segments: msgspec.Raw = msgspec.Raw(_NONE)


class QuickLines:
    """Makes the lines of ordinary records of one worker.

    Args:
        context: the log context of the worker.
    """

    def __init__(self, context: LogContext) -> None:
        self._context = context
        self._named = _struct_of(context.features)
        constant = new_log_record(context, "", 0, context.features, None)
        self._is_ascii = _encoder.encode(constant).isascii()

    def line(self, record: UndecodedRecord) -> bytes | None:
        """Return the same bytes as `to_line`, or None if the record is not an ordinary one."""
        if self._named is None or not _is_ordinary(record):
            return None
        try:
            row = _values.decode(record.features)
            output = _values.decode(record.output)
        except ValueError:
            return None
        if len(output) != 1 or len(row) != len(self._context.features):
            return None
        named = new_log_record(
            self._context, record.entity_id, record.created_at, self._named(*row), output[0]
        )
        line = _encoder.encode(named)
        # A row of numbers makes an ASCII line without null, if names and ids are ASCII. Then there
        # is no line break to escape and no infinity to look for.
        if self._is_ascii and _are_finite(row, output[0]) and record.entity_id.isascii():
            line += b"\n"
        else:
            line = finish_line(line)
            # msgspec writes an infinity as null, but the log has it as text.
            if b"null" in line and not _INFINITIES.isdisjoint((*row, output[0])):
                return None
        return line if len(line) <= self._context.max_bytes else None


def _is_ordinary(record: UndecodedRecord) -> bool:
    return (
        record.request_body == _NOTHING
        and record.truncated == _COMPLETE
        and record.segments == _NOTHING
    )


def _are_finite(row: list[_Value], output: _Value) -> bool:
    """Return whether all values are finite numbers.

    One sum is faster than a test of each value. If any value is infinite or NaN, so is the sum. The
    sum may also overflow although all values are finite, but then the row only takes the slower
    branch.
    """
    try:
        return math.isfinite(sum(row, output))  # type: ignore[arg-type]
    except (TypeError, OverflowError):
        return False


def _struct_of(names: tuple[str, ...]) -> Any:
    """Return a class with these names as fields, because it is encoded faster than a dictionary."""
    if not 0 < len(set(names)) == len(names) <= _MAX_NAMES:
        return None
    fields = {f"value_{i}": name for i, name in enumerate(names)}
    try:
        return msgspec.defstruct(
            "Features", [(field, Any) for field in fields], rename=fields, frozen=True, gc=False
        )
    except ValueError:  # msgspec refuses names that must be escaped, for example because of a quote
        return None


_INFINITIES = frozenset({math.inf, -math.inf})
_NOTHING = msgspec.Raw(_NONE)
_COMPLETE = msgspec.Raw(_EMPTY)
_encoder = msgspec.json.Encoder()
_values = msgspec.msgpack.Decoder(list[_Value])
