"""Round steps along an axis: of numbers, of durations and of the calendar."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

__all__ = ["round_duration", "round_moments", "round_step"]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SHORT_STEPS = (
    1, 5, 15, 30, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE,
    _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY,
)  # fmt: skip
_MONTHS = (1, 3, 6)
_MONTH, _YEAR = 30.4 * _DAY, 365.25 * _DAY
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def round_step(step: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is at least `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * each for each in (1, 2, 5, 10) if power * each >= step * (1 - 1e-9))


def round_duration(step: float) -> float:
    """Return the shortest usual length of time, in seconds, that is at least `step`."""
    if step < 1:
        return round_step(step)
    usual = next((float(each) for each in _SHORT_STEPS if each >= step), 0.0)
    return usual or _DAY * round_step(step / _DAY)


def round_moments(first: float, last: float, most: int) -> Iterator[tuple[float, str]]:
    """Yield round dates or times between two moments, each with its text.

    Args:
        first: The earlier moment, in seconds since 1970.
        last: The later moment.
        most: Number of steps to divide the time into at most.
    """
    step = (last - first) / most
    if step <= _SHORT_STEPS[-1]:
        length = int(round_duration(max(step, 1.0)))
        for count in range(math.ceil(first / length), math.floor(last / length) + 1):
            moment = _moment(count * length)
            if moment is not None:
                is_day = not count * length % _DAY
                yield count * length, f"{moment:%Y-%m-%d}" if is_day else f"{moment:%H:%M}"
        return
    start = _moment(first)
    end = _moment(last)
    if start is None or end is None:
        return
    months = next((each for each in _MONTHS if each * _MONTH >= step), 0)
    months = months or 12 * int(round_step(max(step / _YEAR, 1.0)))
    begin = -(-(start.year * 12 + start.month - 1) // months) * months
    for month in range(begin, end.year * 12 + end.month, months):
        moment = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        text = f"{moment:%Y-%m}" if months % 12 else f"{moment:%Y}"
        yield (moment - _EPOCH).total_seconds(), text


def _moment(seconds: float) -> datetime | None:
    """Return seconds since 1970 as a datetime; None beyond the years that it knows."""
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
