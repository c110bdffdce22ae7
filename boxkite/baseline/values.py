"""One value at a time: as a number, as a category label, or missing.

Training and serving both come through here, so that `1`, `1.0`, `"1"` and `numpy.int64(1)`
meet in the same bin on both sides.
"""

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
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

# The longest text read as a number: enough for any float written out in full (1,075 digits),
# short enough that a hostile string of digits costs nothing.
_MAX_NUMBER_TEXT = 1100

# Floats from here up are written as floats: their digits past the 16th mean nothing.
_MAX_WHOLE = 1e16


def is_missing(value: Any) -> bool:
    """Tell whether `value` is None, NaN, NaT, pandas' NA or a masked constant."""
    if type(value).__name__ in _MISSING_TYPES:
        return True
    if isinstance(value, str | bytes):
        return False
    if isinstance(value, Decimal):
        return value.is_nan()  # comparing a signalling NaN raises
    if getattr(value, "shape", ()) != ():
        return False
    try:
        return bool(value != value)  # NaN alone differs from itself
    except (TypeError, ValueError):
        return False


def epoch_seconds(moment: dt.date | dt.time | dt.timedelta) -> float:
    """Return a moment as seconds since 1970 in UTC, a duration or time of day as its seconds.

    A moment without a time zone is taken as UTC.
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
    """Return `value` as a float; a missing one is NaN.

    Numbers of any width, booleans, decimals, text that spells a number, and moments (as
    seconds, see `epoch_seconds`, also as ISO 8601 text) convert. An integer beyond the range of
    a float becomes an infinity of its sign.

    Raises:
        ValueError: if `value` is none of these.
    """
    if is_missing(value):
        return math.nan
    if isinstance(value, bytes):
        value = _decoded(value)
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
    """Return `value` as the text of a category, or None where it is missing.

    A whole number reads the same whatever its type (`1`, `1.0`, `True` under numpy are "1",
    "1", "true"), other floats are written as short as their own width allows. Text that is not
    valid Unicode is kept with its broken parts escaped.

    Raises:
        ValueError: if `value` is a container, a complex number, an object that prints as its
            address, or bytes that are not UTF-8.
    """
    if isinstance(value, str):
        return valid_unicode(str.__str__(value))
    if is_missing(value):
        return None
    if isinstance(value, bytes):
        return _decoded(value)
    if isinstance(value, _NO_CATEGORY) or _prints_address(value):
        raise ValueError(f"not a category: {type(value).__name__}")
    if getattr(value, "shape", ()) != ():
        raise ValueError(f"not a category: array of shape {value.shape}")
    if type(value).__name__ in ("bool", "bool_"):
        return "true" if value else "false"
    if isinstance(value, float | Decimal) or _is_numpy_real(value):
        whole = abs(value) < _MAX_WHOLE and value == int(value)
        return str(int(value)) if whole else str(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return valid_unicode(str(value))


def spelled_number(label: str) -> float | None:
    """Return the number that a category's label spells ("1", "1.0", "true" are 1), else None."""
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
    """Return `text` with what cannot be encoded, as lone surrogates, escaped."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _prints_address(value: Any) -> bool:
    """Tell whether the text of `value` differs from run to run."""
    plain: Any = object  # a class defines these anew, or has them of `object`
    kind = type(value)
    return kind.__str__ is plain.__str__ and kind.__repr__ is plain.__repr__


def _is_numpy_real(value: Any) -> bool:
    return _numpy_kind(value) in "fiub" and value.shape == ()


def _numpy_kind(value: Any) -> str:
    """Return the kind of a numpy value's type, "O" (any object) for all other values."""
    return getattr(getattr(value, "dtype", None), "kind", "O")


def _is_zero_dimensional(value: Any) -> bool:
    """Tell whether `value` wraps a scalar: a 0-d array, a numpy moment, a one-element tensor."""
    return callable(getattr(value, "item", None)) and getattr(value, "shape", None) == ()
