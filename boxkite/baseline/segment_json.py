"""Converts segments to and from the structs that become JSON in `histogram.prom`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated

import msgspec
import numpy as np

from boxkite.baseline.category_variable import OTHER, CategoryVariable
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.outcome_json import StoredOutcomes, restore_outcomes, store_outcomes
from boxkite.baseline.segment_column import MISSING, Segment, SegmentColumn, segment_label
from boxkite.baseline.variable import Variable
from boxkite.baseline.variable_json import (
    Count,
    StoredCategory,
    StoredNumeric,
    restore,
    store,
)
from boxkite.errors import BaselineError

__all__ = ["StoredColumn", "check_labels_differ", "restore_segments", "store_segments"]


class StoredSegment(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A `Segment` as JSON, without its label."""

    rows: Count
    variables: list[StoredNumeric | StoredCategory]
    outcomes: StoredOutcomes | None = None


class StoredColumn(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A `SegmentColumn` as JSON, with the same field names."""

    name: str
    values: Annotated[list[str], msgspec.Meta(min_length=2)]
    segments: list[StoredSegment]
    is_feature: bool = True


def store_segments(columns: Iterable[SegmentColumn]) -> list[StoredColumn]:
    """Return columns of segments in the form that becomes JSON."""
    return [
        StoredColumn(
            column.name,
            list(column.values),
            [
                StoredSegment(
                    each.rows,
                    [store(variable) for variable in each.variables],
                    None if each.outcomes is None else store_outcomes(each.outcomes),
                )
                for each in column
            ],
            column.is_feature,
        )
        for column in columns
    ]


def restore_segments(
    stored: Iterable[StoredColumn], variables: Sequence[Variable]
) -> tuple[SegmentColumn, ...]:
    """Return the columns of stored ones, after checking that they fit the variables.

    Args:
        stored: what the file holds.
        variables: the variables of all rows in the same file.

    Raises:
        BaselineError: if no baseline can have these values.
    """
    columns = tuple(_restored(each, variables) for each in stored)
    check_labels_differ(columns)
    features = {each.name for each in variables if each.role == "feature"}
    for each in columns:
        if each.is_feature and each.name not in features:
            raise BaselineError(f"the segments name {each.name!r}, which is no feature")
    return columns


def check_labels_differ(columns: Iterable[SegmentColumn]) -> None:
    """Check that no two segments have the same label.

    Raises:
        BaselineError: if two have, for instance "b=c" of a column "a" and "c" of a column "a=b".
    """
    labels = Counter(label for column in columns for label in column.labels)
    for label, columns_with_it in labels.items():
        if columns_with_it > 1:
            raise BaselineError(f"two segments are called {label!r}. Rename one of their columns")


def _restored(stored: StoredColumn, variables: Sequence[Variable]) -> SegmentColumn:
    values = tuple(stored.values)
    if values[-2:] != (OTHER, MISSING) or len(values) != len(stored.segments):
        raise BaselineError(
            f"the segments of {stored.name!r} do not end in {OTHER} and {MISSING}, or one lacks "
            f"its counts"
        )
    segments = tuple(
        _restored_segment(segment_label(stored.name, value), each, variables)
        for value, each in zip(values, stored.segments, strict=True)
    )
    return SegmentColumn(stored.name, stored.is_feature, values, segments)


def _restored_segment(label: str, stored: StoredSegment, variables: Sequence[Variable]) -> Segment:
    found = restore(stored.variables)
    if len(found) != len(variables):
        raise BaselineError(f"segment {label!r} has {len(found)} variables, not {len(variables)}")
    own = tuple(_within(one, each, label) for one, each in zip(variables, found, strict=True))
    return Segment(label, stored.rows, own, restore_outcomes(stored.outcomes, own))


def _within(whole: Variable, own: Variable, label: str) -> Variable:
    """Return a variable of a segment, after checking that it has the cells of the whole."""
    if (whole.role, whole.name, whole.position) == (own.role, own.name, own.position):
        if isinstance(whole, NumericVariable) and isinstance(own, NumericVariable):
            has_same_cells = np.array_equal(whole.edges, own.edges)
        elif isinstance(whole, CategoryVariable) and isinstance(own, CategoryVariable):
            own = replace(own, whole=whole)
            has_same_cells = (whole.kind, whole.categories) == (own.kind, own.categories)
        else:
            has_same_cells = False
        if has_same_cells:
            return replace(own, segment=label)
    raise BaselineError(f"segment {label!r} has other cells in {whole.role} {whole.name!r}")
