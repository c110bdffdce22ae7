"""Observe a worker group from a process that does not belong to it."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter, LastingError
from boxkite.live.counts import Counts
from boxkite.live.counts_file import CountsFileError
from boxkite.live.group_counts import GroupCounts
from boxkite.live.history import History
from boxkite.live.outcomes.group_join import GroupJoin
from boxkite.live.outcomes.joined_outcomes import DayOutcomes, JoinedOutcomes
from boxkite.live.outcomes.label_join import JoinOptions
from boxkite.live.outcomes.outcome_database import FileDatabase
from boxkite.live.state_errors import unreadable
from boxkite.live.state_folder import StateFolder

__all__ = ["GroupObserver"]


class GroupObserver:
    """Read the counts of a group's workers, and write nothing.

    Args:
        baseline: the baseline whose cells are counted.
        state: names the group's folder.
        reporter: reports what cannot be read.
        joining: how predictions are joined with labels, or None if no labels arrive.
    """

    def __init__(
        self,
        baseline: Baseline,
        state: StateFolder,
        reporter: ErrorReporter,
        joining: JoinOptions | None = None,
    ) -> None:
        self._baseline = baseline
        self._state = state
        self._reporter = reporter
        self._joining = joining
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
                self._reporter.count("journal", unreadable(error))
        return self._last_known

    def outcomes(self) -> JoinedOutcomes | None:
        """Return what became of all labels. None if no labels arrive, or they cannot be read."""
        try:
            with self._joined() as join:
                return join.totals() if join is not None else None
        except OSError as error:
            self._reporter.count("outcome", error)
        return None

    def outcome_days(self, since: int) -> list[DayOutcomes]:
        """Return the labels of each day's predictions. Empty if they cannot be read.

        Args:
            since: the first day, in days since 1970.
        """
        try:
            with self._joined() as join:
                return join.days(since) if join is not None else []
        except OSError as error:
            self._reporter.count("outcome", error)
        return []

    @contextlib.contextmanager
    def _joined(self) -> Generator[GroupJoin | None]:
        """Yield a join of all journals in a copy of the group's database."""
        if self._joining is None:
            yield None
            return
        folder = self._state.group_folder(self._baseline)
        with FileDatabase(folder).copied() as copy:
            join = GroupJoin(folder, self._joining, self._reporter, copy)
            join.join_others("")
            yield join

    def history(self) -> History | None:
        """Return the counts at each full hour, or None if there is no folder for them."""
        with contextlib.suppress(LastingError):
            return History(self._state.group_folder(self._baseline), self._baseline)
        return None
