"""Drift over windows of time: the counts of all workers since a moment, and their comparison."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from boxkite.baseline import Baseline
from boxkite.drift import Comparison, Policy, compare_counts
from boxkite.errors import ConfigError
from boxkite.live.counts import Counts
from boxkite.live.durable_counts import DurableCounts
from boxkite.live.history import KEPT
from boxkite.settings.converters import as_duration

__all__ = ["DriftWindows", "WindowCounts"]


class WindowCounts(NamedTuple):
    """The counts of one window.

    Attributes:
        counts: the counts.
        since: beginning of the window, or None if it includes everything since the start.
    """

    counts: Counts
    since: datetime | None


class DriftWindows:
    """Compare a service's counts in a window with its baseline.

    Args:
        baseline: the baseline.
        counts: the counts of the service.
        policy: decides the verdicts.
    """

    def __init__(self, baseline: Baseline, counts: DurableCounts, policy: Policy) -> None:
        self._baseline = baseline
        self._counts = counts
        self._policy = policy

    def drift(self, window: str | None) -> Comparison:
        """Return the comparison of a window.

        Args:
            window: length, for example `1h`, or None for everything since the start.

        Raises:
            ConfigError: if `window` is not a length, or is longer than eight days.
        """
        return self.compare(self.counted(window).counts, window)

    def counted(self, window: str | None) -> WindowCounts:
        """Return the counts of a window, which begins at a full hour.

        Args:
            window: length, for example `1h`, or None for everything since the start.

        Raises:
            ConfigError: if `window` is not a length, or is longer than eight days.
        """
        if window is None:
            return WindowCounts(self._counts.current(), None)
        moment = datetime.now(UTC) - timedelta(seconds=_seconds(window))
        since, counts = self._counts.since(moment)
        return WindowCounts(counts, since)

    def compare(self, counts: Counts, window: str | None) -> Comparison:
        """Return the comparison of counts with the baseline.

        Args:
            counts: the counts of the window.
            window: length of the window, which decides the share of the false-alarm rate.
        """
        return compare_counts(
            self._baseline,
            counts.tallies(),
            counts.predictions,
            policy=self._policy,
            window=self.policy_window(window),
        )

    def policy_window(self, window: str | None) -> str:
        """Return the window of the policy by which another window is judged.

        It is the longest that is not longer. The data varies more between shorter windows, so the
        verdict is rather too calm than too strict. All rows since the start are judged by the
        shortest window, because the service may just have started.

        Args:
            window: length, for example `6h`, or None for everything since the start.
        """
        hours = 0.0 if window is None else _seconds(window) / 3600
        return self._policy.window_within(hours)


def _seconds(window: str) -> float:
    """Return the length of a window.

    Raises:
        ConfigError: if it is not a length, or reaches back further than the stored hours.
    """
    seconds = as_duration("window", window)
    if seconds > KEPT.total_seconds():
        raise ConfigError(
            f"window is {window[:40]!r}; use at most {KEPT.days}d, because counts are kept by the "
            "hour for that long"
        )
    return seconds
