"""Converts a single value to a number or to a category label, or finds it missing.

Training and serving both use this module, so `1`, `1.0`, `"1"` and `numpy.int64(1)` count in the
same cell on both sides.
"""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import contextlib
import datetime as dt
import math
from collections.abc import Mapping, Set
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

__all__ = [
    "epoch_seconds",
    "is_missing",
    "spelled_number",
    "to_category",
    "to_number",
    "valid_unicode",
]

_MISSING_TYPES = frozenset({"NoneType", "NAType", "NaTType", "MaskedConstant"})
_NO_CATEGORY = (Mapping, Set, list, tuple, complex, np.complexfloating)
_CONVERT = "are neither numbers nor labels. Convert the column to numbers or text, or leave it out"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

# The longest text that is read as a number. A float written out in full has up to 1,075 digits. A
# longer, hostile string of digits would take time to parse.
_MAX_NUMBER_TEXT = 1100

# Whole floats from here up are written as floats, because their digits after the 16th are noise.
_MAX_WHOLE = 1e16


def is_missing(value: Any) -> bool:
    """Return whether `value` is None, NaN, NaT, pandas' NA or a masked constant."""
    if type(value).__name__ in _MISSING_TYPES:
        return True
    if isinstance(value, str | bytes):
        return False
    if isinstance(value, Decimal):
        return value.is_nan()  # comparing a signalling NaN would raise an exception
    if getattr(value, "shape", ()) != ():
        return False  # comparing an array gives an array, which has no truth value
    try:
        return bool(value != value)  # only NaN differs from itself
    except (TypeError, ValueError):
        return False


def epoch_seconds(moment: dt.date | dt.time | dt.timedelta) -> float:
    """Return a date as seconds since 1970 in UTC, and a duration or time of day in seconds.

    A date without a time zone is taken as UTC.
    """
    if isinstance(moment, dt.timedelta):
        return moment.total_seconds()
    if isinstance(moment, dt.time):
        return moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime(moment.year, moment.month, moment.day, tzinfo=dt.UTC)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return (moment - _EPOCH).total_seconds()


def to_number(value: Any) -> float:
    """Return `value` as a float, or NaN if it is missing.

    Numbers of any width, booleans, decimals and texts that spell a number can be converted. Dates,
    times and durations become seconds, as in `epoch_seconds`, and so do dates and times as ISO 8601
    text. An integer beyond the range of floats becomes an infinity.

    Raises:
        ValueError: if `value` cannot be converted.
    """
    if is_missing(value):
        return math.nan
    if isinstance(value, bytes):
        value = _decoded(value)
    # Text comes first, because `numpy.str_` is a str and a numpy value at the same time.
    if isinstance(value, str):
        return _number_from_text(value)
    if _numpy_kind(value) in "Mm" and value.shape == ():
        return float(value.astype(f"{value.dtype.kind}8[us]").astype(np.int64)) / 1e6
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        return epoch_seconds(value)
    if isinstance(value, bool | int | float | Decimal | Fraction) or _is_numpy_real(value):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if _is_zero_dimensional(value):
        return to_number(value.item())
    raise ValueError(f"not a number: {type(value).__name__}")


def to_category(value: Any) -> str | None:
    """Return `value` as the text of a category, or None if it is missing.

    A whole number has the same text in every type: `1` and `1.0` become "1". Other floats get
    the shortest text for their width, and booleans become "true" and "false". Invalid Unicode is
    escaped.

    Raises:
        ValueError: if `value` is a container, a complex number, an object that prints as its
            address, or bytes that are not UTF-8.
    """
    if isinstance(value, str):
        # A subclass such as a `str` enum may print differently, so take its plain text.
        return valid_unicode(str.__str__(value))
    if is_missing(value):
        return None
    if isinstance(value, bytes):
        return _decoded(value)
    if isinstance(value, _NO_CATEGORY) or _prints_address(value):
        raise ValueError(f"values of type {type(value).__name__} {_CONVERT}")
    if getattr(value, "shape", ()) != ():
        raise ValueError(f"arrays of shape {value.shape} {_CONVERT}")
    if type(value).__name__ in ("bool", "bool_"):
        return "true" if value else "false"
    if isinstance(value, float | Decimal) or _is_numpy_real(value):
        whole = abs(value) < _MAX_WHOLE and value == int(value)
        return str(int(value)) if whole else str(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return valid_unicode(str(value))


def spelled_number(label: str) -> float | None:
    """Return the number that a label spells, or None. "1", "1.0" and "true" all spell 1."""
    if label in _TRUTH:
        return _TRUTH[label]
    try:
        return float(label) if len(label) <= _MAX_NUMBER_TEXT else None
    except ValueError:
        return None


_TRUTH = {"true": 1.0, "false": 0.0}


def _number_from_text(text: str) -> float:
    if len(text) > _MAX_NUMBER_TEXT:
        raise ValueError(f"not a number: text of {len(text)} characters")
    for convert in (float, _moment_from_text, _time_from_text):
        with contextlib.suppress(ValueError):
            return convert(text)
    raise ValueError(f"not a number: {text[:40]!r}")


def _moment_from_text(text: str) -> float:
    return epoch_seconds(dt.datetime.fromisoformat(text))


def _time_from_text(text: str) -> float:
    return epoch_seconds(dt.time.fromisoformat(text))


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8")


def valid_unicode(text: str) -> str:
    """Return `text` with characters escaped that UTF-8 cannot encode, such as lone surrogates."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _prints_address(value: Any) -> bool:
    """Return whether the text of `value` contains its address, and so differs in each run."""
    plain: Any = object  # its methods print the address; most classes override one of them
    kind: Any = type(value)
    return kind.__str__ is plain.__str__ and kind.__repr__ is plain.__repr__


def _is_numpy_real(value: Any) -> bool:
    return _numpy_kind(value) in "fiub" and value.shape == ()


def _numpy_kind(value: Any) -> str:
    """Return the dtype kind of a numpy value, and "O" (object) for any other value."""
    return getattr(getattr(value, "dtype", None), "kind", "O")


def _is_zero_dimensional(value: Any) -> bool:
    """Return whether `value` wraps a single value, as a 0-d array or tensor does."""
    return callable(getattr(value, "item", None)) and getattr(value, "shape", None) == ()
