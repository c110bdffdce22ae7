"""What both kinds of variable have: rows in cells, rows without a value, and variation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.variation import Variation

__all__ = ["Counts", "Distribution", "Role"]

Counts: TypeAlias = NDArray[np.int64]
Role: TypeAlias = Literal["feature", "output", "outcome"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Distribution:
    """The attributes that both kinds of variable have.

    Attributes:
        name: name of the column, any text.
        role: "feature", "output" or "outcome".
        position: index in a positional list of the variables of this role, from 0.
        counts: number of training rows in each cell. The cells are the bins or the categories.
        missing: number of training rows without a value.
        variation: natural variation between windows of training, by the length of the window
            ("1h"). Empty if the training rows had no times.
        segment: label of the segment that the rows belong to, such as "carrier=UA"; empty for all
            rows.
    """

    name: str
    role: Role
    position: int
    counts: Counts
    missing: int
    variation: Mapping[str, Variation] = field(default_factory=dict[str, Variation], repr=False)
    segment: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """The labels that identify the variable among all variables of its model."""
        own = {"variable_role": self.role, "variable": self.name}
        return {**own, "segment": self.segment} if self.segment else own

    @property
    def rows(self) -> int:
        """Number of training rows, with and without a value."""
        return int(self.counts.sum()) + self.missing

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            _same(getattr(self, each.name), getattr(other, each.name)) for each in fields(self)
        )

    def __hash__(self) -> int:
        return hash((self.role, self.name, self.counts.tobytes()))


def _same(mine: Any, theirs: Any) -> bool:
    if isinstance(mine, float | np.ndarray):
        return np.array_equal(np.asarray(mine), np.asarray(theirs), equal_nan=True)
    return bool(mine == theirs)
