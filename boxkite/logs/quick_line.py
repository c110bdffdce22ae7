"""The line of an ordinary record, straight from the bytes of the journal.

Most records are a row of numbers and texts with one output. Their values are plain by their types,
which the decoder checks, so that nobody has to look at each of them again.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import msgspec

from boxkite.logs.document import document
from boxkite.logs.line import finished
from boxkite.logs.terms import LogTerms

__all__ = ["LineMaker", "Undecoded"]

_Value: TypeAlias = int | float | str | bool | None

_NONE = b"\xc0"
_EMPTY = b"\x90"
_MOST_NAMES = 10_000


class Undecoded(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A `Record` whose values are still bytes.

    Attributes:
        entity_id: as of `Record`, like those that follow.
        created_at: likewise.
        features: likewise, in MessagePack.
        output: likewise.
        request_body: likewise.
        logged: likewise.
        truncated: likewise.
    """

    entity_id: str
    created_at: int
    features: msgspec.Raw
    output: msgspec.Raw
    request_body: msgspec.Raw = msgspec.Raw(_NONE)
    logged: bool = False
    truncated: msgspec.Raw = msgspec.Raw(_EMPTY)


class LineMaker:
    """Makes the lines of one worker's ordinary records.

    Args:
        terms: of the worker.
    """

    def __init__(self, terms: LogTerms) -> None:
        self._terms = terms
        self._named = _named(terms.features)
        constant = document(terms, "", 0, terms.features, None)
        self._is_ascii = _encoder.encode(constant).isascii()

    def line(self, record: Undecoded) -> bytes | None:
        """Return what `to_line` would; None for a record that is not ordinary."""
        if self._named is None or record.request_body != _NO_BODY or record.truncated != _WHOLE:
            return None
        try:
            row = _values.decode(record.features)
            output = _values.decode(record.output)
        except ValueError:
            return None
        if len(output) != 1 or len(row) != len(self._terms.features):
            return None
        named = document(
            self._terms, record.entity_id, record.created_at, self._named(*row), output[0]
        )
        line = _encoder.encode(named)
        if self._is_ascii and _are_finite(row, output[0]) and record.entity_id.isascii():
            line += b"\n"
        else:
            line = finished(line)
            # A null may have been an infinity, which is logged as text.
            if b"null" in line and not _INFINITIES.isdisjoint((*row, output[0])):
                return None
        return line if len(line) <= self._terms.max_bytes else None


def _are_finite(row: list[_Value], output: _Value) -> bool:
    """Tell whether all values are finite numbers; seldom False for some that are."""
    try:
        return math.isfinite(sum(row, output))  # type: ignore[arg-type]
    except (TypeError, OverflowError):
        return False


def _named(names: tuple[str, ...]) -> Any:
    """Return a class of values under these names, which is encoded faster than a dictionary."""
    if not 0 < len(set(names)) == len(names) <= _MOST_NAMES:
        return None
    fields = {f"value_{i}": name for i, name in enumerate(names)}
    try:
        return msgspec.defstruct(
            "Features", [(field, Any) for field in fields], rename=fields, frozen=True, gc=False
        )
    except ValueError:  # a name with a quote, or what else would have to be escaped
        return None


_INFINITIES = frozenset({math.inf, -math.inf})
_NO_BODY = msgspec.Raw(_NONE)
_WHOLE = msgspec.Raw(_EMPTY)
_encoder = msgspec.json.Encoder()
_values = msgspec.msgpack.Decoder(list[_Value])
