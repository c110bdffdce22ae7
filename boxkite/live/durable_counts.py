"""Counts that outlive the process: in the state folder, or in memory while it cannot be used."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from datetime import datetime

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.live.counts import Counts
from boxkite.live.counts_file import CountsFileError
from boxkite.live.group_member import GroupMember, WorkerOptions
from boxkite.live.group_observer import GroupObserver
from boxkite.live.history import History
from boxkite.live.log_context import LogContext
from boxkite.live.mapped_journal import JournalBusyError, JournalFullError
from boxkite.live.memory_journal import MemoryJournal
from boxkite.live.outbox import Outbox
from boxkite.live.outcomes.joined_outcomes import DayOutcomes, JoinedOutcomes
from boxkite.live.outcomes.label_join import JoinOptions
from boxkite.live.outcomes.process_join import ProcessJoin
from boxkite.live.state_folder import StateFolder
from boxkite.live.worker_group import WorkerGroup
from boxkite.system.forks import call_after_fork
from boxkite.system.lazy_attribute import LazyLock

__all__ = ["DurableCounts"]

_RETRY_SECONDS = 1.0
_FOLD_AT = 512
_MAX_UNCOUNTED_IN_MEMORY = 4096


class DurableCounts:
    """The counts of a service, to which this process adds records.

    `append` writes a record to this process's journal. `fold` counts the records in the journal.
    `totals` adds up all processes of the service.

    If the state folder cannot be used, this process counts in memory. It tries the folder again
    every second. When the folder works, it stores the counts that it made in memory there.

    `append` runs in requests and takes only the journal's lock. All other methods hold a lock of
    this object. A signal handler may call any method while its own thread is inside another one.

    Args:
        baseline: the baseline whose cells are counted.
        state: names the state folder.
        reporter: reports failures. Its own counts are stored with these counts.
        max_bytes: the most bytes that this process's journal may have.
        context: fields that all log records share, or None if there is no log.
        joining: how predictions are joined with labels. None if no labels arrive.
    """

    def __init__(
        self,
        baseline: Baseline,
        state: StateFolder,
        reporter: ErrorReporter,
        max_bytes: int,
        context: LogContext | None = None,
        joining: JoinOptions | None = None,
    ) -> None:
        self._baseline = baseline
        self._state = state
        self._reporter = reporter
        self._max_bytes = max_bytes
        self._context = context
        self._labels = joining
        self._reset()
        call_after_fork(self)

    def _reset(self) -> None:
        """Start without locks, maps or records of another process."""
        # Create a new lock, because another thread of the parent may have held the old one.
        self._lock = LazyLock()
        self._member: GroupMember | None = None
        self._process_context = self._context.for_this_process() if self._context else None
        self._label_join = ProcessJoin(self._labels, self._reporter) if self._labels else None
        memory_join = self._label_join.memory if self._label_join else None
        self._memory = MemoryJournal(self._baseline, self._process_context, self._lock, memory_join)
        self._observer = GroupObserver(self._baseline, self._state, self._reporter, self._labels)
        self._appended = 0
        self._dropped = 0
        self._retry_at = 0.0
        self._folding = False
        self._joining = False

    def after_fork(self) -> None:
        """In a forked process, leave the worker to the parent and start without one."""
        member = self._member
        self._reset()
        if member is not None:
            member.worker.abandon()

    def append(self, record: bytes) -> bool:
        """Take one encoded record.

        Returns:
            Whether to fold soon: this is the first record, or many wait to be counted.
        """
        member = self._member
        if member is None or self._retry_at:
            member = self._rejoin()
        try:
            if member is not None:
                member.worker.journal.append(record)
            else:
                self._append_to_memory(record)
        except OSError as error:
            self._append_after(error, record)
        # Threads may lose an increment here, which only delays a fold.
        self._appended += 1
        return self._appended == 1 or self._appended % _FOLD_AT == 0

    def _rejoin(self) -> GroupMember | None:
        """Return the member that takes records now, or None while the folder cannot be used."""
        if not self._may_retry:
            return None
        self._retry_at = 0.0
        return self._member or self._join()

    def _append_to_memory(self, record: bytes) -> None:
        """Keep a record that no file takes in memory. Count the records there if there are many."""
        self._memory.append(record)
        if self._memory.uncounted > _MAX_UNCOUNTED_IN_MEMORY:
            self.fold()

    def _append_after(self, error: OSError, record: bytes) -> None:
        """Take a record that the journal refused."""
        if isinstance(error, JournalFullError):
            # Requests come faster than the background can count, so this request makes room.
            self.fold()
            try:
                assert self._member is not None
                self._member.worker.journal.append(record)
                return
            except OSError as again:
                error = again
        self._append_to_memory(record)
        if not isinstance(error, JournalBusyError):
            self._fall_back(error)

    def fold(self) -> None:
        """Count the records that were appended before this call."""
        with self._folded(join=self._has_counted):
            return

    def fold_within(self, timeout: float) -> None:
        """Fold, unless another thread keeps the lock for `timeout` seconds."""
        if self._member is None and not self._memory.uncounted:
            return  # nothing was ever counted, so no folder is needed
        if self._lock.acquire(timeout=timeout):
            try:
                self.fold()
            finally:
                self._lock.release()

    def take_dropped(self) -> int:
        """Return how many log records were given up since the last call."""
        with self._lock:
            dropped, self._dropped = self._dropped, 0
            return dropped

    def totals(self) -> Counts:
        """Return the counts of all workers, including every record that this process was given.

        This process becomes a worker, and adopts those that died. Use it for scrapes.
        """
        with self._folded(join=True):
            return self._sum()

    def current(self) -> Counts:
        """Return the same counts, without making this process a worker if it counted nothing.

        Commands that only read may run as another user, whose files the workers could not adopt.
        """
        with self._folded(join=self._has_counted):
            return self._sum()

    @property
    def _has_counted(self) -> bool:
        return self._appended > 0

    @property
    def is_reader(self) -> bool:
        """Whether this process never was a worker."""
        return self._member is None and not self._has_counted

    def own_counts(self) -> Counts:
        """Return what this process has counted, without other workers."""
        with self._lock:
            own = Counts.zero(self._baseline)
            own.add(self._memory.counts)
            if self._member is not None:
                own.add(self._member.worker.counts)
            return own

    def take_examples(self) -> dict[int, str]:
        """Return the type of an invalid value by variable, for values since the last call."""
        with self._lock:
            found = dict(self._memory.examples)
            self._memory.examples.clear()
            if self._member is not None:
                found.update(self._member.worker.examples)
                self._member.worker.examples.clear()
            return found

    def outcomes(self) -> JoinedOutcomes | None:
        """Return what became of all labels, including each one that this process was given.

        As `current` does, this makes no worker of a process that only reads.

        Returns:
            None if no labels are expected.
        """
        if self._label_join is None:
            return None
        with self._folded(join=self._has_counted):
            return self._label_join.totals(self._member or self._observer)

    def outcome_days(self, since: int = 0) -> list[DayOutcomes]:
        """Return the predictions and their labels by the day of the prediction.

        Args:
            since: the first day, in days since 1970.
        """
        if self._label_join is None:
            return []
        with self._folded(join=self._has_counted):
            return self._label_join.days(self._member or self._observer, since)

    def since(self, moment: datetime) -> tuple[datetime, Counts]:
        """Return what all workers counted since the last full hour before a moment.

        Returns:
            The hour, and the counts since then. If that hour is not kept, it is the first hour that
            is. If there is no state folder, the moment itself and all counts.
        """
        totals, history = self.current(), self._history()
        if history is None:
            return moment, totals
        hour, before = history.at(moment)
        return hour, totals.since(before)

    def hours(self, since: datetime | None = None) -> list[tuple[datetime, Counts]]:
        """Return each full hour that is kept with the counts of all workers at its beginning.

        Args:
            since: the first hour, or None for all.
        """
        history = self._history()
        return [] if history is None else list(history.hours(since))

    def _history(self) -> History | None:
        return self._member.history if self._member is not None else self._observer.history()

    @property
    def member(self) -> GroupMember | None:
        """This process's place in the worker group, or None while there is none."""
        return self._member

    def outboxes(self) -> list[Outbox]:
        """Return the outboxes in which log records of this process wait."""
        member = self._member or self._join()
        memory = self._memory.outbox
        return [member.worker.outbox, memory] if member else [memory]

    def adopt(self) -> WorkerGroup | None:
        """Take over the counts of workers that died.

        Returns:
            The worker group, or None while the folder cannot be used.
        """
        with self._lock:
            member = self._member or self._join()
            if member is None:
                return None
            member.adopt()
            return member.group

    @contextlib.contextmanager
    def _folded(self, *, join: bool) -> Generator[None]:
        """Hold the lock for the `with` block, after folding.

        Args:
            join: become a worker first, if this process is none.

        A signal handler gets here while its own thread is folding. The lock lets it in, and it must
        not fold again in the middle; it only reads the counts of the last commit.
        """
        with self._lock:
            if not self._folding:
                self._folding = True
                try:
                    self._fold(join)
                finally:
                    self._folding = False
            yield

    def _fold(self, join: bool) -> None:
        member = self._member or (self._join() if join else None)
        self._dropped += self._memory.fold()
        if member is None:
            return
        try:
            # Checked before counting, so that the counts go into files that others can see.
            if self._may_retry and not member.is_intact():
                self._dropped += self._memory.keep_log_records(member.recreate(self._errors))
            unsaved = self._memory.counts
            member.keep_hour(unsaved)
            member.worker.fold(self._errors, unsaved)
            self._memory.forget_counts()
            self._dropped += member.worker.give_up_oldest()
        except (OSError, CountsFileError) as error:
            self._fall_back(error)
        if self._label_join is not None:
            self._label_join.follow(member)
        # If this fails, the request that needs the segment tries again and reports the error.
        with contextlib.suppress(OSError):
            member.worker.journal.prepare()

    @property
    def _errors(self) -> list[int]:
        return list(self._reporter.counts().values())

    def _sum(self) -> Counts:
        totals = self._memory.counts
        if self._member is None:
            totals.errors += self._errors
            # After a failure to join, the reason is reported already.
            totals.add(self._observer.counts(report=not self._retry_at))
            return totals
        totals.add(self._member.others())
        totals.add(self._member.worker.counts)
        return totals

    def _join(self) -> GroupMember | None:
        """Join the worker group. Return None while the state folder cannot be used."""
        if not self._may_retry:
            return self._member
        with self._lock:
            # If a signal handler interrupts this, it counts in memory.
            if self._member is None and not self._joining:
                self._joining = True
                try:
                    self._member = self._new_member()
                    self._state.remove_stale_runs()
                except (OSError, CountsFileError) as error:
                    self._fall_back(error)
                finally:
                    self._joining = False
            return self._member

    def _new_member(self) -> GroupMember:
        folder = self._state.open_group(self._baseline)
        options = WorkerOptions(
            self._baseline, self._max_bytes, self._process_context, self._lock, self._labels
        )
        return GroupMember(folder, options, self._reporter)

    @property
    def _may_retry(self) -> bool:
        return self._retry_at <= time.monotonic()

    def _fall_back(self, error: Exception) -> None:
        """Count in memory for a while, and report why."""
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        stored = self._member is not None and self._member.worker.journal.byte_size
        if isinstance(error, OSError) and not stored:
            # Nothing was ever stored there, so the folder itself is to blame.
            error = self._state.explained(error)
        self._reporter.count("journal", error)
