"""A numeric variable at training: counts in bins."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.distribution import Distribution, Role
from boxkite.baseline.exact_sum import ExactSum
from boxkite.baseline.ordered_values import OrderedValues, ValueType
from boxkite.baseline.text_writer import format_float
from boxkite.system.cached_property import cached_property

__all__ = ["NumericVariable", "finite_sum"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class NumericVariable(Distribution):
    """A numeric variable: counts in the bins (-inf, e0], (e0, e1], … (ek, +inf].

    Attributes:
        edges: finite upper edges, ascending. There is one fewer than counts.
        sum: sum of the finite values.
        minimum: smallest finite value, NaN if there was none.
        maximum: largest finite value, NaN if there was none.
        exact_sum: the exact sum, which merging needs; `sum` is the nearest float to it. None if the
            file was written by boxkite 0.0.5 or by an early version of this one.
        value_type: what the numbers stand for: numbers, booleans, times or durations.
    """

    kind: ClassVar[Literal["numeric"]] = "numeric"

    edges: Floats
    sum: float
    minimum: float = math.nan
    maximum: float = math.nan
    exact_sum: ExactSum | None = field(default=None, repr=False)
    value_type: ValueType = "number"

    @classmethod
    def from_ordered(
        cls, ordered: OrderedValues, edges: Floats, *, name: str, role: Role, position: int
    ) -> NumericVariable:
        """Count values into the bins of `edges`.

        Args:
            ordered: the values of the column.
            edges: finite upper edges, ascending.
            name: name of the variable.
            role: role of the variable.
            position: position of the variable.
        """
        exact = ordered.sum()
        finite = len(ordered)
        ends = ordered.below + ordered.rank(edges, "right")
        ranks = np.array([0, finite - 1] if finite else [], dtype=np.int64)
        minimum, maximum = (ordered.at(ranks) + 0.0).tolist() or (math.nan, math.nan)
        return cls(
            name=name,
            role=role,
            position=position,
            counts=np.diff(ends, prepend=0, append=ordered.below + finite + ordered.above),
            missing=ordered.missing,
            edges=edges,
            sum=float(exact),
            exact_sum=exact,
            minimum=minimum,
            maximum=maximum,
            value_type=ordered.value_type,
        )

    @property
    def is_ordered(self) -> bool:
        """Whether the cells have an order, so that K-S applies: always."""
        return True

    @cached_property
    def upper_bounds(self) -> tuple[str, ...]:
        """The label `le` of each bin. The last one is `+Inf`."""
        return (*map(format_float, self.edges.tolist()), "+Inf")

    def outside(self, finite: Floats) -> int:
        """Return how many of these finite values are below the minimum or above the maximum.

        None are if the minimum and the maximum are unknown, because no number is below or above
        NaN.
        """
        return int(np.count_nonzero((finite < self.minimum) | (finite > self.maximum)))


def finite_sum(values: Floats) -> float:
    """Return the sum of finite values.

    A partial sum may overflow although the whole sum does not. Then the values are scaled down by
    a power of two before they are added, and the sum is scaled up again.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(np.sum(values))
        if not math.isfinite(total):
            total = float(np.ldexp(np.sum(np.ldexp(values, -64)), 64))
    return total + 0.0
