"""This process as a member of its worker group."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.live.counts import Counts
from boxkite.live.history import History
from boxkite.live.log_context import LogContext
from boxkite.live.outcomes.group_join import GroupJoin
from boxkite.live.outcomes.joined_outcomes import DayOutcomes, JoinedOutcomes
from boxkite.live.outcomes.label_join import JoinOptions
from boxkite.live.worker import Worker
from boxkite.live.worker_group import WorkerGroup
from boxkite.system.lazy_attribute import LazyLock

__all__ = ["SEGMENT_BYTES", "GroupMember", "WorkerOptions"]

SEGMENT_BYTES = 1 << 21


@dataclass(frozen=True)
class WorkerOptions:
    """How this process creates its worker, at first and after its folder was deleted.

    Attributes:
        baseline: the baseline whose cells are counted.
        max_bytes: the most bytes that the journal may have.
        context: fields that all log records share, or None if there is no log.
        lock: held while the worker's state is changed.
        joining: how predictions are joined with labels, or None if no labels arrive.
    """

    baseline: Baseline
    max_bytes: int
    context: LogContext | None
    lock: LazyLock
    joining: JoinOptions | None = None

    def new_worker(self, group: Path) -> Worker:
        """Create a worker in a group's folder."""
        segment_bytes = min(SEGMENT_BYTES, max(self.max_bytes // 4, 1))
        return Worker(
            group,
            self.baseline,
            segment_bytes,
            self.max_bytes,
            self.context,
            self.lock,
            joins=self.joining is not None,
        )


class GroupMember:
    """This process's worker, and the counts of all others.

    Args:
        folder: the group's folder. It is created if it is missing.
        options: how the worker is created.
        reporter: reports failures that do not stop the counting.

    Attributes:
        group: all workers.
        worker: the worker of this process.
        history: the counts at the full hours.
        join: joins the predictions of all workers with labels. None if no labels arrive.

    Raises:
        OSError: if the folder cannot be used.
    """

    def __init__(self, folder: Path, options: WorkerOptions, reporter: ErrorReporter) -> None:
        self._options = options
        self._reporter = reporter
        self.join: GroupJoin | None = None
        if options.joining is not None:
            self.join = GroupJoin(folder, options.joining, reporter)
        self.group = WorkerGroup(folder, options.baseline, reporter, join=self.join)
        self.worker = options.new_worker(folder)
        self.history = History(folder, options.baseline)
        self._others = Counts.zero(options.baseline)
        self._outcomes: JoinedOutcomes | None = None

    def adopt(self) -> None:
        """Take over the counts of dead workers. Report those that cannot be taken over now."""
        try:
            self.group.adopt(self.worker.id)
        except (OSError, ValueError) as error:
            self._reporter.count("journal", error)

    def others(self) -> Counts:
        """Adopt the dead workers, and return the counts of all workers except this one.

        If they cannot be read, return the last known counts.
        """
        self.adopt()
        try:
            others = self.group.others(self.worker.id)
            # The counts are lower than before if the folder was deleted and not all workers have
            # noticed yet. A counter must not go down, so return the last known counts.
            if others.predictions >= self._others.predictions:
                self._others = others
        except (OSError, ValueError) as error:
            self._reporter.count("journal", error)
        return self._others

    def join_own(self) -> None:
        """Join the predictions and labels in this worker's journal. Report it if that fails."""
        if self.join is None:
            return
        worker = self.worker
        try:
            worker.joined(self.join.join({worker.id: worker.journal})[worker.id])
        except OSError as error:
            self._reporter.count("outcome", error)

    def outcomes(self) -> JoinedOutcomes | None:
        """Join the journals of all workers, and return what became of all labels.

        If that fails, return the last known counts.
        """
        if self.join is None:
            return None
        self.join_own()
        try:
            self.join.join_others(self.worker.id)
            self._outcomes = self.join.totals()
        except OSError as error:
            self._reporter.count("outcome", error)
        return self._outcomes

    def outcome_days(self, since: int) -> list[DayOutcomes]:
        """Join the journals of all workers, and return the labels of each day's predictions.

        Args:
            since: the first day, in days since 1970.
        """
        self.outcomes()
        try:
            return self.join.days(since) if self.join is not None else []
        except OSError as error:
            self._reporter.count("outcome", error)
        return []

    def keep_hour(self, unsaved: Counts) -> None:
        """Store the counts of all workers if a new hour has begun.

        Args:
            unsaved: counts of this process that no file holds yet.
        """
        try:
            if self.history.is_due():
                totals = Counts.zero(self._options.baseline)
                for each in (unsaved, self.others(), self.worker.counts):
                    totals.add(each)
                self.history.keep(totals)
        except OSError as error:
            self._reporter.count("journal", error)

    def is_intact(self) -> bool:
        """Return whether the state is where other processes find it.

        While the program ends this is always true: the exit handler removes the folder of a run,
        and it must not be created again.
        """
        ending = not threading.main_thread().is_alive()
        return ending or (self.worker.is_intact() and self.group.retired.is_intact())

    def recreate(self, errors: list[int]) -> list[bytes]:
        """Create a new folder with the same counts after the old one was deleted.

        Args:
            errors: number of monitoring failures per stage.

        Returns:
            The records that are counted but not shipped. No file holds them any more.

        Raises:
            OSError: if the folder cannot be created.
        """
        old = self.worker
        # The maps of deleted files still work. Close the journal first, so that no request appends
        # a record to it after its last fold. The counts of that fold only go to the new file.
        old.journal.close()
        old.leave_file()
        old.fold(errors)
        folder = self.group.folder
        lost = f"'{old.folder}' was deleted or damaged. Its counts are in a new folder."
        self._reporter.count("journal", FileNotFoundError(lost))
        self.group = WorkerGroup(
            folder, self._options.baseline, self._reporter, former=self.group, join=self.join
        )
        self.join_own()
        new = self._options.new_worker(folder)
        # If only a part was deleted, other workers must not count both the old folder and the new
        # one.
        shutil.rmtree(old.folder, ignore_errors=True)
        new.fold(errors, old.counts)
        # Publish the new worker only now. Until the counts are in the new file, requests find the
        # closed journal and keep their records in memory.
        self.worker = new
        unshipped = old.outbox.unshipped()
        old.abandon()
        return unshipped

    def sync(self) -> None:
        """Write all counts and the journal to the disk.

        Raises:
            OSError: if the disk fails.
        """
        self.worker.sync()
        self.group.retired.sync()
