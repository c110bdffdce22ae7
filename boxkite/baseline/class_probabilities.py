"""Class probabilities: one numeric output for each class, and one for the most probable class.

The most probable class is the last output. It is named "class", and its categories are the names
of the other outputs. Outputs of this form always mean class probabilities, so `histogram.prom`
needs no further mark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.category_variable import OTHER, UNSEEN, CategoryVariable
from boxkite.baseline.values import to_category, to_number
from boxkite.baseline.variable import Variable
from boxkite.errors import BaselineError

__all__ = [
    "WINNER",
    "class_names",
    "classes_of",
    "counted_winners",
    "winner",
    "winner_variable",
    "winning_labels",
    "winning_places",
]

WINNER = "class"
"""Name of the output that holds the most probable class."""


def class_names(found: Sequence[str], given: bool | Iterable[Any]) -> list[str]:
    """Return the class of each column of probabilities.

    Args:
        found: names of the columns.
        given: the classes by position, or True to use the names of the columns.

    Raises:
        BaselineError: if the classes do not fit the columns, repeat, or have a reserved name.
    """
    names = list(found) if given is True else [_label(each) for each in _listed(given)]
    if len(names) != len(found):
        raise BaselineError(
            f"classes= has {len(names)} classes, but the output has {len(found)} columns. Name "
            "one class for each column"
        )
    if set(names) == set(found):
        # The columns are named after the classes. So go by their names, not by the order of
        # classes=.
        names = list(found)
    if len(names) < 2:
        raise BaselineError(
            f"class probabilities need at least 2 output columns, but there are {len(names)}. "
            f"Leave out classes"
        )
    taken = [name for name in names if name in (WINNER, OTHER, UNSEEN)]
    if taken:
        raise BaselineError(f"the class name {taken[0]!r} is reserved. Rename the class")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise BaselineError(f"two classes have the name {twice[0]!r}. Rename one")
    return names


def _listed(given: Any) -> list[Any]:
    return [given] if isinstance(given, str) else list(given)


def _label(name: Any) -> str:
    label = to_category(name)
    return "None" if label is None else label


def winner_variable(
    columns: Sequence[NDArray[np.float64]], names: Sequence[str]
) -> CategoryVariable:
    """Count the most probable class of each row. The first one wins a tie.

    A row in which a probability is missing counts as missing.
    """
    places = winning_places(columns)
    rows = np.bincount(places[places >= 0], minlength=len(names)).tolist()
    return counted_winners(names, dict(zip(names, rows, strict=True)), int((places < 0).sum()))


def counted_winners(
    names: Sequence[str], rows: Mapping[str, int], missing: int
) -> CategoryVariable:
    """Return the variable of the most probable class.

    Args:
        names: the classes.
        rows: for each class, the number of rows in which it is the most probable one.
        missing: number of rows in which a probability is missing.
    """
    return CategoryVariable.from_tally(
        {name: rows.get(name, 0) for name in names},
        len(names),
        missing=missing,
        name=WINNER,
        role="output",
        position=len(names),
    )


def winning_labels(
    columns: Sequence[NDArray[np.float64]], names: Sequence[str]
) -> list[str | None]:
    """Return the most probable class of each row, or None if a probability is missing."""
    labels = [*names, None]
    return [labels[place] for place in winning_places(columns).tolist()]


def winning_places(columns: Sequence[NDArray[np.float64]]) -> NDArray[np.int64]:
    """Return the place of the greatest probability of each row, or -1 if one is missing."""
    best = columns[0].copy()
    place = np.zeros(len(best), dtype=np.int64)
    missing = np.isnan(best)
    for number, column in enumerate(columns):
        # A comparison with NaN is false, so a missing probability never wins. The row is not
        # counted anyway, because it is marked as missing below.
        greater = column > best
        place[greater] = number
        best[greater] = column[greater]
        missing |= np.isnan(column)
    place[missing] = -1
    return place


def classes_of(outputs: Sequence[Variable]) -> tuple[str, ...]:
    """Return the classes if the outputs are class probabilities, and an empty tuple otherwise."""
    names = tuple(each.name for each in outputs[:-1])
    if len(names) < 2 or any(each.kind != "numeric" for each in outputs[:-1]):
        return ()
    last = outputs[-1]
    if not isinstance(last, CategoryVariable) or last.name != WINNER:
        return ()
    return names if set(last.categories) == {*names, UNSEEN} else ()


def winner(probabilities: Iterable[Any], names: Sequence[str]) -> str | None:
    """Return the most probable class, or None if a probability is not a number.

    The first class wins a tie.
    """
    try:
        numbers = [each if type(each) is float else to_number(each) for each in probabilities]
    except ValueError:
        return None
    if any(map(math.isnan, numbers)):
        return None
    return names[numbers.index(max(numbers))]
