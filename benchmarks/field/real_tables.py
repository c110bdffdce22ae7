"""Real tables: how often windows inside training and after it are called drift."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from judging import without_time
from other_packages import alarms_of
from sources import TABLES, Table

from boxkite import Baseline
from boxkite.drift import compare

__all__ = ["Alarms", "boxkite_alarms", "fit", "print_tables"]

Alarms: TypeAlias = "dict[str, tuple[list[bool], list[bool]]]"
"""By column: whether each window inside training, and each one after it, is called drift."""

ANY = "any column"


def fit(table: Table) -> Baseline:
    """Fit a table's training rows with their times."""
    rows, times = table.rows[table.trained], table.times[table.trained]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Trends are printed with the table.
        return Baseline.fit(rows, time=times, windows=[table.window])


def boxkite_alarms(baseline: Baseline, table: Table, **options: Any) -> Alarms:
    """Compare each window with the baseline, as `boxkite compare --window` does."""
    found: Alarms = {each.name: ([], []) for each in baseline.variables}
    for after in (False, True):
        for part in table.parts(trained=not after):
            for each in compare(baseline, part, window=table.window, **options):
                found[each.name][after].append(each.has_changed)
    return found


def print_tables(folder: Path, names: Sequence[str], packages: Sequence[str]) -> None:
    """Print the share of windows called drift, for each table, column and package."""
    titles = ["boxkite", "without time=", *packages]
    print("Percent of windows called drift, inside training and after it\n")
    print(f"| table, window | column | {' | '.join(f'{each}: in | after' for each in titles)} |")
    print(f"|---|---|{'---:|' * 2 * len(titles)}")
    for name in names:
        table = TABLES[name](folder)
        baseline = fit(table)
        found = {
            "boxkite": boxkite_alarms(baseline, table),
            "without time=": boxkite_alarms(without_time(baseline), table),
        }
        found |= {package: alarms_of(folder, package, table) for package in packages}
        for column in (*table.rows.columns, ANY):
            cells = " | ".join(_shares(found[title], column) for title in titles)
            print(f"| {table.name} | {column} | {cells} |", flush=True)
        sizes = [len(table.parts(trained=trained)) for trained in (True, False)]
        print(f"| | *{sizes[0]} + {sizes[1]} windows.* {table.reason} |{' |' * 2 * len(titles)}")


def _shares(alarms: Alarms, column: str) -> str:
    """Return the percentages of one column, or of any column, as two cells of the table."""
    if column == ANY:
        pairs = list(alarms.values())
        both = [np.any([pair[i] for pair in pairs], axis=0) if pairs else [] for i in (0, 1)]
    else:
        both = list(alarms.get(column, ([], [])))
    return " | ".join(f"{100 * np.mean(each):.0f}" if len(each) else "-" for each in both)
