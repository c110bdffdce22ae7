"""Adds up two counts of the same variable, for training data that is counted in parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from boxkite.baseline.category_tail import Tail, label_hash
from boxkite.baseline.variable import CategoryVariable, NumericVariable, Variable
from boxkite.errors import BaselineError

__all__ = ["merge_variables"]


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
