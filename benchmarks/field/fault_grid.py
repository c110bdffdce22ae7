"""Hours until the alert for faults that a service meets, on independent rows and on a busy week.

The fault starts at a full hour. Windows of an hour and of a day are judged at each full hour after;
those of a day need three verdicts of drift in a row. Beside it stands a two-sample test of all rows
(K-S, chi-square, or of two shares) in the same windows at the same share of the false-alarm rate.
On the week such a test alarms always, so it is shown for independent rows only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from judging import PENDING, Judge, total
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, kstwobign, norm
from stationary_week import DAY, LENGTH, TRAINING_HOURS, WEEK

from boxkite import Baseline
from boxkite.baseline.capture import capture_column
from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.tally import Tally, tally_column
from boxkite.drift import Policy

__all__ = ["print_faults"]

Values: TypeAlias = NDArray[Any]
Random: TypeAlias = np.random.Generator

VARIABLES = 10
MOST_HOURS = 72
LEVELS = np.array(list("abcdefghij"))


@dataclass(frozen=True)
class Fault:
    """A feature and what happens to it.

    Attributes:
        name: Name in the results.
        draw: Turns standard normal numbers, which the hour has moved, into the feature.
        change: Turns the feature's values into faulty ones.
        moved: Percent of all rows that the fault moves.
    """

    name: str
    draw: Callable[[Values], Values]
    change: Callable[[Values, Random], Values]
    moved: float


def _some(share: float, change: Callable[[Values], Values]) -> Callable[[Values, Random], Values]:
    return lambda values, random: np.where(
        random.random(len(values)) < share, change(values), values
    )


def _all(change: Callable[[Values], Values]) -> Callable[[Values, Random], Values]:
    return lambda values, _: change(values)


def _same(z: Values) -> Values:
    return z


def _amount(z: Values) -> Values:
    return np.where(z < norm.ppf(0.6), 0.0, np.exp(z))


def _level(z: Values) -> Values:
    return LEVELS[np.clip((norm.cdf(z) * 10).astype(int), 0, 9)]


FAULTS = [
    Fault("x1000 in 5 %", np.exp, _some(0.05, lambda v: v * 1000), 5),
    Fault("C to F in 5 %", lambda z: 15 + 8 * z, _some(0.05, lambda v: v * 1.8 + 32), 5),
    Fault("0 in 10 %, 60 % were 0", _amount, _some(0.10, np.zeros_like), 4),
    Fault("a new category in 1 %", _level, _some(0.01, lambda v: np.full(len(v), "new")), 1),
    Fault("2 % missing", _same, _some(0.02, lambda v: np.full(len(v), np.nan)), 2),
    Fault("+0.1 sd", _same, _all(lambda v: v + 0.1), 4),
    Fault("+0.25 sd", _same, _all(lambda v: v + 0.25), 10),
    Fault("+0.5 sd", _same, _all(lambda v: v + 0.5), 20),
    Fault("scale 1.25", _same, _all(lambda v: v * 1.25), 11),
    Fault("score +0.02", lambda z: norm.cdf(z / 2 - 1), _all(lambda v: v + 0.02), 4),
]


class Case:
    """One fault at one traffic, with its training of four weeks."""

    def __init__(self, fault: Fault, rows: int, random: Random, *, busy: bool) -> None:
        self.fault, self.rows, self.random = fault, rows, random
        self.means = np.random.default_rng(5).normal(0, 0.6 if busy else 0.0, WEEK)
        parts = [self.hour(i) for i in range(TRAINING_HOURS)]
        times = np.repeat(np.arange(TRAINING_HOURS), [len(part) for part in parts])
        seconds = 3600 * (times + random.random(len(times)))
        training = np.concatenate(parts)
        baseline = Baseline.fit({"x": training}, time=seconds, windows=list(LENGTH))
        (self.variable,) = baseline.variables
        self.judges = {window: Judge(self.variable, VARIABLES, window) for window in LENGTH}
        self.tests = {
            window: AllRows(training, Policy().share(window, VARIABLES)) for window in LENGTH
        }

    def hour(self, at: int, *, faulty: bool = False) -> Values:
        """Draw the rows of one hour."""
        z = self.random.normal(self.means[at % WEEK], 1, self.random.poisson(self.rows))
        values = self.fault.draw(z)
        return self.fault.change(values, self.random) if faulty else values

    def tally(self, values: Values) -> Tally:
        """Count rows into the variable's cells."""
        categorical = isinstance(self.variable, CategoryVariable)
        return tally_column(self.variable, capture_column("x", values, categorical=categorical))

    def delays(self, start: int, *, tested: bool) -> tuple[float, float]:
        """Return the hours until boxkite and the test of all rows raise an alert."""
        hours = [self.hour(start + i) for i in range(DAY)]
        tallies = [self.tally(each) for each in hours]
        ours, theirs = Pending(), Pending()
        for delay in range(1, MOST_HOURS + 1):
            hours.append(self.hour(start + DAY + delay, faulty=True))
            tallies.append(self.tally(hours[-1]))
            for window, length in LENGTH.items():
                if np.isinf(ours.delay):
                    live = total(tallies[-length:])
                    ours.note(window, delay, self.judges[window].alerts(live))
                if tested and np.isinf(theirs.delay):
                    rows = np.concatenate(hours[-length:])
                    theirs.note(window, delay, self.tests[window].rejects(rows))
            if np.isfinite(ours.delay) and (np.isfinite(theirs.delay) or not tested):
                break
        return ours.delay, theirs.delay


