"""Class probabilities: a numeric output a class, and last a categorical one, the class that won.

They are known by this alone: the last output is named "class", and its categories are the names
of the others. So `histogram.prom` says it without a series of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.values import to_category, to_number
from boxkite.baseline.variable import OTHER, UNSEEN, CategoryVariable, Variable
from boxkite.errors import BaselineError

__all__ = ["WINNER", "class_names", "classes_of", "winner", "winner_variable"]

WINNER = "class"
"""The name of the output that says which class is the most probable."""


def class_names(found: Sequence[str], given: bool | Iterable[Any]) -> list[str]:
    """Return what the columns of class probabilities are called.

    Args:
        found: names of the columns.
        given: the classes by position, or True for the names of the columns.

    Raises:
        BaselineError: if they do not fit, or cannot be told from our own names.
    """
    names = list(found) if given is True else [_label(each) for each in _listed(given)]
    if len(names) != len(found):
        raise BaselineError(f"{len(names)} classes for an output of {len(found)} columns")
    if set(names) == set(found):
        names = list(found)  # columns that are named like classes are theirs, in whatever order
    if len(names) < 2:
        raise BaselineError("class probabilities are two columns or more; give one without classes")
    taken = [name for name in names if name in (WINNER, OTHER, UNSEEN)]
    if taken:
        raise BaselineError(f"a class cannot be named {taken[0]!r}: give it another name")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise BaselineError(f"class {twice[0]!r} stands twice: give each class a name of its own")
    return names


def _listed(given: Any) -> list[Any]:
    return [given] if isinstance(given, str) else list(given)


def _label(name: Any) -> str:
    label = to_category(name)
    return "None" if label is None else label


def winner_variable(columns: Sequence[NDArray[np.float64]], names: Sequence[str]) -> Variable:
    """Count which class is the most probable in each row, the first of equals.

    A row that lacks a probability has none.
    """
    best = columns[0].copy()
    place = np.zeros(len(best), dtype=np.int64)
    missing = np.isnan(best)
    for number, column in enumerate(columns):
        greater = column > best
        place[greater] = number
        best[greater] = column[greater]
        missing |= np.isnan(column)
    rows = np.bincount(place[~missing], minlength=len(names)).tolist()
    return CategoryVariable.from_tally(
        dict(zip(names, rows, strict=True)),
        len(names),
        missing=int(missing.sum()),
        name=WINNER,
        role="output",
        position=len(names),
    )


def classes_of(outputs: Sequence[Variable]) -> tuple[str, ...]:
    """Return the classes whose probabilities the outputs are; none where they are other things."""
    names = tuple(each.name for each in outputs[:-1])
    if len(names) < 2 or any(each.kind != "numeric" for each in outputs[:-1]):
        return ()
    last = outputs[-1]
    if not isinstance(last, CategoryVariable) or last.name != WINNER:
        return ()
    return names if set(last.categories) == {*names, UNSEEN} else ()


def winner(probabilities: Iterable[Any], names: Sequence[str]) -> str | None:
    """Return the most probable class, the first of equals; None if a probability is no number."""
    try:
        numbers = [each if type(each) is float else to_number(each) for each in probabilities]
    except ValueError:
        return None
    if any(map(math.isnan, numbers)):
        return None
    return names[numbers.index(max(numbers))]
