"""Test whether a rate, such as the share of missing values, differs from training.

Suppose x of N live rows and y of M training rows are missing. If nothing changed, each of the
t = x + y missing rows is a live row with chance w = N / (N + M). The chance that x or more of them
are live, or x or fewer, is then at most exp(-t KL(x/t, w)), where KL compares two-valued
distributions (Hoeffding 1963, theorem 1; by section 6, rows drawn without replacement spread no
more than rows drawn with it). The exponent is the evidence. The bound holds for any counts, so even
a few rows can be judged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from boxkite.baseline.category_variable import OTHER, UNSEEN, CategoryVariable
from boxkite.baseline.tally import Tally
from boxkite.baseline.variable import Variable
from boxkite.drift.policy import Policy

__all__ = [
    "EVALUATIONS_A_MONTH",
    "EXPECTED_OUTSIDE",
    "SHARE",
    "Rate",
    "evidence",
    "expected_unseen",
    "measure_rates",
    "rate_critical",
]

SHARE = 0.01
"""Share of the allowed false alarms that the rates of all variables may cause together."""

EVALUATIONS_A_MONTH = 43_200
"""One evaluation a minute. Each is counted as a separate test, so overlapping windows are safe."""

# More missing, fewer missing, more invalid, and more unseen (categories) or outside rows (numbers).
_TESTS = 4

EXPECTED_OUTSIDE = 2
"""Outside rows to expect among as many live rows as there were at training.

Of n + 1 independent values, the last one is the least or the greatest with probability 2/(n + 1),
whatever their distribution.
"""

# Replaces 0 inside a logarithm. The factor before the logarithm is then 0 too.
_TINY = 1e-300


@dataclass(frozen=True)
class Rate:
    """A rate of live rows compared with training.

    Attributes:
        name: `missing`, `invalid`, `unseen` or `outside`.
        difference: Live fraction minus training fraction.
        evidence: Evidence in nats that the two differ. If no more rows than expected are unseen
            or outside, it is 0.
    """

    name: str
    difference: float
    evidence: float

    def changed(self, critical: float, floor: float) -> bool:
        """Return whether the difference is more than chance explains and large enough to matter."""
        return self.evidence > critical and abs(self.difference) >= floor


def measure_rates(variable: Variable, tally: Tally) -> list[Rate]:
    """Return the rates of a variable for which there are rows to compare.

    They are the rates of missing and invalid rows, and of unseen rows for categories or outside
    rows for numbers.

    Args:
        variable: Variable as it was at training.
        tally: Live counts of the same variable.
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
    if tally.rows and trained:
        categorical = isinstance(variable, CategoryVariable)
        found.append((_unseen if categorical else _outside)(variable, tally, trained))
    return found


def _unseen(variable: Variable, tally: Tally, trained: int) -> Rate:
    unseen, expected = int(tally.cells[-1]), expected_unseen(variable)
    # Unseen rows do not come one by one. If live rows outnumber training rows, a category that
    # training missed by chance arrives several times, so the live counts are scaled down. Even with
    # equal numbers of rows, the count of such a category varies twice as much as for independent
    # rows, so the evidence is halved.
    scale = min(1.0, trained / tally.rows)
    more = unseen * trained > expected * tally.rows
    counts = (unseen * scale, tally.rows * scale, expected, trained)
    return Rate("unseen", unseen / tally.rows, evidence(*counts) / 2 if more else 0.0)


def _outside(_: Variable, tally: Tally, trained: int) -> Rate:
    # The true chance of x or more outside rows is (1 + x (1 - w)) w^x, from two geometric
    # distributions. With two expected rows, the bound that the evidence gives is greater wherever
    # that chance is small.
    more = tally.outside * trained > EXPECTED_OUTSIDE * tally.rows
    beyond = evidence(tally.outside, tally.rows, EXPECTED_OUTSIDE, trained) if more else 0.0
    return Rate("outside", tally.outside / tally.rows, beyond)


def evidence(live: float, live_rows: float, trained: float, trained_rows: float) -> float:
    """Return the evidence in nats that the live rate differs from the rate at training.

    The module's docstring gives the formula and its source.

    Args:
        live: Live rows of the kind that is counted.
        live_rows: All live rows.
        trained: Training rows of that kind.
        trained_rows: All training rows.

    Returns:
        The evidence: 0 for equal rates, NaN if either side has no rows. Chance alone exceeds e in
        one direction with a probability of at most exp(-e).
    """
    if not live_rows or not trained_rows:
        return math.nan
    both = max(live + trained, _TINY)
    rows = live_rows + trained_rows
    return live * math.log(max(live, _TINY) * rows / (both * live_rows)) + trained * math.log(
        max(trained, _TINY) * rows / (both * trained_rows)
    )


def expected_unseen(variable: Variable) -> int:
    """Return how many unseen rows to expect among as many live rows as there were at training.

    It is the number of training rows whose category occurs only once (Good and Turing, in Good
    1953). So categories with a long tail raise no alarm. If the baseline does not record how many
    categories of its tail occur once, all rows of the tail count, as an upper bound.

    Rows of one new category arrive together, so the evidence is not a strict bound here.
    Simulations confirm it.
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
    """Return the evidence in nats above which a rate has changed.

    The union bound over variables, windows, tests and evaluations keeps the false alarms of all
    rates within `SHARE`, however the rates depend on each other. A design effect of k multiplies
    the value by k, because k observed rows count as one.

    Args:
        policy: False alarms to allow.
        variables: Number of the model's variables.
        evaluations_a_month: How often each rate is judged in 30 days.
    """
    tests = _TESTS * variables * len(policy.windows) * evaluations_a_month
    chance = SHARE * policy.false_alarms_per_month / tests
    return -math.log(chance) * policy.design_effect
