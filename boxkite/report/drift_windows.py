"""Drift of a window, from the counts of all workers and the hours that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from boxkite.baseline import Baseline
from boxkite.drift import Comparison, Policy, compare_counts
from boxkite.live.counter import Counter
from boxkite.live.counts import Counts
from boxkite.report.cards import Report, report_of
from boxkite.report.trend import Trend, trend
from boxkite.settings.converters import as_duration

__all__ = ["DriftWindows", "name_of"]

_NAMES = {"1h": "last hour", "6h": "last 6 hours", "1d": "last day", "7d": "last week"}
_MOST_HOURS = 8 * 24


def name_of(window: str) -> str:
    """Return a window such as 6h in words, as "last 6 hours"."""
    return _NAMES.get(window, f"last {window}")


class DriftWindows:
    """Compares what a service counted with its baseline, over windows.

    Args:
        baseline: one side.
        counter: of the service.
        policy: that judges.
    """

    def __init__(self, baseline: Baseline, counter: Counter, policy: Policy) -> None:
        self._baseline = baseline
        self._counter = counter
        self._policy = policy
        self._history = _History(baseline, counter, policy)

    def drift(self, window: str | None) -> Comparison:
        """Return the comparison of a window, as `1h`; None for all since the start.

        Raises:
            ConfigError: if it is no such length.
        """
        return self._compare(self._counted(window)[1], window)

    def report(self, window: str | None) -> Report:
        """Return the comparison with all that is drawn of it.

        Raises:
            ConfigError: if it is no such length.
        """
        since, counts = self._counted(window)
        went, start = self._history.until(self._counter.totals())
        return report_of(
            self._baseline,
            counts.tallies(),
            self._compare(counts, window),
            f"in the {name_of(window)}" if window else "since the start",
            since=since if window else start,
            trend=went,
        )

    def _counted(self, window: str | None) -> tuple[datetime | None, Counts]:
        """Return what was counted in a window, and when it begins."""
        if window is None:
            return None, self._counter.totals()
        moment = datetime.now(UTC) - timedelta(seconds=as_duration("window", window))
        return self._counter.since(moment)

    def _compare(self, counts: Counts, window: str | None) -> Comparison:
        return compare_counts(
            self._baseline,
            counts.tallies(),
            counts.predictions,
            policy=self._policy,
            window=self._share_of(window),
        )

    def _share_of(self, window: str | None) -> str:
        """Return the policy's window whose share of the false alarms applies: the longest that is
        no longer."""
        by_length = sorted(self._policy.windows, key=lambda name: self._policy.windows[name])
        if window is None:
            return by_length[0]
        hours = as_duration("window", window) / 3600
        fitting = [name for name in by_length if self._policy.windows[name] <= hours]
        return fitting[-1] if fitting else by_length[0]


class _Over(NamedTuple):
    """The hours that are over.

    Attributes:
        trend: of them; their counts stay, so it is not made again.
        next: the hour after them.
        first: the hour of the first prediction, where it was kept.
    """

    trend: Trend
    next: datetime
    first: datetime | None


class _History:
    """How drift went over the hours that are kept."""

    def __init__(self, baseline: Baseline, counter: Counter, policy: Policy) -> None:
        self._baseline = baseline
        self._counter = counter
        self._policy = policy
        self._over: _Over | None = None

    def until(self, now: Counts) -> tuple[Trend, datetime | None]:
        """Return how drift went up to what is counted now, and the hour of the first prediction;
        None if that is not kept any more."""
        over = self._over
        states = self._counter.hours(over.next if over else None)
        found = self._trend(states, now)
        if not states:
            return found, None
        if over is None:
            first = None if states[0][1].predictions else states[0][0]
        else:
            first = over.first
            found = over.trend.followed_by(found).part(slice(-_MOST_HOURS, None))
        self._over = _Over(found.part(slice(-1)), states[-1][0], first)
        return found, first if first in found.hours else None

    def _trend(self, states: Sequence[tuple[datetime, Counts]], now: Counts) -> Trend:
        hours = [(hour, counts.cells) for hour, counts in states]
        return trend(self._baseline, hours, now.cells, self._policy.min_rows_a_cell)
