"""Adds up training that was counted in parts."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from boxkite.baseline.capture import CategoryColumn
from boxkite.baseline.category_tail import Tail, label_hash
from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.ordered_values import OrderedValues, SortedValues
from boxkite.baseline.segment_cells import arranged_like, count_segment
from boxkite.baseline.segment_column import Segment, SegmentColumn
from boxkite.baseline.training_distributions import Distributions
from boxkite.baseline.variable import Variable
from boxkite.errors import BaselineError, BaselineWarning
from boxkite.quality import Outcomes

__all__ = ["merge_distributions", "merge_variables"]


def merge_distributions(parts: Sequence[Distributions]) -> Distributions:
    """Return the distributions of the rows of all parts, as `Baseline.merge` describes.

    Args:
        parts: one part or more.

    Raises:
        BaselineError: if two of them have different models, variables, bins, categories or
            segments.

    Warns:
        BaselineWarning: if only some have outcomes, or they are counted in different cells.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    whole = functools.reduce(_merge_two, parts)
    # The version of the first part is its digest unless it was given.
    is_given = all(each.version == first.version for each in parts) and (
        first.version != first.digest
    )
    return replace(whole, version=first.version if is_given else whole.digest)


def _merge_two(one: Distributions, other: Distributions) -> Distributions:
    _check_parts(one, other)
    pairs = zip(one.variables, other.variables, strict=True)
    variables = tuple(merge_variables(a, b) for a, b in pairs)
    return Distributions(
        one.model,
        one.version,
        one.rows + other.rows,
        variables,
        _merge_outcomes(one.outcomes, other.outcomes),
        _merge_segments(one.segments, other.segments, variables),
    )


def _check_parts(one: Distributions, other: Distributions) -> None:
    """Check that two parts are of the same model and variables."""
    if one.model != other.model:
        raise BaselineError(
            f"the baselines are of two models, {one.model!r} and {other.model!r}. Merge parts of "
            f"one model only"
        )
    mine = [(each.role, each.name) for each in one.variables]
    theirs = [(each.role, each.name) for each in other.variables]
    if mine != theirs:
        odd = next((b for a, b in zip(mine, theirs, strict=False) if a != b), None)
        raise BaselineError(
            f"the two baselines have different variables, from {odd[0]} {odd[1]!r} on"
            if odd
            else f"one baseline has {len(mine)} variables, the other {len(theirs)}"
        )


def merge_variables(one: Variable, other: Variable) -> Variable:
    """Return the distribution of the rows of both. Either order gives the same result.

    Two sets of categories can be merged if each category has a count of its own in both, or does
    not occur in one of them. A variable without any value can be merged with any other.

    Raises:
        BaselineError: if the bins differ, or a category has a cell in one variable and is counted
            in `__other__` in the other one.
    """
    if not (_has_values(one) and _has_values(other)):
        # If all values are missing, the kind of a column means nothing: it may be numeric in one
        # file and text in the next.
        shaped, empty = (one, other) if _shape(one) >= _shape(other) else (other, one)
        return replace(shaped, missing=shaped.missing + empty.missing, variation={})
    if isinstance(one, NumericVariable) and isinstance(other, NumericVariable):
        return _merge_numbers(one, other)
    if isinstance(one, CategoryVariable) and isinstance(other, CategoryVariable):
        return _merge_categories(one, other)
    raise BaselineError(
        f"{one.role} {one.name!r} is numeric in one baseline and a category in the other. "
        f"{_advice()}"
    )


def _has_values(variable: Variable) -> bool:
    return variable.rows > variable.missing


def _shape(variable: Variable) -> tuple[bool, bool, list[float] | list[str]]:
    """Return a key that orders variables without values after all others, whatever their order."""
    if isinstance(variable, NumericVariable):
        return _has_values(variable), False, variable.edges.tolist()
    return _has_values(variable), True, list(variable.categories)


