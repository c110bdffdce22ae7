"""The values of a numeric column in ascending order: all that bins and counts are made of.

A column is either a sorted array, or stays in an engine that answers the same questions. Both give
the same bins and counts, because the code that asks is the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.exact_sum import ExactSum

__all__ = ["OrderedValues", "SortedValues", "ValueType"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Side: TypeAlias = Literal["left", "right"]

ValueType: TypeAlias = Literal["number", "boolean", "time", "duration"]
"""What the numbers of a column stand for.

- `number`: numbers of any kind.
- `boolean`: 0 for false and 1 for true.
- `time`: dates, or dates with a time, as seconds since 1970 in UTC.
- `duration`: durations, or times of day, in seconds.
"""


class OrderedValues(Protocol):
    """The values of a column. Ranks refer to the finite ones, which `len()` counts."""

    @property
    def missing(self) -> int:
        """Number of missing values, NaN included."""
        ...

    @property
    def below(self) -> int:
        """Number of values that are -inf."""
        ...

    @property
    def above(self) -> int:
        """Number of values that are +inf."""
        ...

    @property
    def value_type(self) -> ValueType:
        """What the numbers stand for."""
        ...

    def __len__(self) -> int: ...

    def at(self, ranks: Integers) -> Floats:
        """Return the values at these ranks. Rank 0 is the smallest value."""
        ...

    def rank(self, values: Floats, side: Side) -> Integers:
        """Return how many values are less ("left"), or less or equal ("right"), for each value."""
        ...

    def sum(self) -> ExactSum:
        """Return the sum of the finite values. It does not depend on their order."""
        ...

    def is_whole(self) -> bool:
        """Return whether all finite values are whole numbers."""
        ...

    def distinct(self) -> int:
        """Return the number of different finite values."""
        ...


@dataclass(frozen=True, eq=False)
class SortedValues:
    """`OrderedValues` as an array in memory.

    Attributes:
        finite: finite values, ascending.
        missing: number of missing values.
        below: number of values that are -inf.
        above: number of values that are +inf.
        value_type: what the numbers stand for.
    """

    finite: Floats
    missing: int = 0
    below: int = 0
    above: int = 0
    value_type: ValueType = "number"

    @classmethod
    def of(cls, values: Floats, value_type: ValueType = "number") -> SortedValues:
        """Sort floats. NaN is missing."""
        ordered = np.sort(values)
        # numpy sorts NaN to the end and finds it there, so each part is a slice.
        below = int(np.searchsorted(ordered, -math.inf, side="right"))
        above = int(np.searchsorted(ordered, math.inf, side="left"))
        present = int(np.searchsorted(ordered, math.nan, side="left"))
        missing = len(ordered) - present
        return cls(ordered[below:above], missing, below, present - above, value_type)

    def __len__(self) -> int:
        return len(self.finite)

    def at(self, ranks: Integers) -> Floats:
        """Return the values at these ranks."""
        return self.finite[ranks]

    def rank(self, values: Floats, side: Side) -> Integers:
        """Return how many values are less ("left"), or less or equal ("right")."""
        return np.searchsorted(self.finite, values, side=side).astype(np.int64)

    def sum(self) -> ExactSum:
        """Return the sum of the finite values."""
        return ExactSum.of(self.finite)

    def is_whole(self) -> bool:
        """Return whether all finite values are whole numbers."""
        return bool((self.finite == np.floor(self.finite)).all())

    def distinct(self) -> int:
        """Return the number of different finite values."""
        steps = int((self.finite[1:] > self.finite[:-1]).sum())
        return steps + 1 if len(self.finite) else 0
