"""Whether a share of rows, as of missing values, differs from training by more than chance.

Say x of N live rows are missing, and y of M at training. If nothing changed, each of the t = x + y
falls among the live rows with chance w = N / (N + M), and the chance that x or more do, or x or
fewer, is at most exp(-t KL(x/t, w)) (Hoeffding 1963, theorem 1 and section 6: rows drawn without
replacement are no more spread than those drawn with). KL is of two-valued distributions. The
exponent is the evidence. It holds for any counts, so that no number of rows is too small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from boxkite.baseline.tally import Tally
from boxkite.baseline.variable import OTHER, UNSEEN, CategoryVariable, Variable
from boxkite.drift.verdict import Policy

__all__ = [
    "EVALUATIONS_A_MONTH",
    "MIN_RATE",
    "SHARE",
    "Rate",
    "evidence",
    "expected_unseen",
    "measure_rates",
    "rate_critical",
]

SHARE = 0.01
"""Of the false alarms allowed, what the rates of all variables may take: one per cent."""

MIN_RATE = 0.01
"""The least difference of two rates that matters."""

EVALUATIONS_A_MONTH = 43_200
"""One a minute. Each may be wrong, so overlapping windows need no further argument."""

_TESTS = 4
"""More missing, fewer missing, more unseen, more invalid."""

_TINY = 1e-300


@dataclass(frozen=True)
class Rate:
    """How a share of live rows stands to that of training.

    Attributes:
        name: missing, unseen or invalid.
        difference: the live fraction less that of training.
        evidence: in nats, that they are not the same. 0 if fewer rows than expected are unseen
            or invalid.
    """

    name: str
    difference: float
    evidence: float

    def changed(self, critical: float) -> bool:
        """Tell whether it is more than chance gives, and enough to matter."""
        return self.evidence > critical and abs(self.difference) >= MIN_RATE


def measure_rates(variable: Variable, tally: Tally) -> list[Rate]:
    """Return what can be said of missing, unseen and invalid rows.

    Args:
        variable: as at training.
        tally: of the live rows.
    """
    found = []
    seen = tally.rows + tally.missing + tally.invalid
    if seen and variable.rows:
        difference = tally.missing / seen - variable.missing / variable.rows
        missing = evidence(tally.missing, seen, variable.missing, variable.rows)
        invalid = evidence(tally.invalid, seen, 0, variable.rows)
        found = [
            Rate("missing", difference, missing),
            Rate("invalid", tally.invalid / seen, invalid),
        ]
    trained = int(variable.counts.sum())
    if isinstance(variable, CategoryVariable) and tally.rows and trained:
        unseen, expected = int(tally.cells[-1]), expected_unseen(variable)
        more = unseen * trained > expected * tally.rows
        # A category that training missed by chance comes N / M times at once in more live rows; and
        # with as many rows, its count varies twice as much as that of rows on their own.
        scale = min(1.0, trained / tally.rows)
        counts = (unseen * scale, tally.rows * scale, expected, trained)
        beyond = evidence(*counts) / 2 if more else 0.0
        found.append(Rate("unseen", unseen / tally.rows, beyond))
    return found


def evidence(live: float, live_rows: float, trained: float, trained_rows: float) -> float:
    """Return the evidence in nats that a rate differs from training's.

    Args:
        live: rows of the kind that is counted.
        live_rows: all live rows.
        trained: training rows of the kind.
        trained_rows: all training rows.

    Returns:
        0 for equal rates; NaN where either side has no rows. Chance alone exceeds e in one
        direction with a probability of at most exp(-e).
    """
    if not live_rows or not trained_rows:
        return math.nan
    both = max(live + trained, _TINY)
    rows = live_rows + trained_rows
    return live * math.log(max(live, _TINY) * rows / (both * live_rows)) + trained * math.log(
        max(trained, _TINY) * rows / (both * trained_rows)
    )


def expected_unseen(variable: Variable) -> int:
    """Return in how many training rows a category was new: those that stand alone there.

    As many are to be expected of as many live rows (Good and Turing, 1953), so that categories
    with a tail do not alarm. Where it is not known how many of the tail stand alone, its rows,
    `__other__`, count whole: an upper bound. Whole categories are new, so here the evidence is no
    strict bound, but one that simulation bears out.
    """
    if not isinstance(variable, CategoryVariable):
        return 0
    tail = 0
    kept = dict(zip(variable.categories, variable.counts.tolist(), strict=True))
    if variable.has_tail:
        all_rows = kept.pop(OTHER)
        tail = all_rows if variable.tail_once is None else variable.tail_once
    return tail + sum(1 for each, rows in kept.items() if rows == 1 and each != UNSEEN)


def rate_critical(
    policy: Policy, variables: int, evaluations_a_month: float = EVALUATIONS_A_MONTH
) -> float:
    """Return what evidence must exceed, for all rates of a model to keep to their `SHARE`.

    By the union bound over variables, windows, the four tests of a variable and the evaluations,
    so that the rate holds however these depend on each other. Rows that tell less than independent
    ones must be as many more.
    """
    tests = _TESTS * variables * len(policy.windows) * evaluations_a_month
    chance = SHARE * policy.false_alarms_per_month / tests
    return -math.log(chance) * policy.design_effect
