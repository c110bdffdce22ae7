"""What K-S adds to PSI when some rows of an ordered category move up by one step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import binom

from boxkite import Baseline
from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.tally import Tally
from boxkite.drift import compare_counts

__all__ = ["print_ordered_steps"]

TRAINED = 100_000


class Step(NamedTuple):
    """A bell-shaped scale, and the fraction of its rows that move up by one level."""

    levels: int
    fraction: float
    live: int


STEPS = [
    Step(5, 0.1, 2_000), Step(10, 0.1, 5_000), Step(20, 0.3, 1_500), Step(20, 0.5, 700),
    Step(20, 1.0, 200), Step(20, 1.0, 50),
]  # fmt: skip


def print_ordered_steps(windows: int) -> None:
    """Print how often a step is unlikely to be chance, with the order and without it."""
    print("Ten variables' share of one false alarm a month; floors do not count here\n")
    print("| levels | rows one step up | live rows | with their order | without |")
    print("|---:|---:|---:|---:|---:|")
    random = np.random.default_rng(1)
    for step in STEPS:
        fractions = binom.pmf(np.arange(step.levels), step.levels - 1, 0.5)
        moved = (1 - step.fraction) * fractions
        moved[1:] += step.fraction * fractions[:-1]
        moved[-1] += step.fraction * fractions[-1]
        column = np.repeat(np.arange(step.levels), random.multinomial(TRAINED, fractions))
        live = random.multinomial(step.live, moved, size=windows)
        # The other nine variables are copies of the first, and only the first is looked at.
        columns = {f"x{i}": column for i in range(10)}
        cells = []
        for options in ({"ordered": list(columns)}, {"categorical": list(columns)}):
            baseline = Baseline.fit(columns, **options)
            first = baseline.variables[0]
            assert isinstance(first, CategoryVariable)
            order = [int(each) for each in first.categories[:-1]]
            found = 0
            for counts in live:
                tally = Tally(np.append(counts[order], 0))
                (drift, *_) = compare_counts(baseline, [tally] * 10, step.live)
                found += bool(drift.above)
            cells.append(f"{found / windows:.2f}")
        print(f"| {step.levels} | {step.fraction:.0%} | {step.live:,} | {' | '.join(cells)} |")
