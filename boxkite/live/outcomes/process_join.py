"""The join of one process: in its worker group, or in memory while no folder can be used."""

from __future__ import annotations

import math
import time
from typing import Protocol

from boxkite.error_reporter import ErrorReporter
from boxkite.live.group_member import GroupMember
from boxkite.live.outcomes.group_join import MemoryJoin
from boxkite.live.outcomes.joined_outcomes import DayOutcomes, JoinedOutcomes, add_days
from boxkite.live.outcomes.label_join import JoinOptions

__all__ = ["ProcessJoin"]

# A transaction syncs the database, which may take some milliseconds. A scrape does not depend on
# this, because it joins the journals of all workers.
_JOIN_SECONDS = 5.0


class GroupLabels(Protocol):
    """The labels of a worker group, as one of its workers or an observer sees them."""

    def outcomes(self) -> JoinedOutcomes | None:
        """Return what became of all labels, or None if that is not known."""
        ...

    def outcome_days(self, since: int, /) -> list[DayOutcomes]:
        """Return the labels of each day's predictions."""
        ...


class ProcessJoin:
    """Joins the predictions and labels of one process.

    The caller must hold the lock of the counts.

    Args:
        options: How labels are joined.
        reporter: Reports failures.

    Attributes:
        memory: Joins the records that no file takes.
    """

    def __init__(self, options: JoinOptions, reporter: ErrorReporter) -> None:
        self.memory = MemoryJoin(options)
        self._reporter = reporter
        self._joined_at = -math.inf

    def follow(self, member: GroupMember) -> None:
        """Join this worker's journal if that is due, and store what was joined in memory."""
        now = time.monotonic()
        if now - self._joined_at >= _JOIN_SECONDS or not member.worker.journal.has_room:
            self._joined_at = now
            member.join_own()
        if member.join is not None and not self.memory.is_empty:
            try:
                member.join.take(self.memory)
            except OSError as error:
                self._reporter.count("outcome", error)

    def totals(self, group: GroupLabels) -> JoinedOutcomes:
        """Return what became of all labels of the group, and of those in memory.

        Args:
            group: Gives the group's labels.
        """
        found, memory = group.outcomes(), self.memory.totals()
        return memory if found is None else found.plus(memory)

    def days(self, group: GroupLabels, since: int) -> list[DayOutcomes]:
        """Return the counts of each day, the oldest first.

        Args:
            group: Gives the group's labels.
            since: The first day, in days since 1970.
        """
        return add_days(group.outcome_days(since), self.memory.days(since))