class Pending:
    """Waits until a window is above as often in a row as an alert asks for.

    Attributes:
        delay: Hours until the alert of either window; infinity without one.
    """

    def __init__(self) -> None:
        self.delay = np.inf
        self._above = dict.fromkeys(LENGTH, 0)

    def note(self, window: str, delay: int, above: bool) -> None:
        """Note an evaluation of a window."""
        self._above[window] = self._above[window] + 1 if above else 0
        if self._above[window] >= PENDING[window]:
            self.delay = min(self.delay, delay)


class AllRows:
    """A two-sample test of all rows: K-S or chi-square of values, chi-square of missing rows."""

    def __init__(self, training: Values, share: float) -> None:
        self.share = share
        self.categorical = training.dtype.kind == "U"
        if self.categorical:
            self.counts = dict(zip(*np.unique(training, return_counts=True), strict=True))
        else:
            self.ordered = np.sort(training)

    def rejects(self, live: Values) -> bool:
        """Return whether the live rows differ at the variable's share of the false alarms."""
        if self.categorical:
            names, numbers = np.unique(live, return_counts=True)
            found = dict(zip(names, numbers, strict=True))
            every = sorted({*found, *self.counts})
            return self._differ([[each.get(n, 0) for n in every] for each in (found, self.counts)])
        missing = np.isnan(live)
        trained = len(self.ordered)
        if missing.any():
            table = [[missing.sum(), (~missing).sum()], [0, trained]]
            if self._differ(table):
                return True
        ordered = np.sort(live[~missing])
        # Both empirical distributions jump at the live rows, so look just below and at each.
        after = np.searchsorted(self.ordered, ordered, side="right") / trained
        before = np.searchsorted(self.ordered, ordered, side="left") / trained
        upper = np.searchsorted(ordered, ordered, side="right") / len(ordered)
        lower = np.searchsorted(ordered, ordered, side="left") / len(ordered)
        distance = max(np.abs(upper - after).max(), np.abs(lower - before).max())
        effective = len(ordered) * trained / (len(ordered) + trained)
        return bool(kstwobign.sf(distance * np.sqrt(effective)) < self.share)

    def _differ(self, table: list[list[Any]]) -> bool:
        return bool(chi2_contingency(np.array(table)).pvalue < self.share)


def print_faults(traffic: Sequence[int], runs: int) -> None:
    """Print the median hours until the alert, and the share of runs with one in 72 hours."""
    print("Median hours until the alert (percent of runs with one within 72 hours)\n")
    heads = [f"{rows:,}/h {kind}" for rows in traffic for kind in ("all rows", "boxkite", "week")]
    print(f"| fault | moved | {' | '.join(heads)} |")
    print(f"|---|---:|{'---:|' * len(heads)}")
    for fault in FAULTS:
        cells = []
        for rows in traffic:
            random = np.random.default_rng([rows, FAULTS.index(fault)])
            even = Case(fault, rows, random, busy=False)
            pairs = np.array([even.delays(40 + 7 * i, tested=True) for i in range(runs)])
            busy = Case(fault, rows, random, busy=True)
            week = np.array([busy.delays(40 + 17 * i, tested=False)[0] for i in range(runs)])
            cells += [_cell(pairs[:, 1]), _cell(pairs[:, 0]), _cell(week)]
        print(f"| {fault.name} | {fault.moved} % | {' | '.join(cells)} |", flush=True)


def _cell(delays: Values) -> str:
    found = 100 * np.mean(np.isfinite(delays))
    middle = np.median(delays)
    return f"{middle:.0f} ({found:.0f})" if np.isfinite(middle) else f"- ({found:.0f})"
