"""Counts predictions: requests append to a journal, the background folds it into counts."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.live.counts import Counts
from boxkite.live.fold import fold_encoded
from boxkite.live.history import History
from boxkite.live.mapped_journal import JournalBusyError, JournalFullError
from boxkite.live.membership import Membership
from boxkite.live.memory_outbox import MemoryOutbox
from boxkite.live.outbox import LockedOutbox, Outbox
from boxkite.live.population import Population
from boxkite.live.state import StateFolder
from boxkite.live.worker import Worker
from boxkite.system.background import Background
from boxkite.system.lazy_attribute import LazyAttribute

__all__ = ["Counter"]

T = TypeVar("T")

SEGMENT_BYTES = 1 << 21
# A fold costs the same for few records as for some hundred. Scrapes do not wait for it: they fold
# first, and read what other workers have not folded.
_FOLD_SECONDS = 0.5
_FOLD_AT = 512
_RETRY_SECONDS = 1.0
_MAX_UNSAFE = 4096


class Counter:
    """The counting behind one monitor, in this process and with the service's other workers.

    The request appends a record to a mapped journal. A thread folds it within half a second;
    reading the totals folds first. Where the state folder cannot be used the reporter is reported,
    and this process counts in its own memory, trying the folder again each second.

    Args:
        baseline: whose cells are counted.
        state: names the folder.
        reporter: where failures are reported, and whose counts are kept with ours.
        max_bytes: of this worker's journal.
        sync_seconds: how often journal and counts are written to the disk; 0: never.
        terms: gives the terms on which this process logs records; None where there is no log.
        folded: called after each fold, in the background, with what the log lost by it: records
            that were dropped as the journal is full.
        hour_begun: called in the background with the hours that are kept and the one that began,
            if this is the worker that found it first.
    """

    _lock = LazyAttribute(lambda: threading.RLock())

    def __init__(
        self,
        baseline: Baseline,
        state: StateFolder,
        reporter: ErrorReporter,
        max_bytes: int,
        sync_seconds: float = 0.0,
        terms: Callable[[], bytes] | None = None,
        folded: Callable[[int], object] | None = None,
        hour_begun: Callable[[History, datetime], object] | None = None,
    ) -> None:
        self._baseline = baseline
        self._state = state
        self._reporter = reporter
        self._max_bytes = max_bytes
        self._sync_seconds = sync_seconds
        self._new_terms = terms
        self._folded = folded
        self._hour_begun = hour_begun
        self._begin_anew()
        _counters.add(self)

    def _begin_anew(self) -> None:
        """Start with nothing, at first and in a forked process: no lock or map of the parent's."""
        self._member: Membership | None = None
        self._in_memory = Counts.zero(self._baseline)
        self._unsafe: deque[bytes] = deque()
        self._terms = self._new_terms() if self._new_terms is not None else b""
        self._memory = MemoryOutbox(self._terms, self._count_in_memory)
        self._dropped = 0
        self._unfolded = 0
        self._retry_at = 0.0
        Counter._lock.forget(self)
        self._busy = False
        self._joining = False
        self._synced_at = time.monotonic()
        self._background = Background(self._fold_in_background, _FOLD_SECONDS)

    def after_fork(self) -> None:
        """In the child: leave the parent's worker to the parent."""
        member = self._member
        self._reporter.after_fork()
        self._begin_anew()
        if member is not None:
            member.worker.abandon()

    def append(self, record: bytes) -> None:
        """Take one encoded record, in the request."""
        member = self._member
        if member is None or self._retry_at:
            member = self._rejoin()
        try:
            if member is None:
                self._unsafe.append(record)
            else:
                member.worker.journal.append(record)
        except OSError as error:
            self._append_otherwise(record, error)
        self._background.ask()
        self._unfolded += 1
        if self._unfolded == _FOLD_AT:
            self._background.hurry()
        if len(self._unsafe) > _MAX_UNSAFE:
            self._reading(lambda: None)

    def _rejoin(self) -> Membership | None:
        """Return the membership that takes records now; None while the folder cannot be used."""
        if not self._may_retry:
            return None
        self._retry_at = 0.0
        return self._member or self._join()

    def _append_otherwise(self, record: bytes, error: OSError) -> None:
        """Take a record that the journal did not."""
        if isinstance(error, JournalFullError):
            self._make_room(record)
            return
        self._unsafe.append(record)
        if not isinstance(error, JournalBusyError):
            self._fall_back(error)

    def _make_room(self, record: bytes) -> None:
        """Fold a full journal at once: requests came faster than the background counts."""
        self._reading(lambda: None)
        try:
            assert self._member is not None
            self._member.worker.journal.append(record)
        except OSError as error:
            self._unsafe.append(record)
            self._fall_back(error)

    def fold(self) -> None:
        """Count what waits in the journal, and tell what the log lost by it."""
        dropped = self._reading(self._take_dropped)
        if self._folded is not None:
            self._folded(dropped)

    def totals(self) -> Counts:
        """Return the counts of all workers, with everything this one was given, and the errors.

        What a dead worker left is adopted first.
        """
        return self._reading(self._sum)

    def since(self, moment: datetime) -> tuple[datetime, Counts]:
        """Return what all workers counted since the last full hour up to a moment, and that hour.

        Where it is not kept, since the first hour that is, or all.
        """
        totals = self.totals()
        if self._member is None:
            return moment, totals
        hour, before = self._member.history.at(moment)
        return hour, totals.since(before)

    def hours(self, since: datetime | None = None) -> list[tuple[datetime, Counts]]:
        """Return the full hours that are kept, from one on, with the counts of all workers at
        each."""
        member = self._member
        return [] if member is None else list(member.history.hours(since))

    def close(self, timeout: float) -> None:
        """Stop the thread, waiting `timeout` seconds at most, and count what waits.

        A prediction that comes later is counted all the same.
        """
        deadline = time.monotonic() + timeout
        self._background.stop(timeout)
        if self._member is None and not self._unsafe:
            return
        if self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            try:
                self._reading(lambda: None)
            finally:
                self._lock.release()

    def _reading(self, read: Callable[[], T]) -> T:
        """Fold, and then read, alone; a signal handler that comes in between only reads."""
        with self._lock:
            if not self._busy:
                self._busy = True
                try:
                    self._fold()
                finally:
                    self._busy = False
            return read()

    def _count_in_memory(self, **outcomes: int) -> None:
        self._in_memory.add_log(**outcomes)

    def outboxes(self) -> list[Outbox]:
        """Return where this worker's records wait to be shipped."""
        member = self._member or self._join()
        owned: list[Outbox] = [member.worker, self._memory] if member else [self._memory]
        return [LockedOutbox(each, self._lock) for each in owned]

    def adopt(self) -> Population | None:
        """Take over from the workers that died; returns the population, None without a folder.

        Raises:
            OSError: if they cannot be adopted just now.
        """
        with self._lock:
            member = self._member or self._join()
            if member is None:
                return None
            member.population.adopt(member.worker.id)
            return member.population

    def _fold_in_background(self) -> None:
        try:
            self.fold()
            self._sync()
            self._tell_of_hour()
        except Exception as error:  # noqa: BLE001 - the thread outlives any failure
            self._reporter.count("journal", error)

    def _tell_of_hour(self) -> None:
        member = self._member
        begun = member.history.take_begun() if member is not None else None
        if member is not None and begun is not None and self._hour_begun is not None:
            self._hour_begun(member.history, begun)

    def _take_dropped(self) -> int:
        dropped, self._dropped = self._dropped, 0
        return dropped

    def _sync(self) -> None:
        """Write to the disk when it is time; until then come back."""
        if not self._sync_seconds or self._member is None:
            return
        if time.monotonic() - self._synced_at < self._sync_seconds:
            self._background.ask()
            return
        self._member.sync()
        self._synced_at = time.monotonic()

    def _fold(self) -> None:
        self._unfolded = 0
        member = self._member or self._join()
        waiting = [self._unsafe.popleft() for _ in range(len(self._unsafe))]
        fold_encoded(self._baseline, waiting, self._in_memory)
        if self._terms:
            self._dropped += self._memory.extend(waiting)
        if member is None:
            return
        try:
            if self._may_retry and not member.is_at_home():
                self._dropped += self._memory.extend(member.move_house(self._errors))
            member.keep_hour(self._sum)
            member.worker.fold(self._errors, self._in_memory)
            self._in_memory = Counts.zero(self._baseline)
            self._dropped += member.worker.give_up_oldest()
        except OSError as error:
            self._fall_back(error)
        # The request that needs the segment tries again, and reports.
        with contextlib.suppress(OSError):
            member.worker.journal.prepare()

    @property
    def _errors(self) -> list[int]:
        return list(self._reporter.counts().values())

    def _sum(self) -> Counts:
        totals = Counts.zero(self._baseline)
        totals.add(self._in_memory)
        if self._member is None:
            totals.errors[:] = self._errors
            return totals
        totals.add(self._member.others())
        totals.add(self._member.worker.counts)
        return totals

    def _join(self) -> Membership | None:
        """Join the service's workers; None where the state folder cannot be used."""
        if not self._may_retry:
            return self._member
        with self._lock:
            # A signal handler that comes in between counts in memory.
            if self._member is None and not self._joining:
                self._joining = True
                try:
                    folder = self._state.population(self._baseline)
                    arguments = (self._baseline, self._max_bytes, self._terms)
                    new_worker = functools.partial(_new_worker, *arguments)
                    self._member = Membership(folder, self._baseline, new_worker, self._report)
                    self._state.keep_tidy()
                    if self._folded is not None:
                        self._folded(0)  # at the end of a program no thread could be started
                except OSError as error:
                    self._fall_back(error)
                finally:
                    self._joining = False
            return self._member

    @property
    def _report(self) -> Callable[[Exception], None]:
        return functools.partial(self._reporter.count, "journal")

    @property
    def _may_retry(self) -> bool:
        return self._retry_at <= time.monotonic()

    def _fall_back(self, error: Exception) -> None:
        """Count in memory for a while."""
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        self._reporter.count("journal", error)


def _new_worker(baseline: Baseline, max_bytes: int, terms: bytes, folder: Path) -> Worker:
    segment_bytes = min(SEGMENT_BYTES, max(max_bytes // 4, 1))
    return Worker(folder, baseline, segment_bytes, max_bytes, terms)


_counters: weakref.WeakSet[Counter] = weakref.WeakSet()


def _after_fork() -> None:
    for counter in _counters:
        counter.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
