"""A variable at training: numeric or categorical."""

from __future__ import annotations

import math
from typing import TypeAlias

from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.numeric_variable import NumericVariable

__all__ = ["Variable", "range_of"]

Variable: TypeAlias = NumericVariable | CategoryVariable
"""The distribution of one column at training."""


def range_of(variable: Variable) -> tuple[float, float]:
    """Return the least and the greatest number at training; NaN for categories."""
    if isinstance(variable, NumericVariable):
        return variable.minimum, variable.maximum
    return math.nan, math.nan
