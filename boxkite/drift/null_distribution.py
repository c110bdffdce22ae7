"""How PSI is distributed without drift, where chi-square is not near enough.

PSI / (1/n + 1/m) is chi-square with B - 1 degrees of freedom where every cell expects many rows.
Far out in the tail "many" means hundreds: a cell that expects 15 rows and is empty adds 50, which
chi-square allows once in 10^12 and chance once in 10^6. Cells that expect less than a row add
ln(n/m)/2 each, though nothing is wrong. So the distribution is computed: rows come to the cells as
independent Poisson numbers; all cells but the largest count, as the total is given; and their sum
is a product of Fourier transforms. docs/statistics.md derives it and measures how well it holds.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

# At once: numpy imports it when it is first used, and a process that is forked meanwhile would wait
# for that import for ever.
from numpy.fft import irfft, rfft
from numpy.typing import NDArray

from boxkite.drift.chi_square import quantile

__all__ = ["critical_value"]

Floats: TypeAlias = NDArray[np.float64]

_STEPS = 2048  # of the statistic, up to some times its critical value
_LEAST_TAIL = 1e-12  # which double precision resolves after a Fourier transform
_GROWTH = 1.25  # from one number of live rows that is looked at to the next
_MOST_ROWS = 1e7  # of a window, where they outnumber the training rows
_MANY = 150.0  # expected rows from which on a cell is taken as normal
_MOST_RAISED = 3.0
_LIKE = 0.05  # cells that differ less, in the logarithm of their fraction, are taken as one


class _Cell(NamedTuple):
    """Fractions as logarithms in units of `_LIKE`, so that like variables share their results."""

    baseline: int
    true: int


_Cells: TypeAlias = tuple[tuple[_Cell, int], ...]


@lru_cache(maxsize=4096)
def critical_value(
    counts: tuple[int, ...], tail: float, *, least_rows: float, floor: float, unseen: int = 0
) -> float:
    """Return what PSI / (1/n + 1/m) exceeds with probability `tail` at most, whatever m.

    It is the chi-square quantile, raised where the quantile of the computed distribution is more.
    NaN where that is more than three times as much: PSI is then mostly chance.

    Args:
        counts: training rows of each cell; two cells and one row at least.
        tail: the probability; below 1e-12 the raise is that of 1e-12.
        least_rows: the fewest live rows for which a verdict is given.
        floor: PSI below is no drift: live rows so many that a critical PSI is less do not count.
        unseen: how many values training saw once only. As many may be among those that it never
            saw, which come to the last cell (Good 1953).
    """
    rows, degrees = sum(counts), len(counts) - 1
    cells = _like_cells(counts, unseen)
    sure = max(tail, _LEAST_TAIL)
    approximate = quantile(sure, degrees)
    # Where live rows outnumber training rows, a cell that is empty on both sides adds this at most.
    outnumbered = counts.count(0) * max(0.0, math.log(_MOST_ROWS / rows) / 2)
    raised = 1.0
    # n m / (n + m), as the few rows of either side make the many of the other worth no more.
    power = math.floor(math.log(least_rows * rows / (least_rows + rows), _GROWTH))
    while (effective := _GROWTH**power) < rows:
        above, low, step = _exceedance(cells, effective)
        exact = low + step * float(np.argmax(above <= sure))
        if max(exact + outnumbered, approximate) < floor * effective:
            break
        raised = max(raised, exact / approximate)
        power += 1
    else:
        raised = max(raised, (exact + outnumbered) / approximate)
    return quantile(tail, degrees) * raised if raised <= _MOST_RAISED else math.nan


def _like_cells(counts: tuple[int, ...], unseen: int) -> _Cells:
    """Return the cells but the largest, like ones together with their number."""
    total = sum(counts) + len(counts) / 2
    logarithms = [math.floor(math.log((each + 0.5) / total) / _LIKE) for each in counts]
    cells = [_Cell(each, each) for each in logarithms]
    if unseen:
        cells[-1] = _Cell(logarithms[-1], math.floor(math.log((unseen + 0.5) / total) / _LIKE))
    cells.remove(max(cells))
    return tuple(sorted(Counter(cells).items()))


@lru_cache(maxsize=64)
def _exceedance(cells: _Cells, effective_rows: float) -> tuple[Floats, float, float]:
    """Return with which chance the sum over the cells is low + k step or more; low; step."""
    number = sum(times for _, times in cells)
    shrunk = effective_rows / (effective_rows + (number + 1) / 2)
    terms = [(*_terms(cell, effective_rows, shrunk), times) for cell, times in cells]
    others = sum(math.exp(cell.baseline * _LIKE) * times for cell, times in cells)
    largest = effective_rows * (1.0 - others)
    low = float(_contribution((largest + 0.5) * shrunk, largest))  # what smoothing alone moves it
    low += sum(float(values.min()) * times for _, values, times in terms)
    mean = sum(float(chances @ (values - values.min())) * times for chances, values, times in terms)
    step = 3 * (mean + quantile(_LEAST_TAIL, number)) / _STEPS
    transform = np.ones(_STEPS // 2 + 1, dtype=np.complex128)
    for chances, values, times in terms:
        places = np.minimum((values - values.min()) / step, _STEPS - 2)
        below = places.astype(np.int64)
        part = places - below  # to the step above, so that the mean is kept
        steps = np.bincount(below, chances * (1 - part), _STEPS)
        steps += np.bincount(below + 1, chances * part, _STEPS)
        transform *= rfft(steps) ** times
    return np.cumsum(irfft(transform, _STEPS)[::-1])[::-1], low, step


def _terms(cell: _Cell, rows: float, shrunk: float) -> tuple[Floats, Floats]:
    """Return with which chances one cell adds how much."""
    baseline, expected = (rows * math.exp(each * _LIKE) for each in cell)
    if baseline > _MANY:
        deviates = np.arange(-9.0, 9.0, 0.05)
        return np.exp(-(deviates**2) / 2) * (0.05 / math.sqrt(2 * math.pi)), deviates**2
    counts = np.arange(math.ceil(expected + 9 * math.sqrt(expected) + 25))
    logarithms = np.concatenate([[0.0], np.cumsum(np.log(expected / counts[1:]))])
    return np.exp(logarithms - expected), _contribution((counts + 0.5) * shrunk, baseline)


def _contribution(smoothed: Any, expected: float) -> Any:
    return (smoothed - expected) * np.log(smoothed / expected)
