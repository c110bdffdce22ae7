"""Single windows without drift, over a grid of kinds, training rows and live rows."""

from __future__ import annotations

from itertools import product

import numpy as np
from months import statistic
from variables import KINDS

from boxkite.drift import Policy

__all__ = ["NOMINAL", "print_windows"]

NOMINAL = 1e-3
TRAINED = [300, 5_000, 100_000, 1_000_000]
LIVE = [100, 300, 1_000, 10_000, 100_000]
BASELINES, WINDOWS = 200, 500

# One variable, one window: as many false alarms as make its share the nominal one.
POLICY = Policy(
    false_alarms_per_month=NOMINAL / Policy(windows={"1h": 1.0}).share("1h", 1),
    windows={"1h": 1.0},
)


def print_windows() -> None:
    """Print how often the verdict is drift, over the nominal rate; a dash where it is none."""
    print(f"False alarms over nominal, {NOMINAL:g}, in {BASELINES * WINDOWS:,} windows\n")
    print("| kind | training rows | " + " | ".join(f"{rows:,} live" for rows in LIVE) + " |")
    print("|---|---:|" + "---:|" * len(LIVE))
    random = np.random.default_rng(2013)
    for kind, trained in product(KINDS, TRAINED):
        cells = " | ".join(cell(kind, trained, rows, random) for rows in LIVE)
        print(f"| {kind} | {trained:,} | {cells} |", flush=True)


def cell(kind: str, trained: int, rows: int, random: np.random.Generator) -> str:
    """Return the rate of one cell of the table."""
    judged = passed = 0
    for _ in range(BASELINES):
        truth = KINDS[kind](trained, random)
        counts = truth.variable.counts
        critical = POLICY.critical("1h", 1, truth.variable)
        if np.isnan(critical) or rows < POLICY.min_rows_a_cell * len(counts):
            continue
        values, _ = statistic(random.multinomial(rows, truth.fractions, WINDOWS), counts)
        threshold = max(critical * (1 / trained + 1 / rows), POLICY.min_effect)
        judged += WINDOWS
        passed += int((values > threshold).sum())
    return f"{passed / judged / NOMINAL:.2f}" if judged else "-"
