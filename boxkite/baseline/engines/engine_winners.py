"""Finds the most probable class of each row in the engine that holds the probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

from boxkite.baseline.class_probabilities import WINNER
from boxkite.baseline.engines.engine_column import EngineColumn
from boxkite.errors import BaselineError

__all__ = ["winner_column"]


def winner_column(columns: Sequence[EngineColumn], names: Sequence[str]) -> EngineColumn:
    """Return a column that holds the most probable class. The first one wins a tie.

    It is null in a row in which a probability is missing.

    Args:
        columns: the probabilities of each class.
        names: the classes.

    Raises:
        BaselineError: if the columns are not in one frame.
    """
    source = columns[0].source
    if any(column.source is not source for column in columns):
        raise BaselineError("the class probabilities are in several frames. Pass them in one frame")
    numbers = [source.number(column.name) for column in columns]
    missing: nw.Expr = nw.lit(False)
    for number in numbers:
        missing = missing | number.is_null() | number.is_nan()
    greatest = nw.max_horizontal(*numbers)
    winner: nw.Expr = nw.lit(names[-1])
    for number, name in reversed(list(zip(numbers, names, strict=True))):
        winner = nw.when(number == greatest).then(nw.lit(name)).otherwise(winner)
    free = WINNER
    while free in source.schema:
        free += "_"
    known = nw.when(~missing).then(winner)
    return EngineColumn(source.derived(free, known), free)
