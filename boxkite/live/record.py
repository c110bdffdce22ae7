"""One prediction as bytes: MessagePack, written in the request, read in the background."""

from __future__ import annotations

import datetime as dt
import enum
import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from boxkite.baseline.values import is_missing

__all__ = ["Record", "decode", "encode", "plain"]

_MAX_DEPTH = 16


class Record(msgspec.Struct, array_like=True, frozen=True):
    """A prediction as it stands in the journal.

    Attributes:
        entity_id: UUID, text.
        created_at: nanoseconds since 1970, UTC.
        features: by position or by name; None if they were no row.
        output: by position or by name; None if it did not fit.
        request_body: as it came, where it is logged.
    """

    entity_id: str
    created_at: int
    features: Any
    output: Any
    request_body: Any = None


def encode(record: Record) -> bytes:
    """Return a record's bytes.

    A value that MessagePack cannot hold is written as the nearest that it can: numpy's scalars
    and arrays as Python's, integers beyond 64 bits as floats, broken Unicode escaped. A value of
    a type unknown here becomes `{"unsupported": "name of the type"}`, which counts as invalid.
    """
    try:
        return _encoder.encode(record)
    except (TypeError, ValueError, OverflowError, RecursionError):
        plain = (_plain(value, 0) for value in msgspec.structs.astuple(record))
        return _encoder.encode(tuple(plain))


def decode(content: bytes) -> Record:
    """Return the record that `encode` wrote.

    Raises:
        msgspec.DecodeError: if the bytes are no record.
    """
    return _decoder.decode(content)


def plain(value: Any) -> Any:
    """Return a copy of a value, at every depth, as it would come back from the journal."""
    return decode(encode(Record("", 0, value, None))).features


def _nearest(value: Any) -> Any:
    """Return what MessagePack can hold in place of an object that it does not know."""
    if is_missing(value):
        return None
    if isinstance(value, np.datetime64 | np.timedelta64):
        kind = "M" if isinstance(value, np.datetime64) else "m"
        return value.astype(f"{kind}8[us]").item()
    if isinstance(value, np.generic):
        return value.item() if value.dtype.kind in "fiubSU" else _unsupported(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    return _unsupported(value)


def _unsupported(value: Any) -> dict[str, str]:
    return {"unsupported": type(value).__name__}


def _plain(value: Any, depth: int) -> Any:
    """Return a value that is sure to be encoded, at the cost of looking at each part."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, bool | float | bytes | bytearray | type(None)):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else _as_float(value)
    if depth >= _MAX_DEPTH:
        return _unsupported(value)
    if isinstance(value, Mapping):
        return {_key(key): _plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each, depth + 1) for each in value]
    try:
        return _encoder.encode(value) and value
    except (TypeError, ValueError, OverflowError, RecursionError):
        nearest = _nearest(value)
        return _unsupported(value) if nearest is value else _plain(nearest, depth + 1)


def _key(key: Any) -> str:
    return str(key).encode("utf-8", "backslashreplace").decode()


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


_encoder = msgspec.msgpack.Encoder(enc_hook=_nearest)
_decoder = msgspec.msgpack.Decoder(Record)
