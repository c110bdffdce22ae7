"""How often boxkite alarms without drift, beside how often it says it may.

python benchmarks/false_alarms months      # months of sliding windows, in counts
python benchmarks/false_alarms windows     # single windows, over a grid of sizes
python benchmarks/false_alarms tails       # single windows of categories with a tail
python benchmarks/false_alarms unseen      # alerts on unseen categories
python benchmarks/false_alarms excursions  # alarms in a window's length by the chance to be above
python benchmarks/false_alarms fields      # likewise of PSI, K-S and either, in bins
python benchmarks/false_alarms prometheus  # shorter months through the rules and Prometheus
python benchmarks/false_alarms flights     # real flights, which come in bursts
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from excursions import print_excursions
from fields import print_fields
from flights_hourly import print_flights
from months import Limits, Window, alarms, arrivals
from through_prometheus import print_through_prometheus
from unseen import print_unseen
from variables import KINDS
from windows import print_tails, print_windows

from boxkite.drift import Floors, Policy
from boxkite.drift.chi_square import quantile

WINDOWS = [Window("1h", 1, 6), Window("1d", 24, 72)]
NUMBERS = [10, 100, 1000]
"""Variables of a model."""

TRAINED = [300, 5_000, 100_000, 1_000_000]
PROFILE = 1 + 0.9 * np.sin(np.arange(24) / 24 * 2 * np.pi)
TRAFFIC = {
    "50 rows/h": np.full(24, 50.0),
    "1,000 rows/h": np.full(24, 1_000.0),
    "1,000 rows/h, day and night": 1_000.0 * PROFILE,
    "100,000 rows/h": np.full(24, 100_000.0),
}

POLICIES = {"stated": Policy(), "without effect floor": Policy(min_effect=0.0)}
NO_FLOOR = Floors(effect=0.0, moved=0.0, rate=0.0)
DISJOINT = "chi-square, a share for each disjoint window"
RULES = [*POLICIES, DISJOINT]


class Work(NamedTuple):
    """Months of one kind of variable under one traffic, ten to a baseline."""

    kind: str
    trained: int
    traffic: str
    months: int
    seed: int


def limits(variable: Any, window: Window) -> list[Limits]:
    """Return the critical values and effect floors of all rules, for each number of variables."""
    found = []
    for number in NUMBERS:
        found += [Limits.of(each, window.name, number, variable) for each in POLICIES.values()]
        share = nominal(window, number, "disjoint")
        found.append(Limits(quantile(share, len(variable.counts) - 1), NO_FLOOR))
    return found


def run(work: Work) -> tuple[Work, np.ndarray, np.ndarray, np.ndarray]:
    """Return alarms, moments above and moments judged, summed over months: windows first."""
    random = np.random.default_rng(work.seed)
    shape = (len(WINDOWS), len(NUMBERS) * len(RULES))
    fired, above, judged = np.zeros(shape), np.zeros(shape), np.zeros(len(WINDOWS))
    for month in range(work.months):
        if month % 10 == 0:
            truth = KINDS[work.kind](work.trained, random)
            chosen = [limits(truth.variable, window) for window in WINDOWS]
        if np.isnan(chosen[0][0].psi) and np.isinf(chosen[0][0].ks):
            continue
        slots = arrivals(TRAFFIC[work.traffic], truth.fractions, random)
        least = Policy().min_rows_a_cell * len(truth.fractions)
        for i, window in enumerate(WINDOWS):
            found = alarms(slots, truth.variable.counts, window, chosen[i], least, random)
            fired[i] += found[0]
            above[i] += found[1]
            judged[i] += found[2]
    return work, fired, above, judged


def progress(works: list[Work], jobs: int) -> Iterable[tuple[Work, Any, Any, Any]]:
    """Run all, and draw a bar on standard error."""
    began = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        futures = [pool.submit(run, each) for each in works]
        for done, future in enumerate(as_completed(futures), 1):
            yield future.result()
            if not sys.stderr.isatty() and done % 16:
                continue
            share = done / len(works)
            bar = "#" * round(40 * share)
            seconds = time.monotonic() - began
            print(f"\r[{bar:<40}] {share:4.0%} {seconds:5.0f} s", end="", file=sys.stderr)
    print(file=sys.stderr)


def months(arguments: argparse.Namespace) -> None:
    """Print alarms a model-month, and how often the verdict is drift."""
    pairs = product(arguments.kinds or KINDS, TRAINED, TRAFFIC)
    works = [Work(*each, arguments.months, seed) for seed, each in enumerate(pairs)]
    results = list(progress(works, arguments.jobs))
    total = sum(work.months for work, *_ in results)
    fired = sum(each[1].sum(axis=0) for each in results).reshape(len(NUMBERS), len(RULES))
    print(f"{total:,} months of a variable each\n")
    print("| variables of a model | model-months | " + " | ".join(RULES) + " |")
    print("|---:|---:|" + "---:|" * len(RULES))
    for number, row in zip(NUMBERS, fired, strict=True):
        cells = " | ".join(f"{alarms / total * number:.3f}" for alarms in row)
        print(f"| {number:,} | {total // number:,} | {cells} |")
    for name in ("kind", "trained", "traffic"):
        print_moments(name, results)


def print_moments(name: str, results: list[Any]) -> None:
    """Print how often the verdict on a variable is drift, over its nominal share."""
    print(
        f"\nBy {name}: alarms a model-month, and how often the verdict is drift, times its share;"
    )
    print("last, PSI above chi-square's quantile at a share for disjoint windows, no floor\n")
    print(f"| {name} | model of | alarms | 1h | 1d | 1h, chi-square | 1d, chi-square |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    groups = dict.fromkeys(getattr(work, name) for work, *_ in results)
    for group, (i, number) in product(groups, enumerate(NUMBERS)):
        chosen = [each for each in results if getattr(each[0], name) == group]
        fired, above, judged = (sum(each[k] for each in chosen) for k in (1, 2, 3))
        total = sum(each[0].months for each in chosen)
        cells = [f"{fired[:, i * len(RULES)].sum() / total * number:.3f}"]
        for column, of in ((0, "policy"), (2, "disjoint")):
            for w, window in enumerate(WINDOWS):
                share = nominal(window, number, of)
                rate = above[w, i * len(RULES) + column] / max(judged[w], 1) / share
                cells.append(f"{rate:.2f}" if judged[w] else "insufficient")
        print(f"| {group} | {number:,} | " + " | ".join(cells) + " |")


def nominal(window: Window, number: int, of: str) -> float:
    """Return the probability that one variable is above a critical value at one moment."""
    if of == "policy":
        return Policy().share(window.name, number)
    return 0.5 / (720 / window.hours) / number


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "months": months,
    "windows": lambda arguments: print_windows(arguments.jobs),
    "tails": lambda arguments: print_tails(arguments.jobs),
    "excursions": lambda _: print_excursions(),
    "fields": lambda _: print_fields(),
    "unseen": lambda _: print_unseen(),
    "prometheus": lambda arguments: print_through_prometheus(arguments.days),
    "flights": lambda _: print_flights(),
}


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--months", type=int, default=200, help="of each combination")
    parser.add_argument("--days", type=int, default=2, help="through Prometheus")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, help="of variables; all by default")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    COMMANDS[arguments.command](arguments)


if __name__ == "__main__":
    main()
