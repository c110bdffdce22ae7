"""Counts the rows of a segment into the cells of the whole."""

from __future__ import annotations

from dataclasses import replace

from boxkite.baseline.capture import CategoryColumn
from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.counted_like import count_like
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.ordered_values import OrderedValues
from boxkite.baseline.variable import Variable

__all__ = ["arranged_like", "count_segment"]


def count_segment(whole: Variable, column: OrderedValues | CategoryColumn, label: str) -> Variable:
    """Count a column of the rows of one segment.

    Args:
        whole: the variable of all rows.
        column: the column; it holds labels if the variable is categorical.
        label: label of the segment.
    """
    return arranged_like(whole, count_like(whole, column), label)


def arranged_like(whole: Variable, own: Variable, label: str) -> Variable:
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
