"""The grid: every distribution, drift and size, in counts and in full samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from cells import FREE, POLICIES, Cell, Size, run
from counted import PRODUCT as BINS
from distributions import DISTRIBUTIONS
from power import ALTERNATIVES, CATEGORY_ALTERNATIVES, Power, powers
from progress import parallel
from tables import heading, line

__all__ = ["QUICK_SIZES", "SIZES", "print_grid"]

SIZES = [
    Size(1_000, baselines=40, free=25, drifted=200),
    Size(10_000, baselines=80, free=12, drifted=200),
    Size(100, baselines=40, free=25, drifted=200),
    Size(100_000, baselines=150, free=4, drifted=150),
    Size(1_000_000, baselines=80, free=1, drifted=40, rate=0.05),
]
QUICK_SIZES = [
    Size(10_000, baselines=20, free=20, drifted=60, rate=0.05),
    Size(1_000, baselines=20, free=20, drifted=60, rate=0.05),
    Size(10_000, baselines=20, free=20, drifted=80),
    Size(1_000, baselines=20, free=20, drifted=80),
]
COUNTED = {"numbers": f"PSI or K-S, {BINS}", "categories": "PSI or unseen rows, 50 categories"}
"""What stands behind the product's alerts of drift and of unseen categories."""
IMPROVED = {
    "numbers": f"PSI or A-D, {BINS}",
    "categories": "PSI or unseen rows, all categories",
}

LEAST = 0.8
JUDGED_FROM = 1_000
VISIBLE = 0.2
"""The power of the full sample below which a ratio would be noise."""


def print_grid(sizes: Sequence[Size], jobs: int, folder: Path) -> None:
    """Run all cells, and print the tables."""
    works = [
        (name, size, seed, folder) for size in sizes for seed, name in enumerate(DISTRIBUTIONS)
    ]
    cells = parallel(run, works, jobs, "grid")
    found = powers(cells)
    _print_sizes(cells)
    _print_drifts(found)
    _print_alternatives(found, numeric=True)
    _print_alternatives(found, numeric=False)
    _print_losses(found)


def _counted(power: Power) -> float:
    return power.found[COUNTED["numbers" if _numeric(power) else "categories"]]


def _numeric(power: Power) -> bool:
    return not DISTRIBUTIONS[power.distribution].categories


def _ratio(found: Sequence[Power], title: str | None = None) -> float:
    """Return the mean power over the mean of the full sample's."""
    ours = sum(_counted(each) if title is None else each.found[title] for each in found)
    return ours / max(sum(each.best for each in found), 1e-12)


def _capped(found: Sequence[Power]) -> float:
    """Return the same where no cell makes up for another."""
    return sum(min(_counted(each), each.best) for each in found) / sum(each.best for each in found)


def _print_sizes(cells: Sequence[Cell]) -> None:
    """Print false alarms and power by size, at the matched rate and of the verdict as it comes."""
    print("\nBy live rows: mean power over the cells, false alarms of the verdict\n")
    heading(
        "live rows",
        "matched rate",
        "full sample",
        "counts",
        "ratio",
        "at most 1 a cell",
        *_verdict_titles(),
    )
    for live, matched in sorted({(cell.size.live, cell.size.rate) for cell in cells}):
        quiet = [cell for cell in cells if cell.size.live == live and cell.size.rate == matched]
        part = powers(quiet)
        best, ours = (np.mean([f(each) for each in part]) for f in (lambda p: p.best, _counted))
        columns = []
        for title in POLICIES:
            power = [each.verdicts[title] for each in part]
            alarms = [cell.verdicts[FREE][title] for cell in quiet]
            columns.append(f"{_mean(power)}; {_mean(alarms, 4)}")
        rate = f"{matched:.0%}"
        line(
            f"{live:,}",
            rate,
            f"{best:.2f}",
            f"{ours:.2f}",
            f"{_ratio(part):.2f}",
            f"{_capped(part):.2f}",
            *columns,
        )


def _verdict_titles() -> list[str]:
    return [f"verdict, {title}: power; false alarms" for title in POLICIES]


def _mean(values: Sequence[float], digits: int = 2) -> str:
    judged = [each for each in values if each == each]
    return f"{np.mean(judged):.{digits}f}" if judged else "insufficient"


def _print_drifts(found: Sequence[Power]) -> None:
    """Print the full sample's power and ours for each distribution and drift."""
    sizes = sorted({each.live for each in found})
    print("\nPower at the matched rate: full sample / counts\n")
    heading("distribution", "drift", *(f"{size:,}" for size in sizes))
    by_cell = {(each.distribution, each.drift, each.live): each for each in found}
    for name, drift in dict.fromkeys((each.distribution, each.drift) for each in found):
        row = [by_cell[name, drift, size] for size in sizes]
        line(name, drift, *(_pair(each) for each in row))


def _pair(power: Power) -> str:
    text = f"{power.best:.2f} / {_counted(power):.2f}"
    return f"**{text}**" if _misses(power, _counted(power)) else text


def _misses(power: Power, ours: float) -> bool:
    return power.live >= JUDGED_FROM and power.best >= VISIBLE and ours < LEAST * power.best


def _print_alternatives(found: Sequence[Power], *, numeric: bool) -> None:
    """Print what each statistic behind the verdict would find, over the full sample's power."""
    part = [each for each in found if _numeric(each) == numeric]
    drifts = list(dict.fromkeys(each.drift for each in part))
    judged = [each for each in part if each.live >= JUDGED_FROM]
    print(f"\n{'Numbers' if numeric else 'Categories'}: power over the full sample's, by drift\n")
    heading("behind the verdict", "all", f"under {LEAST:g}", "100 rows", *drifts)
    for title in ALTERNATIVES if numeric else CATEGORY_ALTERNATIVES:
        misses = sum(_misses(each, each.found[title]) for each in judged)
        seen = sum(each.best >= VISIBLE for each in judged)
        few = [each for each in part if each.live < JUDGED_FROM]
        columns = [_ratio([e for e in judged if e.drift == drift], title) for drift in drifts]
        line(
            title,
            f"{_ratio(judged, title):.2f}",
            f"{misses} of {seen}",
            f"{_ratio(few, title):.2f}" if few else "",
            *(f"{each:.2f}" for each in columns),
        )


def _print_losses(found: Sequence[Power]) -> None:
    """Print the cells where counts find less than the least share of what the full sample does."""
    print(f"\nCells of {JUDGED_FROM:,} rows and more under {LEAST:g} of the full sample's power\n")
    heading("distribution", "drift", "live rows", "magnitude", "full sample", "counts", "improved")
    for each in found:
        if _misses(each, _counted(each)):
            improved = each.found[IMPROVED["numbers" if _numeric(each) else "categories"]]
            numbers = (f"{value:.2f}" for value in (each.best, _counted(each), improved))
            line(each.distribution, each.drift, f"{each.live:,}", f"{each.magnitude:.3g}", *numbers)
