"""Single windows without drift, over a grid of kinds, training rows and live rows."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from itertools import product

import numpy as np
from months import statistic
from variables import KINDS

from boxkite.drift import Policy

__all__ = ["NOMINAL", "print_windows"]

NOMINAL = 0.01
TRAINED = [300, 5_000, 100_000, 1_000_000]
LIVE = [100, 300, 1_000, 10_000, 100_000]
BASELINES, WINDOWS = 2_000, 50

# One variable, one window: as many false alarms as make its share the nominal one.
POLICY = Policy(
    false_alarms_per_month=NOMINAL / Policy(windows={"1h": 1.0}).share("1h", 1),
    windows={"1h": 1.0},
)


def print_windows(jobs: int) -> None:
    """Print how often the verdict is drift, over the nominal rate; a dash where it is none."""
    print(
        f"False alarms over nominal, {NOMINAL:g}, in {WINDOWS} windows of {BASELINES:,} baselines\n"
    )
    print("| kind | training rows | " + " | ".join(f"{rows:,} live" for rows in LIVE) + " |")
    print("|---|---:|" + "---:|" * len(LIVE))
    lines = list(product(KINDS, TRAINED))
    with ProcessPoolExecutor(jobs) as pool:
        for (kind, trained), found in zip(
            lines, pool.map(rates, *zip(*lines, strict=True)), strict=True
        ):
            cells = " | ".join(f"{rate:.2f}" if rate >= 0 else "-" for rate in found)
            print(f"| {kind} | {trained:,} | {cells} |", flush=True)


def rates(kind: str, trained: int) -> list[float]:
    """Return the rates of one line, over nominal; -1 where nothing is judged."""
    random = np.random.default_rng([trained, *kind.encode()])
    judged, passed = np.zeros(len(LIVE)), np.zeros(len(LIVE))
    for _ in range(BASELINES):
        truth = KINDS[kind](trained, random)
        counts = truth.variable.counts
        critical = POLICY.critical("1h", 1, truth.variable)
        for i, rows in enumerate(LIVE):
            if np.isnan(critical) or rows < POLICY.min_rows_a_cell * len(counts):
                continue
            values, _ = statistic(random.multinomial(rows, truth.fractions, WINDOWS), counts)
            threshold = max(critical * (1 / trained + 1 / rows), POLICY.min_effect)
            judged[i] += WINDOWS
            passed[i] += (values > threshold).sum()
    found = np.where(judged > 0, passed / np.maximum(judged, 1) / NOMINAL, -1.0)
    return [float(each) for each in found]
