"""Power at a matched rate of false alarms: what each statistic finds of a cell's drifts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from cells import ANCHOR, FREE, UNSEEN, Cell
from counted import combined
from distributions import DISTRIBUTIONS, Floats

__all__ = ["ALTERNATIVES", "CATEGORY_ALTERNATIVES", "Power", "powers"]

_BINS = "{} bins of equal mass"


def _of(kind: str, cells: str) -> tuple[str, ...]:
    return tuple(f"{each}, {cells}" for each in kind.split(" or "))


ALTERNATIVES: dict[str, tuple[str, ...]] = {
    f"{kind}, {cells}": _of(kind, cells)
    for kind, cells in [
        *(("PSI", _BINS.format(bins)) for bins in (10, 20, 50)),
        ("PSI", "20 bins of equal width"),
        ("PSI", "as 0.0.5, at most 50"),
        *(("K-S", _BINS.format(bins)) for bins in (10, 20, 50)),
        ("A-D", _BINS.format(20)),
        *(("PSI or K-S", _BINS.format(bins)) for bins in (10, 20, 50)),
        ("PSI or A-D", _BINS.format(20)),
        ("PSI or K-S", "20 bins of equal width"),
    ]
}
"""What might stand behind the verdict on numbers: statistics of which one or the other must be
above its critical value at an equal share of the rate."""

CATEGORY_ALTERNATIVES: dict[str, tuple[str, ...]] = {
    **{f"PSI, {kept} categories": (f"PSI, {kept} categories",) for kept in ("50", "10", "all")},
    "PSI or unseen rows, 50 categories": ("PSI, 50 categories", UNSEEN),
    "PSI or unseen rows, all categories": ("PSI, all categories", UNSEEN),
}


class Power(NamedTuple):
    """Of one drift in one cell."""

    distribution: str
    drift: str
    live: int
    magnitude: float
    best: float
    """Of the test that sees every row, at the matched rate."""
    found: dict[str, float]
    """Of each alternative, at the matched rate."""
    verdicts: dict[str, float]
    """Of the product's verdict, at its own rates; NaN where it is insufficient."""


def powers(cells: Iterable[Cell]) -> list[Power]:
    """Return the power of each alternative, for each drift of each cell."""
    return [
        Power(
            cell.distribution,
            drift,
            cell.size.live,
            cell.magnitudes[drift],
            _power(cell, drift, (ANCHOR,)),
            {title: _power(cell, drift, names) for title, names in _alternatives(cell).items()},
            cell.verdicts[drift],
        )
        for cell in cells
        for drift in cell.magnitudes
    ]


def _alternatives(cell: Cell) -> dict[str, tuple[str, ...]]:
    numeric = not DISTRIBUTIONS[cell.distribution].categories
    return ALTERNATIVES if numeric else CATEGORY_ALTERNATIVES


def _power(cell: Cell, drift: str, names: tuple[str, ...]) -> float:
    """Return the share of the windows above what the cell's rate leaves of those without drift."""
    free, rate = [cell.scores[FREE][name] for name in names], cell.size.rate
    drifted = [cell.scores[drift][name] for name in names]
    quiet: Floats = free[0]
    if len(names) > 1:
        quiet, drifted = combined(free, free, rate), [combined(drifted, free, rate)]
    return float((drifted[0] > np.quantile(quiet, 1 - rate)).mean())
