"""One prediction as bytes in MessagePack, written by the request and read in the background."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import msgspec

from boxkite.live.encodable_values import (
    ENCODABLE,
    SCALARS,
    bounded,
    encodable,
    encodable_scalar,
    to_encodable,
)
from boxkite.live.mark import extended

__all__ = ["Record", "decode", "encode", "is_logged", "plain"]


class Record(msgspec.Struct, array_like=True, frozen=True):
    """A prediction as it is written to the journal.

    Attributes:
        entity_id: UUID, as text.
        created_at: nanoseconds since 1970, UTC.
        features: values by position or by name. None if they were not a row.
        output: values by position or by name. None if they did not fit.
        request_body: the request body, if it is logged.
        logged: whether the record goes to the log. This is decided once, in the request.
        truncated: names of fields that were left out because they were too large.
        segments: values of the columns that divide the rows into segments, by name, unless they are
            features. A `Mark` holds the index in `SegmentColumn.values` of a redacted value.
    """

    entity_id: str
    created_at: int
    features: Any
    output: Any
    request_body: Any = None
    logged: bool = False
    truncated: tuple[str, ...] = ()
    segments: Any = None


def encode(
    record: Record,
    max_body_bytes: int | None = None,
    nested_features: bool = True,
    nested_output: bool = True,
) -> bytes:
    """Return the bytes of a record. Its values may be of any type.

    If MessagePack has no type for a value, a similar value that counts the same is written: Python
    values for numpy scalars and arrays, ISO 8601 text for times, seconds for durations, floats for
    integers beyond 64 bits, and escapes for broken Unicode. Any other value becomes
    `{"unsupported": "name of the type"}`, which counts as invalid.

    Args:
        record: a record with any values.
        max_body_bytes: a longer request body is left out, and named in `truncated`.
        nested_features: whether features may be lists and mappings. Otherwise they become
            `{"unsupported": "list"}`, which counts the same.
        nested_output: the same for outputs.
    """
    if record.request_body is not None and max_body_bytes is not None:
        record = _capped(record, max_body_bytes)
    features = _direct(record.features, ENCODABLE if nested_features else SCALARS)
    output = _direct(record.output, ENCODABLE if nested_output else SCALARS)
    segments = _direct(record.segments, SCALARS)
    try:
        if features is record.features and output is record.output and segments is record.segments:
            return _encoder.encode(record)
        # `Record` is `array_like`, so a tuple of its fields gives the same bytes. It saves the new
        # `Record` that changed features would need.
        return _encoder.encode(
            (
                record.entity_id,
                record.created_at,
                features,
                output,
                record.request_body,
                record.logged,
                record.truncated,
                segments,
            )
        )
    except Exception:  # noqa: BLE001 - values are any objects of the user's
        return _encoder.encode(bounded(msgspec.structs.astuple(record)))


def _capped(record: Record, max_body_bytes: int) -> Record:
    """Return the record with its request body encoded, or without it if it is too long."""
    try:
        body = _encoder.encode(record.request_body)
    except Exception:  # noqa: BLE001 - values are any objects of the user's
        body = _encoder.encode(bounded((record.request_body,))[0])
    if len(body) <= max_body_bytes:
        return msgspec.structs.replace(record, request_body=msgspec.Raw(body))
    truncated = (*record.truncated, "request_body")
    return msgspec.structs.replace(record, request_body=None, truncated=truncated)


def decode(content: bytes) -> Record:
    """Return the record that `encode` wrote.

    If it is nested deeper than the present stack allows, it is returned without its values.

    Raises:
        msgspec.DecodeError: if the bytes are not a record.
    """
    try:
        return _decoder.decode(content)
    except RecursionError:
        return Record("", 0, None, None)


def is_logged(content: bytes) -> bool:
    """Return whether an encoded record goes to the log. False if the bytes are not a record."""
    try:
        return decode(content).logged
    except msgspec.MsgspecError:
        return False


def plain(value: Any) -> Any:
    """Return a deep copy of a value as it would come back from the journal."""
    return decode(encode(Record("", 0, value, None))).features


def _direct(row: Any, types: frozenset[type]) -> Any:
    """Return a row whose values fit the encoder: the row itself if all of them do.

    Args:
        row: the row.
        types: types of values that need no conversion, either `ENCODABLE` or `SCALARS`.
    """
    if isinstance(row, list):
        if len(row) >= _LONG and type(row[0]) is float:
            packed = _packed_floats(row)
            if packed is not None:
                return packed
        # Compare exact types, because `to_encodable` must turn subclasses into the plain type.
        if types.issuperset(map(type, row)):
            return row
        convert = encodable if types is ENCODABLE else encodable_scalar
        return [each if type(each) in types else convert(each) for each in row]
    if isinstance(row, dict):
        if types.issuperset(map(type, row.values())):
            return row
        convert = encodable if types is ENCODABLE else encodable_scalar
        return {name: each if type(each) in types else convert(each) for name, each in row.items()}
    return row


def _packed_floats(row: list[Any]) -> msgspec.Raw | None:
    """Return the bytes of a long row if all of its values are floats, or None otherwise.

    Checking the bytes costs a tenth of checking each value's type. After the header of the array,
    each float takes nine bytes, and the first of them is its tag.
    """
    try:
        packed = _encoder.encode(row)
    except Exception:  # noqa: BLE001 - values are any objects of the user's
        return None
    width = len(row)
    # Arrays of 16 values or more have a header of 3 or 5 bytes (array 16 and array 32).
    header = 3 if width < 2**16 else 5
    all_floats = len(packed) == header + 9 * width and packed[header::9] == _FLOAT_TAG * width
    return msgspec.Raw(packed) if all_floats else None


_LONG = 16
_FLOAT_TAG = b"\xcb"

_encoder = msgspec.msgpack.Encoder(enc_hook=to_encodable)
_decoder = msgspec.msgpack.Decoder(Record, ext_hook=extended)
