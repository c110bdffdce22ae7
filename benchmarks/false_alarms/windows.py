"""Single windows without drift, over a grid of kinds, training rows and live rows."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product

import numpy as np
from months import Limits
from variables import KINDS, TAILS

from boxkite.baseline import CategoryVariable, Variable
from boxkite.drift import Policy
from boxkite.drift.chi_square import quantile
from boxkite.drift.rates import expected_unseen

__all__ = ["NOMINAL", "print_tails", "print_windows"]

NOMINAL = 0.01
TRAINED = [300, 5_000, 100_000, 1_000_000]
LIVE = [100, 300, 1_000, 10_000, 100_000]
BASELINES, WINDOWS = 2_000, 50
TAIL_TRAINED, TAIL_BASELINES = [1_000, 5_000, 20_000, 100_000], 100

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


def print_tails(jobs: int) -> None:
    """Print how many baselines are judged, if it is guessed or counted what stands alone in a tail.

    Then false alarms over nominal, of those that are judged as it is counted.
    """
    print(f"False alarms over nominal, {NOMINAL:g}, in {WINDOWS} windows of {TAIL_BASELINES}\n")
    print(
        "| kind | training rows | stand alone | judged of 100, guessed | judged, counted | "
        "critical over chi-square's | " + " | ".join(f"{rows:,} live" for rows in LIVE[1:]) + " |"
    )
    print("|---|---:|---:|---:|---:|---:|" + "---:|" * len(LIVE[1:]))
    lines = list(product(TAILS, TAIL_TRAINED))
    with ProcessPoolExecutor(jobs) as pool:
        for (kind, trained), found in zip(
            lines, pool.map(tail_rates, *zip(*lines, strict=True)), strict=True
        ):
            share, guessed, counted, raised, *rest = found
            cells = " | ".join(f"{rate:.2f}" if rate >= 0 else "-" for rate in rest)
            print(
                f"| {kind} | {trained:,} | {share:.1%} | {100 * guessed:.0f} | {100 * counted:.0f} "
                f"| {raised:.2f} | {cells} |",
                flush=True,
            )


def tail_rates(kind: str, trained: int) -> list[float]:
    """Return the numbers of one line."""
    random = np.random.default_rng([trained, *kind.encode()])
    judged, passed = np.zeros(len(LIVE)), np.zeros(len(LIVE))
    alone, guessed, raised = [], 0, []
    for _ in range(TAIL_BASELINES):
        truth = TAILS[kind](trained, random)
        counts = truth.variable.counts
        alone.append(expected_unseen(truth.variable) / trained)
        guessed += bool(np.isfinite(POLICY.critical("1h", 1, older(truth.variable))))
        limits = Limits.of(POLICY, "1h", 1, truth.variable)
        if np.isnan(limits.psi):
            continue
        raised.append(limits.psi / quantile(POLICY.share("1h", 1), len(counts) - 1))
        for i, rows in enumerate(LIVE):
            if rows >= POLICY.min_rows_a_cell * len(counts):
                live = random.multinomial(rows, truth.fractions, WINDOWS)
                judged[i] += 1
                passed[i] += limits.above(live, counts, 0).mean()
    found = np.where(judged > 0, passed / np.maximum(judged, 1) / NOMINAL, -1.0)
    shares = [guessed / TAIL_BASELINES, len(raised) / TAIL_BASELINES]
    ratio = float(np.median(raised)) if raised else float("nan")
    return [float(np.mean(alone)), *shares, ratio, *found[1:].tolist()]


def older(variable: Variable) -> Variable:
    """Return a variable as a file gives it that does not say what stands alone in the tail."""
    assert isinstance(variable, CategoryVariable)
    return replace(variable, tail_once=None)


def rates(kind: str, trained: int) -> list[float]:
    """Return the rates of one line, over nominal; -1 where nothing is judged."""
    random = np.random.default_rng([trained, *kind.encode()])
    judged, passed = np.zeros(len(LIVE)), np.zeros(len(LIVE))
    for _ in range(BASELINES):
        truth = KINDS[kind](trained, random)
        counts = truth.variable.counts
        limits = Limits.of(POLICY, "1h", 1, truth.variable)
        for i, rows in enumerate(LIVE):
            live = random.multinomial(rows, truth.fractions, WINDOWS)
            least = POLICY.min_rows_a_cell * len(counts)
            judged[i] += limits.judged(live, least).sum()
            passed[i] += limits.above(live, counts, least).sum()
    found = np.where(judged > 0, passed / np.maximum(judged, 1) / NOMINAL, -1.0)
    return [float(each) for each in found]
