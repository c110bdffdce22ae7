"""Durations as Prometheus writes them."""

from __future__ import annotations

import re

from boxkite.errors import ConfigError

__all__ = ["format_duration", "parse_duration"]

_UNITS = {"y": 31_536_000, "w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile("".join(f"(?:([0-9]+){unit})?" for unit in _UNITS))


def parse_duration(duration: str) -> int:
    """Return the seconds of a Prometheus duration such as 1h30m.

    Raises:
        ConfigError: if the text is not a duration, or the duration is zero.
    """
    match = _DURATION.fullmatch(duration)
    numbers = [int(number or 0) for number in match.groups()] if match else []
    seconds = sum(n * unit for n, unit in zip(numbers, _UNITS.values(), strict=False))
    if not seconds:
        raise ConfigError(f"{duration!r} is not a Prometheus duration; write one such as 1h or 90s")
    return seconds


def format_duration(seconds: int) -> str:
    """Return a number of seconds as a Prometheus duration in days and shorter units."""
    parts: list[str] = []
    for unit, length in _UNITS.items():
        # Years and weeks are left out because readers think of windows in days.
        if unit in "yw":
            continue
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
