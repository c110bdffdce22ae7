"""Real tables: how often the windows of training, and those after it, are called drift."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
from judging import Judge, count, judges_of
from sources import TABLES, Table

from boxkite.variation import training_drift

__all__ = ["print_even_and_odd_days", "print_tables"]


def print_tables(folder: Path, names: list[str]) -> None:
    """Print the share of windows called drift, for each table and variable."""
    print("Percent of windows called drift: inside training, after it\n")
    print(
        "| table | variable | directions | independent: in | after | learnt: in | after | trend |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for name in names:
        table = TABLES[name](folder)
        training = table.windows[: table.training]
        after = table.windows[table.training :]
        for plain, learnt in judges_of(training, table.period):
            row = [_shares(each, training, after) for each in (plain, learnt)]
            trend = training_drift(np.array(count(plain.variable, training)))
            print(
                f"| {table.name} | {plain.variable.name} | {_directions(learnt)} | "
                f"{row[0]} | {row[1]} | {trend:.2f} |",
                flush=True,
            )
        print(f"| {table.name} | *{len(training)} + {len(after)} windows* {table.reason} |")


def _directions(judge: Judge) -> str:
    variation = judge.variation
    if variation is None:
        return "-"
    rest = "+ rest" if variation.rest else ""
    return f"{len(variation.along)} {rest}"


def _shares(judge: Judge, training: list[pd.DataFrame], after: list[pd.DataFrame]) -> str:
    found = [judge.share(count(judge.variable, part)) for part in (training, after)]
    return " | ".join("-" if math.isnan(each) else f"{100 * each:.0f}" for each in found)


def print_even_and_odd_days(folder: Path) -> None:
    """Print what is called drift on odd days, with and without faults, after even days."""
    table: Table = TABLES["flights by day"](folder)
    even, odd = table.windows[:90][::2], table.windows[:90][1::2]
    random = np.random.default_rng(0)
    deviations = pd.concat(even).std(numeric_only=True)

    def zeros(day: pd.DataFrame) -> pd.DataFrame:
        kept = {n: day[n].where(random.random(len(day)) > 0.1, 0) for n in deviations.index}
        return day.assign(**kept)

    def shifted(day: pd.DataFrame, by: float) -> pd.DataFrame:
        return day.assign(**{n: day[n] + by * deviations[n] for n in deviations.index})

    def swapped(day: pd.DataFrame) -> pd.DataFrame:
        names = ["carrier", "origin", "dest"]
        kept = {n: day[n].where(random.random(len(day)) > 0.1, day[n].mode()[0]) for n in names}
        return day.assign(**kept)

    cases = {
        "even days": even,
        "odd days": odd,
        "0 in 10 %": [zeros(day) for day in odd],
        "+0.25 sd": [shifted(day, 0.25) for day in odd],
        "+0.5 sd": [shifted(day, 0.5) for day in odd],
        "10 % to one category": [swapped(day) for day in odd],
    }
    print("\nFlights, even days of January to March are training: percent of days called drift\n")
    print(f"| variable | directions | {' | '.join(cases)} |")
    print(f"|---|---:|{'---:|' * len(cases)}")
    for _, learnt in judges_of(even, "1d"):
        shares = [100 * learnt.share(count(learnt.variable, each)) for each in cases.values()]
        cells = " | ".join(f"{each:.0f}" for each in shares)
        print(f"| {learnt.variable.name} | {_directions(learnt)} | {cells} |", flush=True)
