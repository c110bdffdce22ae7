"""Observe a worker group from a process that does not belong to it."""

from __future__ import annotations

import contextlib

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter, LastingError
from boxkite.live.counts import Counts
from boxkite.live.counts_file import CountsFileError
from boxkite.live.group_counts import GroupCounts
from boxkite.live.history import History
from boxkite.live.state_folder import StateFolder

__all__ = ["GroupObserver"]


class GroupObserver:
    """Read the counts of a group's workers, and write nothing.

    Args:
        baseline: the baseline whose cells are counted.
        state: names the group's folder.
        reporter: reports what cannot be read.
    """

    def __init__(self, baseline: Baseline, state: StateFolder, reporter: ErrorReporter) -> None:
        self._baseline = baseline
        self._state = state
        self._reporter = reporter
        self._group: GroupCounts | None = None
        self._last_known = Counts.zero(baseline)

    def counts(self, *, report: bool) -> Counts:
        """Return the counts of all workers. If they cannot be read, return the last known ones.

        Args:
            report: whether to report that they cannot be read.
        """
        try:
            if self._group is None:
                folder = self._state.group_folder(self._baseline)
                self._group = GroupCounts(folder, self._baseline, self._reporter)
            self._last_known = self._group.others()
        except (OSError, CountsFileError) as error:
            if report:
                self._reporter.count("journal", self._state.unreadable(error))
        return self._last_known

    def history(self) -> History | None:
        """Return the counts at each full hour, or None if there is no folder for them."""
        with contextlib.suppress(LastingError):
            return History(self._state.group_folder(self._baseline), self._baseline)
        return None
