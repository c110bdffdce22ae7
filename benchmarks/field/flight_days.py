"""Flights: even days of January to March are training, and faults start on odd ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from judging import PENDING, Judge, first_alarm
from real_tables import boxkite_alarms, fit
from sources import TABLES
from stationary_week import LENGTH, sliding

from boxkite import Baseline
from boxkite.baseline.capture import capture_column
from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.tally import Tally, tally_column
from boxkite.baseline.variable import Variable
from boxkite.drift import compare

__all__ = ["print_even_and_odd_days", "print_first_weeks"]

Change: TypeAlias = Callable[[pd.DataFrame], pd.DataFrame]

DAYS, LATEST = 90, 36
NUMBERS = ["dep_delay", "distance", "sched_dep_time", "air_time", "arr_delay"]
CATEGORIES = ["carrier", "origin", "dest"]


def print_even_and_odd_days(folder: Path) -> None:
    """Print how often odd days are called drift, and faults are found within 36 hours."""
    table = TABLES["flights by day"](folder)
    days = table.parts(trained=True)
    times = [table.times.loc[each.index] for each in days]
    training = pd.concat(days[::2])
    # Even days follow one another, as if the odd ones did not exist.
    moved = [each - pd.Timedelta(days=i) for i, each in enumerate(times[::2])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        baseline = Baseline.fit(training, time=pd.concat(moved), windows=["1h", "1d"])
    changes = _changes(training)
    print("Even days of January to March are training. Percent of days called drift; then percent")
    print(f"of faults that start on odd days and are found within {LATEST} hours\n")
    print(f"| variable | even days | odd days | {' | '.join(changes)} |")
    print(f"|---|---:|---:|{'---:|' * len(changes)}")
    shares = [_shares(baseline, days[i::2]) for i in (0, 1)]
    for variable in baseline.variables:
        cells = [f"{each[variable.name]:.0f}" for each in shares]
        for change in changes.values():
            found = [_delay(baseline, variable, days, times, i, change) for i in range(1, 88, 2)]
            cells.append(f"{100 * np.mean(np.array(found) <= LATEST):.0f}")
        print(f"| {variable.name} | {' | '.join(cells)} |", flush=True)


def _shares(baseline: Baseline, days: list[pd.DataFrame]) -> dict[str, float]:
    """Return the percentage of days called drift, by variable."""
    compared = [compare(baseline, each, window="1d") for each in days]
    return {
        each.name: 100 * float(np.mean([day.variables[i].has_changed for day in compared]))
        for i, each in enumerate(baseline.variables)
    }


def _changes(training: pd.DataFrame) -> dict[str, Change]:
    deviations = training.std(numeric_only=True)
    random = np.random.default_rng(0)

    def tenth(rows: pd.DataFrame) -> pd.DataFrame:
        values = dict.fromkeys(NUMBERS, 0) | {n: rows[n].iloc[0] for n in CATEGORIES}
        kept = random.random(len(rows)) > 0.1
        return rows.assign(**{name: rows[name].where(kept, to) for name, to in values.items()})

    def shifted(by: float) -> Change:
        return lambda rows: rows.assign(**{n: rows[n] + by * deviations[n] for n in NUMBERS})

    return {"10 % to 0 (to one category)": tenth, "+0.5 sd": shifted(0.5), "+1 sd": shifted(1.0)}


def _delay(
    baseline: Baseline,
    variable: Variable,
    days: list[pd.DataFrame],
    times: list[pd.Series],
    first: int,
    change: Change,
) -> float:
    """Return after how many hours an alert fires if a fault starts at the midnight of a day."""
    hours: list[Tally] = []
    for day in (first - 1, first, first + 1):
        rows = days[day] if day < first else change(days[day])
        hour = times[day].dt.hour
        hours += [_tally(variable, rows[hour == each]) for each in range(24)]
    delays = []
    for window, length in LENGTH.items():
        judge = Judge(variable, len(baseline.variables), window)
        live = sliding(hours, length)[24 + 1 - length :][:LATEST]
        delays.append(first_alarm([judge.alerts(each) for each in live], PENDING[window]))
    return min(delays)


def _tally(variable: Variable, rows: pd.DataFrame) -> Tally:
    categorical = isinstance(variable, CategoryVariable)
    column = capture_column(variable.name, rows[variable.name], categorical=categorical)
    return tally_column(variable, column)


def print_first_weeks(folder: Path) -> None:
    """Print in how many weeks from April on each variable is called drift, and since when."""
    table = TABLES["flights by week"](folder)
    print("\nWeeks after training in which each variable is called drift, of flights\n")
    print("| variable | weeks of drift | first | longest run |")
    print("|---|---:|---:|---:|")
    for name, (_, after) in boxkite_alarms(fit(table), table).items():
        weeks = np.flatnonzero(after) + 1
        first = str(weeks[0]) if len(weeks) else "-"
        runs = "".join("1" if each else "0" for each in after).split("0")
        print(f"| {name} | {len(weeks)} | {first} | {max(map(len, runs))} |")
