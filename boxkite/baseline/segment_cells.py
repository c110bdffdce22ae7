"""Counts the rows of a segment into the cells of the whole, and adds up two such counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from boxkite.baseline.capture import CategoryColumn
from boxkite.baseline.counted_like import count_like
from boxkite.baseline.merging import merge_variables
from boxkite.baseline.ordered_values import OrderedValues, SortedValues
from boxkite.baseline.outcome_pairs import merge_outcomes
from boxkite.baseline.segment_column import Segment, SegmentColumn
from boxkite.baseline.variable import CategoryVariable, NumericVariable, Variable
from boxkite.errors import BaselineError

__all__ = ["count_segment", "merge_segments"]


def count_segment(whole: Variable, column: OrderedValues | CategoryColumn, label: str) -> Variable:
    """Count a column of the rows of one segment.

    Args:
        whole: the variable of all rows.
        column: the column; it holds labels if the variable is categorical.
        label: label of the segment.
    """
    return _arranged(whole, count_like(whole, column), label)


def merge_segments(
    one: Sequence[SegmentColumn], other: Sequence[SegmentColumn], wholes: Sequence[Variable]
) -> tuple[SegmentColumn, ...]:
    """Return the segments of the rows of two baselines, for training that is counted in parts.

    Args:
        one: segment columns of one part.
        other: segment columns of the other part.
        wholes: variables of all rows of both parts.

    Raises:
        BaselineError: if the parts are divided by other columns or into other values.
    """
    if [(each.name, each.values) for each in one] != [(each.name, each.values) for each in other]:
        raise BaselineError(
            "the two baselines have segments of different columns or values. Fit all parts after "
            "the first with like=, or with boxkite baseline --like"
        )
    return tuple(
        mine.with_segments(
            [_merged(a, b, wholes) for a, b in zip(mine.segments, theirs.segments, strict=True)]
        )
        for mine, theirs in zip(one, other, strict=True)
    )


def _merged(one: Segment, other: Segment, wholes: Sequence[Variable]) -> Segment:
    variables = zip(wholes, one.variables, other.variables, strict=True)
    outcomes = None
    if one.outcomes is not None and other.outcomes is not None:
        outcomes = merge_outcomes(one.outcomes, other.outcomes)
    return Segment(
        one.label,
        one.rows + other.rows,
        tuple(_merged_variable(*each, one.label) for each in variables),
        outcomes,
    )


def _merged_variable(whole: Variable, one: Variable, other: Variable, label: str) -> Variable:
    merged = merge_variables(one, other)
    if merged.rows > merged.missing:
        return _arranged(whole, merged, label)
    # Without values, the two may have had other cells than the whole has now.
    return count_segment(whole, _nothing(whole, merged.missing), label)


def _nothing(whole: Variable, missing: int) -> OrderedValues | CategoryColumn:
    if isinstance(whole, NumericVariable):
        return SortedValues(np.empty(0), missing)
    return CategoryColumn({}, missing)


def _arranged(whole: Variable, own: Variable, label: str) -> Variable:
    """Return the variable of a segment with its cells in the order of the whole."""
    if isinstance(own, NumericVariable) and isinstance(whole, NumericVariable):
        return replace(own, segment=label, value_type=whole.value_type)
    if not (isinstance(own, CategoryVariable) and isinstance(whole, CategoryVariable)):
        return replace(own, segment=label)
    # Categories are sorted by their rows, and a segment may have another most common one.
    places = [own.index[category] for category in whole.categories]
    return replace(
        own, categories=whole.categories, counts=own.counts[places], whole=whole, segment=label
    )
