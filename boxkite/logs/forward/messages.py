"""Messages of the forward protocol ("Event Modes" in the specification)."""

from __future__ import annotations

import base64
import secrets
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from boxkite.live.record import plain

__all__ = ["chunk_id", "entry", "event", "message", "packed_forward"]

_NANOSECONDS = 1_000_000_000
# "EventTime Ext Format": extension type 0 holds seconds and nanoseconds as two 32-bit integers.
_EVENT_TIME = 0


def entry(created_at: int, record: object, *, nanoseconds: bool = True) -> bytes:
    """Encode one entry, which is a pair of a time and a record.

    Args:
        created_at: nanoseconds since 1970, UTC.
        record: the fields, with values that MessagePack can hold.
        nanoseconds: send the time as EventTime. False sends whole seconds, as fluentd before 0.14
            needs.

    Raises:
        Exception: if the record cannot be encoded, or the time is before 1970 or after 2106, which
            EventTime cannot hold.
    """
    seconds, rest = divmod(created_at, _NANOSECONDS)
    time: Any = seconds
    if nanoseconds:
        time = msgspec.msgpack.Ext(_EVENT_TIME, struct.pack(">II", seconds, rest))
    return msgspec.msgpack.encode((time, record))


def event(created_at: int, record: Mapping[str, Any], *, nanoseconds: bool = True) -> bytes:
    """Encode an entry whose record holds any values.

    numpy's values become Python's, and dates and times become ISO 8601 text. See `entry` for the
    arguments.
    """
    fields = msgspec.to_builtins(plain(record), builtin_types=(bytes,), str_keys=True)
    return entry(created_at, fields, nanoseconds=nanoseconds)


def message(tag: str, entry: bytes) -> bytes:
    """Encode an entry in Message mode, which is one array of tag, time and record."""
    # 0x93 begins an array of three. The entry's own first byte begins its array of two.
    return b"\x93" + msgspec.msgpack.encode(tag) + entry[1:]


def chunk_id() -> str:
    """Return a new random id, with which the receiver acknowledges a chunk."""
    return base64.b64encode(secrets.token_bytes(16)).decode()


def packed_forward(tag: str, entries: Sequence[bytes], chunk: str) -> bytes:
    """Encode entries in PackedForward mode.

    The option `chunk` asks the receiver to acknowledge the entries with this id.
    """
    option = {"size": len(entries), "chunk": chunk}
    return msgspec.msgpack.encode((tag, b"".join(entries), option))
