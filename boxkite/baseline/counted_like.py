"""Counts the rows of a part into the bins and categories of another baseline."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from boxkite.baseline.capture import CategoryColumn
from boxkite.baseline.category_order import ordered_variable
from boxkite.baseline.category_tail import Tail, label_hash
from boxkite.baseline.category_variable import OTHER, UNSEEN, CategoryVariable
from boxkite.baseline.class_probabilities import WINNER, classes_of
from boxkite.baseline.distribution import Role
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.ordered_values import OrderedValues, SortedValues
from boxkite.baseline.segment_column import SegmentColumn
from boxkite.baseline.values import spelled_number, to_number
from boxkite.baseline.variable import Variable
from boxkite.errors import BaselineError
from boxkite.system.cached_property import cached_property

__all__ = ["Template", "count_like"]


@dataclass(frozen=True)
class Template:
    """The baseline of `like=`, whose columns, bins and categories a part uses.

    Attributes:
        variables: the variables of that baseline.
        segments: its columns of segments.
    """

    variables: tuple[Variable, ...]
    segments: tuple[SegmentColumn, ...] = ()

    def names(self, role: Role) -> list[str]:
        """Return the columns of a role, without the one that holds the most probable class."""
        found = [each.name for each in self.variables if each.role == role]
        return found[:-1] if role == "output" and self.classes else found

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes whose probabilities the model returns; empty for any other output."""
        return classes_of([each for each in self.variables if each.role == "output"])

    @cached_property
    def _by_place(self) -> dict[tuple[Role, str], Variable]:
        return {(each.role, each.name): each for each in self.variables}

    def check_names(self, role: Role, names: Collection[str]) -> None:
        """Check that a part has the same columns, in any order.

        Raises:
            BaselineError: if the part lacks a column or has another one.
        """
        known = self.names(role)
        lacking = [name for name in known if name not in names]
        strange = [name for name in names if name not in known]
        if lacking:
            raise BaselineError(
                f"the baseline of like= has {role} {lacking[0]!r}, but the rows have no such "
                f"column. Their {role}s are {', '.join(map(repr, names)) or 'none'}"
            )
        if strange:
            raise BaselineError(
                f"the rows have {role} {strange[0]!r}, which the baseline of like= does not have. "
                f"Leave out the column, or fit all parts again with it"
            )

    def is_categorical(self, role: Role, name: str) -> bool:
        """Return whether a column is counted as labels."""
        return isinstance(self._by_place[role, name], CategoryVariable)

    def count(self, role: Role, name: str, column: OrderedValues | CategoryColumn) -> Variable:
        """Count a column, as `count_like` does."""
        return count_like(self._by_place[role, name], column)

    def count_winners(self, winners: CategoryVariable) -> Variable:
        """Count the most probable class of each row."""
        return self.count("output", WINNER, CategoryColumn(winners.kept, winners.missing))


def count_like(like: Variable, column: OrderedValues | CategoryColumn) -> Variable:
    """Count a column into the bins or categories of a variable.

    A label without a category of its own is counted in `__other__`, even if `like` never saw it.
    The part is training too, so the label is not unseen.

    Args:
        like: variable whose name, role, position, kind and cells to take over.
        column: the column; it holds labels if the variable is categorical.

    Raises:
        BaselineError: if the variable is numeric and the column has other values, or if the
            variable is ordered and its order lacks a value.
    """
    if isinstance(like, NumericVariable):
        values = _numbers(like, column) if isinstance(column, CategoryColumn) else column
        return NumericVariable.from_ordered(
            values, like.edges, name=like.name, role=like.role, position=like.position
        )
    if not isinstance(column, CategoryColumn):
        raise TypeError("capture the column of a categorical variable with categorical=True")
    if like.is_ordered:
        order = like.categories[:-1]
        return ordered_variable(
            column, order, name=like.name, role=like.role, position=like.position
        )
    return _labels(like, column)


def _numbers(like: NumericVariable, column: CategoryColumn) -> SortedValues:
    missing = np.full(column.missing, np.nan)
    numbers: list[float] = []
    for label in column.tally:
        try:
            numbers.append(to_number(label))
        except ValueError:
            raise BaselineError(_not_a_number(like, label)) from None
    rows = np.array(list(column.tally.values()), dtype=np.int64)
    return SortedValues.of(np.concatenate([np.repeat(np.array(numbers), rows), missing]))


def _not_a_number(like: NumericVariable, label: str) -> str:
    if like.rows == like.missing:
        # A column without values counts as numeric, because nothing shows what it holds.
        return (
            f"column {like.name!r} has the value {label[:40]!r}, but the baseline of like= has no "
            f"value in it and counts it as a number. Take like= from a part that has values"
        )
    return (
        f"column {like.name!r} has the value {label[:40]!r}, but the baseline of like= counts it "
        f"as a number. Correct the column, or fit all parts again with categorical="
    )


def _labels(like: CategoryVariable, column: CategoryColumn) -> CategoryVariable:
    kept = dict.fromkeys(like.kept, 0)
    rare: dict[str, int] = {}
    for label, rows in column.tally.items():
        category = _category_of(like, label)
        if category is None:
            rare[label] = rows
        else:
            kept[category] += rows
    return CategoryVariable.from_counts(
        kept,
        Tail.of(rare) if rare or like.has_tail else None,
        missing=column.missing,
        name=like.name,
        role=like.role,
        position=like.position,
    )


def _category_of(like: CategoryVariable, label: str) -> str | None:
    """Return the category with the same text or number, or None if there is none."""
    if label in like.kept:
        return label
    # `like` may have counted this text in its tail although another text of the same number has a
    # category. Keep it in the tail, so that the rows of `like` itself are counted as before.
    if label_hash(label) in like.tail or not like.numbers:
        return None
    number = spelled_number(label)
    cell = None if number is None else like.numbers.get(number)
    found = None if cell is None else like.categories[cell]
    return None if found in (OTHER, UNSEEN) else found
