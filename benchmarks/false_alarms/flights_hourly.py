"""Real rows in time order: January's flights, hour by hour, against the whole of January.

A day of January is no drift from January, but flights of one day share their weather and their
schedule: they are not independent draws from the month. Shuffled over the hours they are.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from boxkite import Baseline
from boxkite.baseline.capture import capture_column
from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.tally import Tally, tally_column
from boxkite.drift import Policy, compare_counts, estimate_design_effect

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
from flights import FEATURES, load_flights

__all__ = ["print_flights"]

Hours = list[list[Tally]]


def print_flights() -> None:
    """Print verdicts on every day's length of flights, an hour apart, before and after."""
    january = load_flights(1)
    shuffled = january[FEATURES].sample(frac=1, random_state=1, ignore_index=True)
    baseline = Baseline.fit(january[FEATURES], categorical=["weekday", "hour"])
    print("Hours at which a variable has verdict drift over the last day, of 1,000 judged\n")
    print("| rows | variable | design effect | as independent | with the design effect |")
    print("|---|---|---:|---:|---:|")
    for title, rows in (("in time order", january), ("shuffled", shuffled)):
        hours = tallies_by_hour(baseline, rows, hour_of(january))
        days = [total(hours[i : i + 24]) for i in range(0, len(hours) - 23, 24)]
        effects = estimate_design_effect(baseline, days)
        plain = drifted(baseline, hours, [1.0] * len(effects))
        mended = drifted(baseline, hours, effects)
        for variable, *numbers in zip(baseline.variables, effects, plain, mended, strict=True):
            effect, before, after = numbers
            cells = f"{effect:.2f} | {before:.0f} | {after:.0f}"
            print(f"| {title} | {variable.name} | {cells} |")


def hour_of(flights: pd.DataFrame) -> np.ndarray:
    """Return the hour of the month of each flight; they are in order of their days."""
    day = (flights["weekday"].diff().fillna(0) != 0).cumsum()
    return (day * 24 + flights["hour"]).to_numpy()


def tallies_by_hour(baseline: Baseline, rows: pd.DataFrame, hours: np.ndarray) -> Hours:
    """Count the rows of each hour."""
    parts = [rows[hours == hour] for hour in range(int(hours.max()) + 1)]
    return [
        [
            tally_column(
                each,
                capture_column(
                    each.name, part[each.name], categorical=isinstance(each, CategoryVariable)
                ),
            )
            for each in baseline.variables
        ]
        for part in parts
    ]


def total(hours: Hours) -> list[Tally]:
    """Return the counts of some hours together."""
    return [
        Tally(sum(each.cells for each in column), sum(each.missing for each in column))
        for column in zip(*hours, strict=True)
    ]


def drifted(baseline: Baseline, hours: Hours, effects: Sequence[float]) -> list[float]:
    """Return for each variable how many of 1,000 windows of a day that are judged drift."""
    windows = [total(hours[i : i + 24]) for i in range(len(hours) - 23)]
    found = []
    for i, effect in enumerate(effects):
        policy = replace(Policy(), design_effect=effect)
        verdicts = [
            compare_counts(baseline, each, 0, policy=policy, window="1d").variables[i].verdict
            for each in windows
        ]
        judged = [each for each in verdicts if each != "insufficient"]
        found.append(1000 * judged.count("drift") / max(len(judged), 1))
    return found
