"""Any value of a user's as one that MessagePack can hold and that counts the same."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np

from boxkite.baseline.values import is_missing, to_category, to_number
from boxkite.live.mark import Mark

__all__ = [
    "ENCODABLE",
    "SCALARS",
    "bounded",
    "encodable",
    "encodable_scalar",
    "escaped",
    "to_encodable",
    "unsupported",
]

SCALARS: frozenset[type] = frozenset({bool, int, float, str, bytes, type(None)})
"""Types of single values that the encoder writes as they are."""

ENCODABLE = SCALARS | {list, dict}
"""All types that the encoder writes as they are, if it can write what they hold."""

# Limits of `bounded`.
_MAX_DEPTH = 16
_MAX_VALUES = 100_000

# Forms of values that are encoded already.
_WRITTEN = (msgspec.Raw, msgspec.msgpack.Ext)


def encodable_scalar(value: Any) -> Any:
    """Return the same as `encodable`, or `unsupported` if the value holds other values."""
    written = encodable(value)
    holds = isinstance(written, list | dict | tuple | set | frozenset)
    return unsupported(value) if holds else written


def encodable(value: Any) -> Any:
    """Return the same as `to_encodable`, or `unsupported` if that fails."""
    try:
        return to_encodable(value)
    except Exception:  # noqa: BLE001 - a value is any object of the user's
        return unsupported(value)


def to_encodable(value: Any) -> Any:
    """Return a value that counts the same as an object that MessagePack does not know.

    The values that it holds are not converted, so the encoder may ask for them too.

    Raises:
        Exception: whatever the object's own methods raise.
    """
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


def bounded(values: Iterable[Any]) -> list[Any]:
    """Return values that can certainly be encoded. This looks at each part, so it is slow.

    Whatever is nested too deep, or follows too many other values, becomes `unsupported`.
    """
    room = iter(range(_MAX_VALUES))
    return [_bounded(each, (), room) for each in values]


def _bounded(value: Any, path: tuple[int, ...], room: Iterator[int]) -> Any:
    """Return a value that can certainly be encoded.

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
        written = value if type(value) in ENCODABLE else to_encodable(value)
        if written is value:
            return msgspec.to_builtins(value, builtin_types=(bytes, bytearray, memoryview))
        return _bounded(written, inner, room)
    except Exception:  # noqa: BLE001 - a value is any object of the user's
        return unsupported(value)


def escaped(text: str) -> str:
    """Return text that UTF-8 can hold: half of a surrogate pair becomes an escape sequence."""
    return str.encode(text, "utf-8", "backslashreplace").decode()
