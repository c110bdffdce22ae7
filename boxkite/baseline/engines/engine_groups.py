"""Divides the rows of a lazy frame into segments. Each segment is the frame with a filter."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import narwhals as nw

from boxkite.baseline.engines.engine_column import EngineColumn
from boxkite.baseline.engines.lazy_source import LazySource
from boxkite.baseline.segment_column import SegmentColumn, most_common_values
from boxkite.errors import BaselineError

__all__ = ["EngineGroups"]


@dataclass(frozen=True, eq=False)
class EngineGroups:
    """The rows of each value of a column of segments, in the engine that holds them.

    Attributes:
        column: the column, with its values.
        values: the column in its engine.
        sizes: number of rows of each value.
        conditions: which rows have each value.
    """

    column: SegmentColumn
    values: EngineColumn
    sizes: tuple[int, ...]
    conditions: tuple[nw.Expr, ...]
    _sources: dict[tuple[int, int], LazySource] = field(
        default_factory=dict[tuple[int, int], LazySource], repr=False
    )

    @classmethod
    def of(cls, column: SegmentColumn, values: EngineColumn) -> EngineGroups:
        """Divide the rows by the values of a column. May raise `Unanswered`.

        Args:
            column: the column, with its values.
            values: the column in its engine.
        """
        labels, source = values.labels(), values.source
        rows: Counter[int] = Counter({len(column.values) - 1: labels.missing})
        spellings: dict[int, list[object]] = {}
        for label, number in labels.tally.items():
            place = column.place_of_label(label)
            rows[place] += number
            if place < len(column.kept):
                spellings.setdefault(place, []).extend(values.spellings(label))
        cell = source.label(values.name)
        missing = cell.is_null()
        if source.schema[values.name].is_float():
            missing = missing | cell.is_nan()
        # A comparison with null is null, so each condition states that the value is there.
        kept = [
            ~missing & _is_one_of(cell, spellings.get(place, []))
            for place in range(len(column.kept))
        ]
        named = [each for some in spellings.values() for each in some]
        others = ~missing & ~_is_one_of(cell, named)
        sizes = tuple(rows[place] for place in range(len(column.values)))
        return cls(column, values, sizes, (*kept, others, missing))

    @classmethod
    def most_common(cls, name: str, is_feature: bool, values: EngineColumn) -> EngineGroups:
        """Divide the rows by the most common values of a column. May raise `Unanswered`."""
        kept = most_common_values(values.labels().tally)
        return cls.of(SegmentColumn(name, is_feature, kept, ()), values)

    def part(self, column: EngineColumn, place: int) -> EngineColumn:
        """Return another column of the same frame, in the rows of one value.

        Args:
            column: the column.
            place: index of the value.

        Raises:
            BaselineError: if the columns are in different frames.
        """
        if column.source.origin is not self.values.source.origin:
            raise BaselineError(
                f"the segments of {self.column.name!r} and column {column.name!r} are in "
                f"different lazy frames. Pass one frame with all columns, and name the outputs: "
                f"output='score'"
            )
        key = (id(column.source), place)
        if key not in self._sources:
            self._sources[key] = column.source.where(self.conditions[place])
        return EngineColumn(self._sources[key], column.name)


def _is_one_of(cell: nw.Expr, values: list[object]) -> nw.Expr:
    # An empty list is an error in some engines.
    return cell.is_in(values) if values else nw.lit(False)