def _advice() -> str:
    return "Fit all parts after the first with like=, or with boxkite baseline --like"


def _merge_numbers(one: NumericVariable, other: NumericVariable) -> NumericVariable:
    if not np.array_equal(one.edges, other.edges):
        raise BaselineError(
            f"{one.role} {one.name!r} has different bins in the two baselines. {_advice()}"
        )
    exact = None
    if one.exact_sum is not None and other.exact_sum is not None:
        exact = one.exact_sum + other.exact_sum
    return replace(
        one,
        counts=one.counts + other.counts,
        missing=one.missing + other.missing,
        variation={},  # Variation describes the windows of one part and cannot be added up.
        sum=one.sum + other.sum if exact is None else float(exact),
        exact_sum=exact,
        minimum=float(np.fmin(one.minimum, other.minimum)),
        maximum=float(np.fmax(one.maximum, other.maximum)),
        value_type=one.value_type if one.value_type == other.value_type else "number",
    )


def _merge_categories(one: CategoryVariable, other: CategoryVariable) -> CategoryVariable:
    if one.is_ordered or other.is_ordered:
        return _merge_ordered(one, other)
    for kept, rare in ((one, other), (other, one)):
        hidden = [each for each in kept.kept if each not in rare.kept]
        hidden = [each for each in hidden if label_hash(each) in rare.tail]
        if hidden:
            raise BaselineError(
                f"{one.role} {one.name!r}: the category {hidden[0]!r} has a count of its own in "
                f"one baseline, but the other counts it with the rare ones. {_advice()}"
            )
    counts = {
        label: one.kept.get(label, 0) + other.kept.get(label, 0)
        for label in one.kept.keys() | other.kept.keys()
    }
    return CategoryVariable.from_counts(
        counts,
        _merged_tail(one.rare, other.rare),
        missing=one.missing + other.missing,
        name=one.name,
        role=one.role,
        position=one.position,
    )


def _merge_ordered(one: CategoryVariable, other: CategoryVariable) -> CategoryVariable:
    if (one.kind, one.categories) != (other.kind, other.categories):
        raise BaselineError(
            f"{one.role} {one.name!r} has a different order of categories in the two baselines. "
            f"{_advice()}"
        )
    counts, missing = one.counts + other.counts, one.missing + other.missing
    return replace(one, counts=counts, missing=missing, variation={})


def _merged_tail(one: Tail | None, other: Tail | None) -> Tail | None:
    if one is None or other is None:
        return one or other
    return one.merge(other)


def _merge_outcomes(one: Outcomes | None, other: Outcomes | None) -> Outcomes | None:
    """Return the outcomes of the rows of two baselines, for training that is counted in parts.

    Warns:
        BaselineWarning: if only one has outcomes, or the two are counted in different cells.
    """
    if one is not None and other is not None and one.fits(other):
        return one.plus(other)
    if one is not None or other is not None:
        warnings.warn(
            "the merged baseline has no outcomes, because a part has none, or the parts count them "
            "in different bins. Fit all parts with outcome=, like= and the same threshold",
            BaselineWarning,
            stacklevel=5,
        )
    return None


def _merge_segments(
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
        outcomes = _merge_outcomes(one.outcomes, other.outcomes)
    return Segment(
        one.label,
        one.rows + other.rows,
        tuple(_merged_variable(*each, one.label) for each in variables),
        outcomes,
    )


def _merged_variable(whole: Variable, one: Variable, other: Variable, label: str) -> Variable:
    merged = merge_variables(one, other)
    if merged.rows > merged.missing:
        return arranged_like(whole, merged, label)
    # Without values, the two may have had other cells than the whole has now.
    return count_segment(whole, _nothing(whole, merged.missing), label)


def _nothing(whole: Variable, missing: int) -> OrderedValues | CategoryColumn:
    if isinstance(whole, NumericVariable):
        return SortedValues(np.empty(0), missing)
    return CategoryColumn({}, missing)
