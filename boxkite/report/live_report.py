"""The drift report of a running service: one window of its counts, and the trend over the hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline
from boxkite.drift import Policy
from boxkite.live.counts import Counts
from boxkite.live.drift_windows import DriftWindows
from boxkite.live.durable_counts import DurableCounts
from boxkite.report.drift_report import Report, report_of
from boxkite.report.trend import Trend, trend

__all__ = ["LiveReport", "name_of"]

_NAMES = {"1h": "last hour", "6h": "last 6 hours", "1d": "last day", "7d": "last week"}
_MOST_HOURS = 8 * 24


def name_of(window: str) -> str:
    """Return a window such as `6h` in words, for example "last 6 hours"."""
    return _NAMES.get(window, f"last {window}")


class LiveReport:
    """Make drift reports of a running service.

    Args:
        baseline: the baseline.
        counts: the counts of the service.
        policy: decides the verdicts.
        windows: counts and compares a window.
    """

    def __init__(
        self, baseline: Baseline, counts: DurableCounts, policy: Policy, windows: DriftWindows
    ) -> None:
        self._baseline = baseline
        self._counts = counts
        self._windows = windows
        self._policy = policy
        self._hours: dict[str, _HourlyTrend] = {}

    def report(self, window: str | None, segment: str = "") -> Report:
        """Return the report of a window.

        Args:
            window: length, for example `1h`, or None for everything since the start.
            segment: label of the segment to show; empty for all rows.

        Raises:
            ConfigError: if `window` is not a length, or there is no such segment.
        """
        counted = self._windows.counted(window)
        comparison = self._windows.compare(counted.counts, window)
        comparison.of_segment(segment)  # an unknown one must not be kept
        hourly, start = self._trend_of(segment).until(self._counts.current())
        return report_of(
            self._baseline,
            comparison,
            f"in the {name_of(window)}" if window else "since the start",
            segment=segment,
            since=counted.since if window else start,
            trend=hourly,
            note=self._note(window),
        )

    def _trend_of(self, segment: str) -> _HourlyTrend:
        if segment not in self._hours:
            labels = ("", *self._baseline.segment_labels)
            part = self._baseline.segment(segment) if segment else self._baseline
            policy = self._policy.part(segment, len(labels) - 1)
            self._hours[segment] = _HourlyTrend(part, labels.index(segment), self._counts, policy)
        return self._hours[segment]

    def _note(self, window: str | None) -> str:
        """Return why drift in a window raises no alert; empty if it may."""
        if window is None:
            return ""
        judged = self._windows.policy_window(window)
        unknown = [
            each
            for each in self._baseline.variables
            if not self._policy.alerts_on_drift(judged, each)
        ]
        if not unknown:
            return ""
        return (
            f"Alerts in the window {judged} judge rates only, because the baseline does not know "
            f"how its hours and days vary. Fit it with time=."
        )


class _PastHours(NamedTuple):
    """The past hours, whose counts do not change any more.

    Attributes:
        trend: their trend.
        next: the hour after them.
        first: the hour of the first prediction, if it is still kept.
    """

    trend: Trend
    next: datetime
    first: datetime | None


class _HourlyTrend:
    """Compute the drift of each hour that is kept. Compute each hour only once.

    Args:
        baseline: the baseline of all rows, or of one segment.
        part: 0 for all rows; the number of the segment, from 1.
        counts: the counts of the service.
        policy: decides the verdicts of these rows.
    """

    def __init__(
        self, baseline: Baseline, part: int, counts: DurableCounts, policy: Policy
    ) -> None:
        self._baseline = baseline
        self._part = part
        self._counts = counts
        self._policy = policy
        self._past: _PastHours | None = None

    def until(self, now: Counts) -> tuple[Trend, datetime | None]:
        """Return the trend up to the present counts, and the hour of the first prediction.

        The hour is None if it is not kept any more.
        """
        past = self._past
        states = self._counts.hours(past.next if past else None)
        if past and not states:
            # The clock was ahead for a moment, and that hour is gone. Begin anew.
            past, states = None, self._counts.hours()
        found = self._trend(states, now)
        if not states:
            return found, None
        if past is None:
            first = None if states[0][1].predictions else states[0][0]
        else:
            first = past.first
            found = past.trend.followed_by(found).part(slice(-_MOST_HOURS, None))
        self._past = _PastHours(found.part(slice(-1)), states[-1][0], first)
        return found, first if first in found.hours else None

    def _trend(self, states: Sequence[tuple[datetime, Counts]], now: Counts) -> Trend:
        hours = [(hour, self._cells(counts)) for hour, counts in states]
        return trend(self._baseline, hours, self._cells(now), self._policy)

    def _cells(self, counts: Counts) -> NDArray[np.int64]:
        return counts.part(self._part, len(self._baseline.variables)).cells
