"""How many rows may have a category that training never saw, although nothing changed."""

from __future__ import annotations

import math

from boxkite.baseline.variable import CategoryVariable, Variable

__all__ = ["unseen_rows"]


def unseen_rows(variable: Variable) -> int:
    """Return an upper bound for the unseen rows among as many rows as training had.

    Such rows are about as many as the categories that training saw once (Good 1953). Their number
    is known for the kept categories, and two standard errors are added. For a tail, only its rows
    and number of labels are known, and in newer files also how many labels occur once.
    docs/statistics.md explains both estimates.

    Args:
        variable: Variable at training. Numbers have no unseen rows.
    """
    if not isinstance(variable, CategoryVariable):
        return 0
    kept = len(variable.counts) - 1 - variable.has_tail
    once = float((variable.counts[:kept] == 1).sum())
    if not variable.tail:
        return math.ceil(once + 2 * math.sqrt(once))
    labels, rows = len(variable.tail), int(variable.counts[kept])
    guessed = once + labels * math.sqrt(labels / rows)
    bounds = [guessed + 2 * math.sqrt(guessed)]
    if variable.tail_once is not None:
        # A missed label brings as many rows as a similar label of the tail. The rows therefore vary
        # by that factor more than independent ones.
        variance = (variable.tail_once + 1) * (1 + rows / labels)
        bounds.append(once + variable.tail_once + math.sqrt(4 * once + 9 * variance))
    return math.ceil(min(bounds))
