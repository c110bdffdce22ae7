"""One prediction as bytes in MessagePack, written by the request and read in the background."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import msgspec
import numpy as np

from boxkite.baseline.values import is_missing, to_category, to_number

__all__ = [
    "Mark",
    "Record",
    "decode",
    "encode",
    "escaped",
    "extended",
    "is_logged",
    "plain",
    "unsupported",
]

# Limits for a record whose values must be converted one by one.
_MAX_DEPTH = 16
_MAX_VALUES = 100_000


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


@dataclass(frozen=True, slots=True)
class Mark:
    """Replaces a value that must not be written, and keeps where it counts.

    Attributes:
        cell: index of the variable's cell, or `Mark.MISSING` or `Mark.INVALID`.
        outside: whether the value is a finite number outside the range of training.
    """

    cell: int
    outside: bool = False

    MISSING: ClassVar[int] = -1
    INVALID: ClassVar[int] = -2

    def extension(self) -> msgspec.msgpack.Ext:
        """Return the mark as an extension of MessagePack, which no client can imitate."""
        cell = self.cell.to_bytes(_CELL_BYTES, "little", signed=True)
        return msgspec.msgpack.Ext(_MARK, cell + b"\1" * self.outside)


_MARK = 1
_CELL_BYTES = 4


def extended(code: int, content: memoryview) -> Any:
    """Return the object that an extension of MessagePack stands for. A hook of the decoder."""
    if code == _MARK:
        cell = int.from_bytes(content[:_CELL_BYTES], "little", signed=True)
        return Mark(cell, outside=len(content) > _CELL_BYTES)
    return msgspec.msgpack.Ext(code, bytes(content))


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
    features = _direct(record.features, _DIRECT if nested_features else _SINGLE)
    output = _direct(record.output, _DIRECT if nested_output else _SINGLE)
    segments = _direct(record.segments, _SINGLE)
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
        return _encoder.encode(_bounded_parts(msgspec.structs.astuple(record)))


def _bounded_parts(parts: tuple[Any, ...]) -> list[Any]:
    room = iter(range(_MAX_VALUES))
    return [_bounded(each, (), room) for each in parts]


def _capped(record: Record, max_body_bytes: int) -> Record:
    """Return the record with its request body encoded, or without it if it is too long."""
    try:
        body = _encoder.encode(record.request_body)
    except Exception:  # noqa: BLE001 - values are any objects of the user's
        body = _encoder.encode(_bounded_parts((record.request_body,))[0])
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
        types: types of values that need no conversion, either `_DIRECT` or `_SINGLE`.
    """
    if isinstance(row, list):
        if len(row) >= _LONG and type(row[0]) is float:
            packed = _packed_floats(row)
            if packed is not None:
                return packed
        # Compare exact types, because `_nearest` must turn subclasses into the plain type.
        if types.issuperset(map(type, row)):
            return row
        convert = _safely_nearest if types is _DIRECT else _single
        return [each if type(each) in types else convert(each) for each in row]
    if isinstance(row, dict):
        if types.issuperset(map(type, row.values())):
            return row
        convert = _safely_nearest if types is _DIRECT else _single
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

_SINGLE: frozenset[type] = frozenset({bool, int, float, str, bytes, type(None)})
_DIRECT = _SINGLE | {list, dict}


def _single(value: Any) -> Any:
    """Return a value as `_safely_nearest` does, unless it holds other values."""
    nearest = _safely_nearest(value)
    holds = isinstance(nearest, list | dict | tuple | set | frozenset)
    return unsupported(value) if holds else nearest


def _safely_nearest(value: Any) -> Any:
    try:
        return _nearest(value)
    except Exception:  # noqa: BLE001 - a value is any object of the user's
        return unsupported(value)


def _nearest(value: Any) -> Any:
    """Return a value that counts the same as an object that MessagePack does not know."""
    if is_missing(value):
        return None
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, np.generic):
        return _nearest_of_numpy(value)
    if isinstance(value, _KNOWN):
        return value
    if hasattr(value, "tolist"):
        return value.tolist()
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    return _text(value)


_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (Mark, Mark.extension),
    (str, str.__str__),
    (int, int),
    (float, float),
    (dt.date | dt.time, lambda moment: moment.isoformat()),
    (dt.timedelta | Fraction, to_number),
    (Mapping, dict),
)
_KNOWN = (tuple, set, frozenset, bytearray, memoryview, uuid.UUID)


def _nearest_of_numpy(value: np.generic) -> Any:
    if isinstance(value, np.timedelta64):
        return to_number(value)
    if isinstance(value, np.datetime64):
        moment = value.astype("M8[us]").item()
        return moment.isoformat() if isinstance(moment, dt.datetime) else to_number(value)
    if isinstance(value, np.floating):
        return float(value)
    return value.item() if value.dtype.kind in "iubSU" else unsupported(value)


def _text(value: Any) -> Any:
    """Return the text of an object such as a decimal or interval, as training counted it."""
    if isinstance(value, Iterable):
        return unsupported(value)
    try:
        return to_category(value)
    except ValueError:
        return unsupported(value)


def unsupported(value: Any) -> dict[str, str]:
    """Return the value that journal and log hold in place of one that cannot be written."""
    return {"unsupported": type(value).__name__}


def _bounded(value: Any, path: tuple[int, ...], room: Iterator[int]) -> Any:
    """Return a value that can certainly be encoded. This looks at each part, so it is slow.

    Args:
        value: any value.
        path: ids of the containers around it, to find a container that holds itself.
        room: yields once for each further value that is allowed.
    """
    try:
        if len(path) >= _MAX_DEPTH or id(value) in path or next(room, None) is None:
            return unsupported(value)
        inner = (*path, id(value))
        if isinstance(value, str):
            return escaped(value)
        if isinstance(value, _WRITTEN):
            return value
        if type(value) is int:
            return value if -(2**63) <= value < 2**64 else to_number(value)
        if isinstance(value, dict):
            return {escaped(str(key)): _bounded(each, inner, room) for key, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [_bounded(each, inner, room) for each in value]
        nearest = value if type(value) in _DIRECT else _nearest(value)
        if nearest is value:
            return msgspec.to_builtins(value, builtin_types=(bytes, bytearray, memoryview))
        return _bounded(nearest, inner, room)
    except Exception:  # noqa: BLE001 - a value is any object of the user's
        return unsupported(value)


def escaped(text: str) -> str:
    """Return text that UTF-8 can hold: half of a surrogate pair becomes an escape sequence."""
    return str.encode(text, "utf-8", "backslashreplace").decode()


_WRITTEN = (msgspec.Raw, msgspec.msgpack.Ext)
_encoder = msgspec.msgpack.Encoder(enc_hook=_nearest)
_decoder = msgspec.msgpack.Decoder(Record, ext_hook=extended)
