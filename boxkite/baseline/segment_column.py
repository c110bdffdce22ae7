"""A column whose most common values are monitored separately, and the distributions of each value.

A segment has the cells of the whole: the same edges and the same categories in the same order. So
the cell of a live value is found once, and the counts of a column's segments add up to the counts
of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.category_variable import OTHER, UNSEEN, CategoryVariable
from boxkite.baseline.tally import cell_of
from boxkite.baseline.values import to_category
from boxkite.baseline.variable import Variable
from boxkite.quality import Outcomes
from boxkite.system.cached_property import cached_property

__all__ = [
    "MISSING",
    "MOST_VALUES",
    "Segment",
    "SegmentColumn",
    "most_common_values",
    "segment_label",
]

Places: TypeAlias = NDArray[np.int64]

MISSING = "__missing__"
"""The value of rows without a value in the column of a segment."""

MOST_VALUES = 20
"""Values of a column that are monitored separately, without `__other__` and `__missing__`."""


def most_common_values(tally: Mapping[str, int]) -> tuple[str, ...]:
    """Return the values of a column of segments: the most common labels, and the catch-alls.

    Among equally common labels, the first in order come first.

    Args:
        tally: number of rows of each label.
    """
    named = [each for each in tally if each not in (OTHER, MISSING)]
    kept = sorted(named, key=lambda label: (-tally[label], label))[:MOST_VALUES]
    return (*kept, OTHER, MISSING)


def segment_label(column: str, value: str) -> str:
    """Return the label `segment` of the series of one value of a column."""
    return f"{column}={value}"


class Segment(NamedTuple):
    """The training rows that have one value of a column.

    Attributes:
        label: label `segment` of its series, such as "carrier=UA".
        rows: number of training rows.
        variables: distributions of these rows, in the order of `Baseline.variables`. Each has the
            cells of the whole and the label in its `segment`.
        outcomes: the outputs of these rows together with what really happened; None if unknown.
    """

    label: str
    rows: int
    variables: tuple[Variable, ...]
    outcomes: Outcomes | None = None


@dataclass(frozen=True)
class SegmentColumn:
    """A column by whose values the rows are divided into segments.

    Attributes:
        name: name of the column.
        is_feature: whether the column is also a feature of the model. If not, the service passes
            its value with each prediction.
        values: values that are monitored separately: the most common ones, then `__other__` for
            all others, then `__missing__` for rows without a value.
        segments: training rows of each value, in the same order.
    """

    name: str
    is_feature: bool
    values: tuple[str, ...]
    segments: tuple[Segment, ...]

    @property
    def kept(self) -> tuple[str, ...]:
        """The values with a segment of their own."""
        return self.values[:-2]

    @property
    def rows(self) -> tuple[int, ...]:
        """Number of training rows of each value."""
        return tuple(each.rows for each in self.segments)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label `segment` of each value."""
        return tuple(segment_label(self.name, value) for value in self.values)

    @property
    def variables(self) -> tuple[tuple[Variable, ...], ...]:
        """Distributions of each value, in the order of `Baseline.variables`."""
        return tuple(each.variables for each in self.segments)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)

    @cached_property
    def cells(self) -> CategoryVariable:
        """The kept values as a categorical variable. Its last cell stands for `__other__`.

        It matches values as a categorical feature does, so 1, 1.0 and "1" are in one segment.
        """
        return CategoryVariable(
            name=self.name,
            role="feature",
            position=0,
            counts=np.zeros(len(self.kept) + 1, dtype=np.int64),
            missing=0,
            categories=(*self.kept, UNSEEN),
        )

    def place_of(self, value: Any) -> int:
        """Return the index in `values` of a row's value.

        Args:
            value: the value; anything that `values` does not name is in `__other__`.

        Raises:
            ValueError: if the value cannot be a category, such as a list.
        """
        label = to_category(value)
        return len(self.values) - 1 if label is None else self.place_of_label(label)

    def place_of_label(self, label: str) -> int:
        """Return the index in `values` of a label, as `to_category` returns it."""
        return cell_of(self.cells, label)

    def with_segments(self, segments: Sequence[Segment]) -> SegmentColumn:
        """Return the same values with other training rows."""
        return replace(self, segments=tuple(segments))
