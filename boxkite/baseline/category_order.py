"""The order of a column's categories: as given, by the column's type, or ascending numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from boxkite.baseline.capture import CategoryColumn
from boxkite.baseline.category_variable import OTHER, UNSEEN, CategoryVariable
from boxkite.baseline.distribution import Role
from boxkite.baseline.tally import cell_of, tally_labels
from boxkite.baseline.values import spelled_number, to_category
from boxkite.errors import BaselineError
from boxkite.system.type_guards import is_mapping

__all__ = ["Order", "Ordered", "given_orders", "order_of", "ordered_variable"]

Order: TypeAlias = tuple[str, ...]
Ordered: TypeAlias = Iterable[str] | Mapping[str, Iterable[Any]]


def given_orders(ordered: Ordered) -> dict[str, Order]:
    """Return the categories of each named column in order; none if only the column is named.

    Raises:
        BaselineError: if an order has a single category, repeats one, or has a missing value or a
            reserved name.
    """
    if is_mapping(ordered):
        return {name: _checked(name, labels) for name, labels in ordered.items()}
    return dict.fromkeys([ordered] if isinstance(ordered, str) else ordered, ())


def _checked(name: str, labels: Iterable[Any]) -> Order:
    order: list[str] = []
    for each in labels:
        label = to_category(each)
        if label is None or label in (OTHER, UNSEEN) or label in order:
            raise BaselineError(
                f"ordered= lists {each!r} for column {name!r}, which is missing, repeated or a "
                f"reserved name. List each category once"
            )
        order.append(label)
    if len(order) == 1:
        raise BaselineError(
            f"ordered= lists one category for column {name!r}. An order needs at least two"
        )
    return tuple(order)


def order_of(name: str, column: CategoryColumn, given: Order | None) -> Order:
    """Return the categories of a column in order; none if they have no order.

    Args:
        name: name of the column, for messages.
        column: the column.
        given: order that the user gave; empty if the user only said that the column has one, and
            None if the user did not name the column.

    Raises:
        BaselineError: if the user says that the column has an order, and it does not show which.
    """
    if given or given is None or column.order:
        return given or column.order
    numbers = {label: spelled_number(label) for label in column.tally}
    if None in numbers.values():
        raise BaselineError(
            f"ordered= names column {name!r}, whose values do not show their order. List its "
            f"categories: ordered={{{name!r}: [least, ..., greatest]}}"
        )
    return tuple(sorted(numbers, key=lambda label: (numbers[label], label)))


def ordered_variable(
    column: CategoryColumn, order: Order, *, name: str, role: Role, position: int
) -> CategoryVariable:
    """Count a column into one cell for each category of `order`, then `__unseen__`.

    Categories without training rows have a cell too, because they have a place in the order.

    Raises:
        BaselineError: if the column has a value that the order lacks.
    """
    empty = CategoryVariable(
        kind="ordered",
        name=name,
        role=role,
        position=position,
        counts=np.zeros(len(order) + 1, dtype=np.int64),
        missing=column.missing,
        categories=(*order, UNSEEN),
    )
    cells = tally_labels(empty, column.tally).cells
    if cells[-1]:
        strange = next(label for label in column.tally if cell_of(empty, label) == len(order))
        raise BaselineError(
            f"column {name!r} has the value {strange!r}, which its order ({', '.join(order[:9])}"
            f"{', ...' if len(order) > 9 else ''}) lacks. Add it in its place"
        )
    return replace(empty, counts=cells)
