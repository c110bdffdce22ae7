"""Durations as Prometheus writes them."""

from __future__ import annotations

import re

from boxkite.errors import ConfigError

__all__ = ["seconds_of", "spelled"]

_UNITS = {"y": 31_536_000, "w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile("".join(f"(?:([0-9]+){unit})?" for unit in _UNITS))


def seconds_of(duration: str) -> int:
    """Return the seconds of a Prometheus duration such as 1h30m.

    Raises:
        ConfigError: if it is none, or of no length.
    """
    match = _DURATION.fullmatch(duration)
    numbers = [int(number or 0) for number in match.groups()] if match else []
    seconds = sum(n * unit for n, unit in zip(numbers, _UNITS.values(), strict=False))
    if not seconds:
        raise ConfigError(f"{duration!r} is not a Prometheus duration; give one such as 1h or 90s")
    return seconds


def spelled(seconds: int) -> str:
    """Return the duration of so many seconds, in days and shorter units."""
    parts: list[str] = []
    for unit, length in _UNITS.items():
        if unit in "yw":
            continue
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
