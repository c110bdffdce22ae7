"""False alarms about quality without a change, and days until a drop of accuracy is found."""

from __future__ import annotations

import numpy as np
import pandas as pd
from late_flights import LateFlights

from boxkite import Baseline
from boxkite.quality import compare_outcomes

__all__ = ["print_alarms", "print_losses"]

LABELS_A_DAY = (50, 200, 1000)
DROPS = (0.02, 0.05, 0.1)
DAYS, RUNS, LATEST = 600, 20, 30


def print_alarms(flights: LateFlights) -> None:
    """Print false alarms: of days drawn from training, and of real days of January to March."""
    random = np.random.default_rng(1)
    trained, others = _halves(flights.held_out, random)
    baseline = flights.baseline(trained)
    print("False alarms in 30 days without a change; the policy allows 1\n")
    print("| days | labels a day | alarms |")
    print("|---|---:|---:|")
    for labels in LABELS_A_DAY:
        alarms = sum(_is_worse(baseline, _day(others, labels, random)) for _ in range(DAYS))
        print(f"| drawn at random | {labels} | {30 * alarms / DAYS:.2f} |", flush=True)
    days = flights.held_out["time"].dt.normalize()
    even = days.dt.dayofyear % 2 == 0
    # Even days follow one another, as if the odd ones did not exist.
    kept = flights.held_out[even]
    moved = kept.assign(time=kept["time"] - (kept["time"].dt.dayofyear // 2) * pd.Timedelta("1D"))
    baseline = flights.baseline(moved)
    odd = [rows for _, rows in flights.held_out[~even].groupby(days[~even])]
    for window, text in ((None, "real, as if independent"), ("1d", "real, natural variation")):
        alarms = sum(_is_worse(baseline, rows, window) for rows in odd)
        rows_a_day = round(np.mean([len(rows) for rows in odd]))
        print(f"| {text} | {rows_a_day} | {30 * alarms / len(odd):.2f} |", flush=True)
    print()


def print_losses(flights: LateFlights) -> None:
    """Print the days until the verdict is `worse` for the first time."""
    random = np.random.default_rng(2)
    trained, others = _halves(flights.held_out, random)
    # Random days have no natural variation, so its allowance would only cost power.
    baseline = flights.baseline(trained)
    print(
        f"Days until a drop of accuracy is found (median of {RUNS} runs; at most {LATEST} days)\n"
    )
    print(f"| labels a day | {' | '.join(f'{drop:g}' for drop in DROPS)} |")
    print(f"|---:|{'---:|' * len(DROPS)}")
    for labels in LABELS_A_DAY:
        found = [_median_days(baseline, others, labels, drop, random) for drop in DROPS]
        print(f"| {labels} | {' | '.join(found)} |", flush=True)
    print()


def _median_days(
    baseline: Baseline, rows: pd.DataFrame, labels: int, drop: float, random: np.random.Generator
) -> str:
    days = [_days_until(baseline, rows, labels, drop, random) for _ in range(RUNS)]
    median = float(np.median(days))
    return f"{median:g}" if median <= LATEST else f"more than {LATEST}"


def _days_until(
    baseline: Baseline, rows: pd.DataFrame, labels: int, drop: float, random: np.random.Generator
) -> int:
    for day in range(1, LATEST + 1):
        if _is_worse(baseline, _worse(_day(rows, labels, random), drop, random)):
            return day
    return LATEST + 1


def _worse(rows: pd.DataFrame, drop: float, random: np.random.Generator) -> pd.DataFrame:
    """Turn as many right predictions into wrong ones as lower the accuracy by `drop`."""
    right = (rows["score"] > 0.5) == rows["late"]
    flipped = right & (random.random(len(rows)) < drop / right.mean())
    return rows.assign(late=np.where(flipped, 1 - rows["late"], rows["late"]))


def _halves(rows: pd.DataFrame, random: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    first = random.random(len(rows)) < 0.5
    return rows[first], rows[~first]


def _day(rows: pd.DataFrame, labels: int, random: np.random.Generator) -> pd.DataFrame:
    return rows.iloc[random.integers(0, len(rows), labels)]


def _is_worse(baseline: Baseline, rows: pd.DataFrame, window: str | None = None) -> bool:
    found = baseline.outcome_cells([]).count([rows["score"]], rows["late"])
    return compare_outcomes(found, baseline.outcomes, window=window).verdict == "worse"
