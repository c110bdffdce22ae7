"""How sure live rows without drift make it that categories are unseen, beside what alarms.

Categories that training missed come back as many times as there are more live rows; so what counts
is the baseline, of which there are many here.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from variables import KINDS, TAILS

from boxkite.baseline.tally import Tally
from boxkite.drift import Policy
from boxkite.drift.rates import measure_rates, rate_critical

__all__ = ["print_unseen"]

TRAINED = [300, 1_000, 5_000, 20_000]
LIVE = [100, 1_000, 10_000, 100_000]
BASELINES, WINDOWS = 400, 3
VARIABLES = 10


def print_unseen() -> None:
    """Print the greatest evidence of the windows whose difference matters, and the alarms."""
    critical = rate_critical(Policy(), VARIABLES)
    print(
        f"{BASELINES} baselines, {WINDOWS} windows each of {LIVE} rows; critical {critical:.1f}\n"
    )
    print("| kind | training rows | greatest evidence | windows above |")
    print("|---|---:|---:|---:|")
    kinds = {**TAILS, "one category and 40 rare": KINDS["one category and 40 rare"]}
    for kind, trained in product(kinds, TRAINED):
        random = np.random.default_rng([trained, *kind.encode()])
        greatest, above = 0.0, 0
        for _ in range(BASELINES):
            truth = kinds[kind](trained, random)
            floor = Policy().floors(truth.variable).rate
            for rows in LIVE:
                for cells in random.multinomial(rows, truth.fractions, WINDOWS):
                    unseen = measure_rates(truth.variable, Tally(cells))[-1]
                    above += unseen.changed(critical, floor)
                    if unseen.changed(-1.0, floor):  # the difference alone
                        greatest = max(greatest, unseen.evidence)
        print(f"| {kind} | {trained:,} | {greatest:.1f} | {above} |", flush=True)
