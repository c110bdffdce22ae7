"""The text of one value: a number, a truth value, a date or a duration."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

__all__ = ["distinct_texts", "value_text"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86400.0
_UNITS = ((_DAY, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
_LEAST_DIGITS, _MOST_DIGITS = 6, 17


def value_text(value: float, value_type: str, digits: int = _LEAST_DIGITS) -> str:
    """Return a value as people write it: "12.5", "true", "2013-01-31" or "1 h 30 min".

    Args:
        value: The value as a float, as the bins hold it.
        value_type: `number`, `boolean`, `time` or `duration`, as in `Bins`.
        digits: Significant digits of a number.
    """
    if value_type == "boolean" and value in (0.0, 1.0):
        return "true" if value else "false"
    if value_type == "time":
        return _moment(value) or f"{value:.{digits}g}"
    if value_type == "duration":
        return _duration(value)
    return f"{value:.{digits}g}"


def distinct_texts(values: Sequence[float], value_type: str = "number") -> list[str]:
    """Return ascending values as texts. Neighbours get different texts.

    A value has six digits, or as many as it needs to differ from its neighbours. So two close
    values do not lengthen the others.
    """
    digits = [_LEAST_DIGITS] * len(values)
    for place, pair in enumerate(itertools.pairwise(values)):
        needed = _digits_to_differ(*pair, value_type)
        if not needed:  # Dates that differ by less than a second, for example.
            return [f"{each:.{_MOST_DIGITS}g}" for each in values]
        digits[place : place + 2] = (max(each, needed) for each in digits[place : place + 2])
    return [value_text(*each) for each in zip(values, itertools.repeat(value_type), digits)]


def _digits_to_differ(one: float, other: float, value_type: str) -> int:
    """Return how many digits two values need; 0 if no number of digits makes them differ."""
    for digits in range(_LEAST_DIGITS, _MOST_DIGITS + 1):
        if value_text(one, value_type, digits) != value_text(other, value_type, digits):
            return digits
    return 0


def _moment(value: float) -> str:
    """Return seconds since 1970 as a date, with the time of day unless it is midnight in UTC."""
    try:
        moment = _EPOCH + timedelta(seconds=round(value))
    except OverflowError:  # The years of `datetime` end at 9999.
        return ""
    if not value % _DAY:
        return f"{moment:%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment.second else f"{moment:%Y-%m-%d %H:%M}"


def _duration(value: float) -> str:
    """Return seconds in the two largest units that fit: "1 h 30 min"."""
    seconds, sign = abs(value), "-" if value < 0 else ""
    if seconds < _UNITS[2][0] or seconds > 1e9 * _DAY:
        return f"{value:.4g} s"
    parts: list[str] = []
    rest = round(seconds)
    for length, name in _UNITS:
        count, rest = divmod(rest, int(length))
        if count and len(parts) < 2:
            parts.append(f"{count} {name}")
        elif parts:
            break
    return sign + " ".join(parts)
