"""Drift of a window, from the counts of all workers and the hours that are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from boxkite.baseline import Baseline
from boxkite.drift import Comparison, Policy, compare_counts
from boxkite.live.counter import Counter
from boxkite.live.counts import Counts
from boxkite.report.cards import Report, report_of
from boxkite.report.trend import trend
from boxkite.setting_values import as_duration

__all__ = ["DriftWindows"]


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
        now = self._counter.totals()
        hours = [(hour, each.cells) for hour, each in self._counter.hours()]
        return report_of(
            self._baseline,
            counts.tallies(),
            self._compare(counts, window),
            f"in the last {window}" if window else "since the start",
            since=since,
            trend=trend(self._baseline, hours, now.cells, self._policy.min_rows_a_cell),
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
