"""Records whose features are floats by position: read as one matrix, without a Python object each.

It is how most services' records look, and reading them is most of the work of counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from boxkite.live.record import extended
from boxkite.system.cooperation import cooperatively

__all__ = ["PackedRecords", "packed_records"]

# A record in MessagePack: array of seven, the id as text of 36 bytes, the time as 64 bits.
_HEAD = b"\x97\xd9\x24"
_TIME = 39
_TIME_TAG = 0xCF
_FEATURES = 48
_TAIL = b"\x94"
_FLOAT = b"\xcb"
_FLOAT_BYTES = 9


class _Tail(msgspec.Struct, array_like=True):
    """What follows the features in a record."""

    output: Any
    request_body: msgspec.Raw
    logged: bool
    truncated: msgspec.Raw


class PackedRecords(NamedTuple):
    """Records of floats by position.

    Attributes:
        features: float64, a row for each record.
        outputs: of each record, by position or by name.
        logged: how many go to the log.
        others: the contents that are no such records.
    """

    features: NDArray[np.float64]
    outputs: list[Any]
    logged: int
    others: list[bytes]


def packed_records(contents: Sequence[bytes], width: int) -> PackedRecords:
    """Return the encoded records whose features are so many floats, and the others.

    Raises:
        msgspec.DecodeError: if what follows the features is damaged.
    """
    header = _array_header(width)
    begin = _FEATURES + len(header)
    end = begin + _FLOAT_BYTES * width
    tags = _FLOAT * width
    rows: list[bytes] = []
    tails: list[_Tail] = []
    others: list[bytes] = []
    for content in cooperatively(contents):
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
        sum(tail.logged for tail in tails),
        others,
    )


def _array_header(width: int) -> bytes:
    """Return what an array of so many values begins with."""
    if width < 1 << 4:
        return bytes([0x90 | width])
    if width < 1 << 16:
        return b"\xdc" + width.to_bytes(2, "big")
    return b"\xdd" + width.to_bytes(4, "big")


_decoder = msgspec.msgpack.Decoder(_Tail, ext_hook=extended)
