"""Refuse a number that no policy can have, with an error that names it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real

from boxkite.errors import ConfigError

__all__ = [
    "ABOVE_0",
    "FRACTION",
    "NOT_NEGATIVE",
    "NOT_NEGATIVE_OR_INFINITE",
    "NumberRange",
    "check_windows",
]


@dataclass(frozen=True)
class NumberRange:
    """The numbers that a value may have.

    Attributes:
        description: Completes the sentence "the value must be".
        least: Smallest number.
        most: Greatest number.
    """

    description: str
    least: float
    most: float

    def check(self, name: str, value: object) -> None:
        """Check that a value is a number in the range; NaN never is.

        Args:
            name: What the message calls the value.
            value: The value that a user gave.

        Raises:
            ConfigError: If it is not.
        """
        if not isinstance(value, Real):
            raise ConfigError(f"{name} must be a number, not {value!r}")
        if not self.least <= float(value) <= self.most:
            raise ConfigError(f"{name} must be {self.description}, not {value}")


_FINITE = math.nextafter(math.inf, 0.0)
_POSITIVE = math.nextafter(0.0, 1.0)

ABOVE_0 = NumberRange("above 0 and finite", _POSITIVE, _FINITE)
NOT_NEGATIVE = NumberRange("0 or more and finite", 0.0, _FINITE)
NOT_NEGATIVE_OR_INFINITE = NumberRange("0 or more", 0.0, math.inf)
FRACTION = NumberRange("from 0 to 1", 0.0, 1.0)


def check_windows(windows: Mapping[str, float]) -> None:
    """Check that each window of a policy has a length.

    Args:
        windows: Length of each window in hours, by name.

    Raises:
        ConfigError: If a length is not a finite number above 0.
    """
    for window, hours in windows.items():
        ABOVE_0.check(f"the hours of the window {window!r} in `windows`", hours)
