"""Read records whose features are floats by position as one matrix, without a Python object each.

Most records have this form, and decoding them would be most of the work of counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from boxkite.live.mark import extended
from boxkite.system.cooperation import cooperatively

__all__ = ["PackedRecords", "packed_records"]

# The beginning of a record in MessagePack: an array of eight values, the id as a text of 36 bytes,
# the time as an unsigned integer of 64 bits (https://msgpack.org, specification).
_HEAD = b"\x98\xd9\x24"
_TIME = 39
_TIME_TAG = 0xCF
_FEATURES = 48
_TAIL = b"\x95"
_FLOAT = b"\xcb"
_FLOAT_BYTES = 9


class _Tail(msgspec.Struct, array_like=True):
    """The values after the features in a record."""

    output: Any
    request_body: msgspec.Raw
    logged: bool
    truncated: msgspec.Raw
    segments: Any


class PackedRecords(NamedTuple):
    """Records whose features are floats by position, and the others.

    Attributes:
        features: float64, one row per record.
        outputs: the output of each record, by position or by name.
        segments: the values of `Record.segments` of each record.
        logged: number of records that go to the log.
        others: the encoded records that have other features.
    """

    features: NDArray[np.float64]
    outputs: list[Any]
    segments: list[Any]
    logged: int
    others: list[bytes]


def packed_records(contents: Sequence[bytes], width: int) -> PackedRecords:
    """Separate encoded records whose features are floats by position from all others.

    Args:
        contents: encoded records.
        width: number of features.

    Raises:
        msgspec.DecodeError: if the values after the features are damaged.
    """
    header = _array_header(width)
    begin = _FEATURES + len(header)
    end = begin + _FLOAT_BYTES * width
    tags = _FLOAT * width
    rows: list[bytes] = []
    tails: list[_Tail] = []
    others: list[bytes] = []
    for content in cooperatively(contents):
        # Each float takes nine bytes: a tag and the value. If every ninth byte is the tag of a
        # float, only the header remains to be checked.
        if (
            content[begin:end:_FLOAT_BYTES] == tags
            and content[_FEATURES:begin] == header
            and content.startswith(_HEAD)
            and content[_TIME] == _TIME_TAG
        ):
            tails.append(_decoder.decode(_TAIL + content[end:]))
            rows.append(content[begin:end])
        else:
            others.append(content)
    tagged = np.frombuffer(b"".join(rows), dtype=[("tag", "u1"), ("value", ">f8")])
    return PackedRecords(
        tagged["value"].astype(np.float64).reshape(len(rows), width),
        [tail.output for tail in tails],
        [tail.segments for tail in tails],
        sum(tail.logged for tail in tails),
        others,
    )


def _array_header(width: int) -> bytes:
    """Return the bytes with which MessagePack begins an array of `width` values."""
    if width < 1 << 4:
        return bytes([0x90 | width])
    if width < 1 << 16:
        return b"\xdc" + width.to_bytes(2, "big")
    return b"\xdd" + width.to_bytes(4, "big")


_decoder = msgspec.msgpack.Decoder(_Tail, ext_hook=extended)
