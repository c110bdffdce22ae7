"""Distribution of PSI without drift, for cells too small for the chi-square approximation.

PSI / (1/n + 1/m) tends to chi-square with B - 1 degrees of freedom if every cell expects many rows.
Far out in the tail, "many" means hundreds. A cell that expects 15 rows and is empty adds 50 to the
statistic: chi-square gives such an outcome a chance of 1 in 10^12, but its true chance is 1 in
10^6. A cell that expects less than one row adds ln(n/m)/2 although nothing is wrong.

This module therefore computes the distribution. It treats the rows in each cell as independent
Poisson numbers. It leaves out the largest cell, because the total is given. The distribution of the
sum over the cells is then a product of Fourier transforms. docs/explained/statistics.md
derives this and measures how well it holds.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

# numpy imports `numpy.fft` on first use. If one thread imported it while another one forks, the
# child would inherit the import lock and wait for it forever. So import it before any thread
# starts.
from numpy.fft import irfft, rfft
from numpy.typing import NDArray

from boxkite.drift.chi_square import quantile

__all__ = ["critical_value"]

Floats: TypeAlias = NDArray[np.float64]

# Steps of the grid on which the distribution is computed.
_STEPS = 2048
# Smallest tail that double precision still resolves after a Fourier transform.
_LEAST_TAIL = 1e-12
# Ratio of one number of live rows to the next, in the search for the greatest critical value.
_GROWTH = 1.25
# Most live rows in a window, for cells that are empty on both sides.
_MOST_ROWS = 1e7
# Cells that expect more rows than this are treated as normal instead of Poisson.
_MANY = 150.0
# Beyond this multiple of the chi-square quantile, PSI consists mostly of chance.
_MOST_RAISED = 3.0
# Cells are merged if the logarithms of their fractions differ by less than this.
_LIKE = 0.05


class _Cell(NamedTuple):
    """A cell's fractions as logarithms, in whole units of `_LIKE`.

    Rounding makes similar cells equal, so that similar variables share cached results.

    Attributes:
        baseline: Smoothed fraction at training, which PSI compares with.
        true: Fraction that live rows are drawn with.
    """

    baseline: int
    true: int


_Cells: TypeAlias = tuple[tuple[_Cell, int], ...]


@lru_cache(maxsize=4096)
def critical_value(
    counts: tuple[float, ...], tail: float, *, least_rows: float, floor: float, unseen: float = 0
) -> float:
    """Return a value that PSI / (1/n + 1/m) exceeds with probability at most `tail`, for every m.

    This is the chi-square quantile, multiplied by the greatest ratio of the computed quantile to
    it, over all numbers of live rows.

    Args:
        counts: Independent training rows of each cell: at least two cells and one row.
        tail: Probability. Below 1e-12, the ratio is the one at 1e-12.
        least_rows: Fewest independent live rows that get a verdict.
        floor: Smallest PSI that counts as drift. It excludes numbers of live rows for which the
            critical PSI would be smaller.
        unseen: Number of categories that training saw exactly once. Good (1953) shows that the
            categories it never saw have about the same total mass. Their rows fall into the last
            cell.

    Returns:
        The critical value; NaN if it exceeds three times the chi-square quantile, because PSI then
        consists mostly of chance.
    """
    rows, degrees = sum(counts), len(counts) - 1
    cells = _like_cells(counts, unseen)
    sure = max(tail, _LEAST_TAIL)
    approximate = quantile(sure, degrees)
    # If live rows outnumber training rows, each cell that is empty on both sides adds at most this.
    outnumbered = counts.count(0) * max(0.0, math.log(_MOST_ROWS / rows) / 2)
    raised, exact = 1.0, 0.0
    # The distribution depends on n m / (n + m), which never reaches n. The search therefore starts
    # at the fewest live rows and ends at n, or earlier once the floor decides alone.
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


def _like_cells(counts: tuple[float, ...], unseen: float) -> _Cells:
    """Return all cells except the largest, grouped into equal cells with their number."""
    total = sum(counts) + len(counts) / 2
    logarithms = [math.floor(math.log((each + 0.5) / total) / _LIKE) for each in counts]
    cells = [_Cell(each, each) for each in logarithms]
    if unseen:
        cells[-1] = _Cell(logarithms[-1], math.floor(math.log((unseen + 0.5) / total) / _LIKE))
    cells.remove(max(cells))
    return tuple(sorted(Counter(cells).items()))


@lru_cache(maxsize=64)
def _exceedance(cells: _Cells, effective_rows: float) -> tuple[Floats, float, float]:
    """Return the upper tail of the sum over the cells, on a grid.

    Returns:
        The chances that the sum is `low + k * step` or more, for each k; `low`; and `step`.
    """
    number = sum(times for _, times in cells)
    shrunk = effective_rows / (effective_rows + (number + 1) / 2)
    terms = [(*_terms(cell, effective_rows, shrunk), times) for cell, times in cells]
    others = sum(math.exp(cell.baseline * _LIKE) * times for cell, times in cells)
    largest = effective_rows * (1.0 - others)
    # The largest cell is left out as a random number, but smoothing still moves it by this much.
    low = float(_contribution((largest + 0.5) * shrunk, largest))
    low += sum(float(values.min()) * times for _, values, times in terms)
    mean = sum(float(chances @ (values - values.min())) * times for chances, values, times in terms)
    # The grid reaches three times as far as the tail of interest. What lies beyond it wraps around
    # in the transform, but is too unlikely to matter.
    step = 3 * (mean + quantile(_LEAST_TAIL, number)) / _STEPS
    transform = np.ones(_STEPS // 2 + 1, dtype=np.complex128)
    for chances, values, times in terms:
        places = np.minimum((values - values.min()) / step, _STEPS - 2)
        below = places.astype(np.int64)
        # Each chance is divided between the two neighbouring steps, which preserves the mean.
        part = places - below
        steps = np.bincount(below, chances * (1 - part), _STEPS)
        steps += np.bincount(below + 1, chances * part, _STEPS)
        transform *= rfft(steps) ** times
    # Summing from the far end keeps the small chances of the tail exact.
    return np.cumsum(irfft(transform, _STEPS)[::-1])[::-1], low, step


def _terms(cell: _Cell, rows: float, shrunk: float) -> tuple[Floats, Floats]:
    """Return the chances of a cell's possible counts, and what each adds to the sum."""
    baseline, expected = (rows * math.exp(each * _LIKE) for each in cell)
    if baseline > _MANY:
        # A normal cell adds the square of its standard deviate.
        deviates = np.arange(-9.0, 9.0, 0.05)
        return np.exp(-(deviates**2) / 2) * (0.05 / math.sqrt(2 * math.pi)), deviates**2
    # Poisson chances are computed as logarithms, because factorials would overflow.
    counts = np.arange(math.ceil(expected + 9 * math.sqrt(expected) + 25))
    logarithms = np.concatenate([[0.0], np.cumsum(np.log(expected / counts[1:]))])
    return np.exp(logarithms - expected), _contribution((counts + 0.5) * shrunk, baseline)


def _contribution(smoothed: Any, expected: float) -> Any:
    """Return a cell's part of PSI, (p - q) ln(p / q), in units of effective rows."""
    return (smoothed - expected) * np.log(smoothed / expected)
