"""Counts predictions: requests append to a journal, the background folds it into counts."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from boxkite.baseline import Baseline
from boxkite.live.background import Background
from boxkite.live.counts import Counts
from boxkite.live.fold import fold
from boxkite.live.mapped_journal import JournalFullError
from boxkite.live.record import decode
from boxkite.live.state import StateFolder
from boxkite.trouble import Trouble

try:
    from boxkite.live.population import Population
    from boxkite.live.worker import Worker
except ModuleNotFoundError as _error:  # Windows has no flock
    if _error.name != "fcntl":
        raise

__all__ = ["Counter"]

T = TypeVar("T")

SEGMENT_BYTES = 1 << 20
_FOLD_SECONDS = 0.1
_RETRY_SECONDS = 1.0


class Counter:
    """The counting behind one monitor, in this process and with the service's other workers.

    The request appends a record to a mapped journal. A thread folds it within 0.2 seconds; reading
    the totals folds first. Where the state folder cannot be used the trouble is reported, and this
    process counts in its own memory, trying the folder again each second.

    Args:
        baseline: whose cells are counted.
        state: names the folder.
        trouble: where failures are reported, and whose counts are kept with ours.
        max_bytes: of this worker's journal.
    """

    def __init__(
        self, baseline: Baseline, state: StateFolder, trouble: Trouble, max_bytes: int
    ) -> None:
        self._baseline = baseline
        self._state = state
        self._trouble = trouble
        self._max_bytes = max_bytes
        self._begin_anew()
        _counters.add(self)

    def _begin_anew(self) -> None:
        """Start with nothing, at first and in a forked process: no lock or map of the parent's."""
        self._worker: Worker | None = None
        self._population: Population | None = None
        self._others = Counts.zero(self._baseline)
        self._in_memory = Counts.zero(self._baseline)
        self._unsafe: deque[bytes] = deque()
        self._retry_at = 0.0
        self._lock = threading.RLock()
        self._busy = False
        self._background = Background(self._fold_in_background, _FOLD_SECONDS)

    def after_fork(self) -> None:
        """In the child: leave the parent's worker to the parent."""
        worker = self._worker
        self._trouble.after_fork()
        self._begin_anew()
        if worker is not None:
            worker.abandon()

    def append(self, record: bytes) -> None:
        """Take one encoded record, in the request."""
        worker = self._worker or self._join()
        try:
            if worker is None or self._retry_at > time.monotonic():
                self._unsafe.append(record)
            else:
                worker.journal.append(record)
        except JournalFullError:
            self._make_room(record)
        except OSError as error:
            self._unsafe.append(record)
            self._fall_back(error)
        self._background.ask()

    def _make_room(self, record: bytes) -> None:
        """Fold a full journal at once: requests came faster than the background counts."""
        self._reading(lambda: None)
        try:
            assert self._worker is not None
            self._worker.journal.append(record)
        except OSError as error:
            self._unsafe.append(record)
            self._fall_back(error)

    def totals(self) -> Counts:
        """Return the counts of all workers, with everything this one was given, and the errors.

        What a dead worker left is adopted first.
        """
        return self._reading(self._sum)

    def close(self, timeout: float) -> None:
        """Stop the thread, waiting `timeout` seconds at most, and count what waits.

        A prediction that comes later is counted all the same.
        """
        self._background.stop(timeout)
        if self._worker is not None or self._unsafe:
            self._reading(lambda: None)

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

    def _fold_in_background(self) -> None:
        try:
            self._reading(lambda: None)
        except Exception as error:  # noqa: BLE001 - the thread outlives any failure
            self._trouble.count("journal", error)

    def _fold(self) -> None:
        worker = self._worker or self._join()
        waiting = [self._unsafe.popleft() for _ in range(len(self._unsafe))]
        fold(self._baseline, [decode(record) for record in waiting], self._in_memory)
        if worker is None:
            return
        try:
            if not worker.folder.is_dir():
                worker = self._move_house(worker)
            worker.fold(list(self._trouble.counts().values()))
            worker.journal.prepare()
        except OSError as error:
            self._fall_back(error)

    def _sum(self) -> Counts:
        """Return the totals; of the others as they were last, where they cannot be read."""
        own = self._worker
        if own is not None and self._population is not None:
            try:
                self._population.adopt(own.id)
                self._others = self._population.others(own.id)
            except (OSError, ValueError) as error:
                self._fall_back(error)
        totals = Counts.zero(self._baseline)
        for part in (self._others, self._in_memory, *([own.counts] if own else [])):
            totals.add(part)
        if own is None:
            totals.errors[:] = list(self._trouble.counts().values())
        return totals

    def _join(self) -> Worker | None:
        """Join the service's workers; None where the state folder cannot be used."""
        with self._lock:
            if self._worker is None and self._retry_at <= time.monotonic():
                try:
                    folder = self._state.population(self._baseline)
                    self._population = Population(folder, self._baseline)
                    self._worker = Worker(folder, self._baseline, SEGMENT_BYTES, self._max_bytes)
                    self._state.keep_tidy(self._worker)
                except NameError:
                    self._fall_back(
                        OSError("this system has no flock: counts end with the process")
                    )
                except (OSError, ValueError) as error:
                    self._fall_back(error)
            return self._worker

    def _move_house(self, worker: Worker) -> Worker:
        """Take a new folder with the same counts where somebody deleted the old one."""
        worker.fold(list(self._trouble.counts().values()))
        assert self._population is not None
        folder = self._population.folder
        self._trouble.count("journal", FileNotFoundError(f"{worker.folder} was deleted"))
        self._population = Population(folder, self._baseline, before=self._population)
        self._worker = Worker(folder, self._baseline, SEGMENT_BYTES, self._max_bytes)
        self._worker.counts.add(worker.counts)
        worker.abandon()
        return self._worker

    def _fall_back(self, error: Exception) -> None:
        """Count in memory for a while."""
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        self._trouble.count("journal", error)


_counters: weakref.WeakSet[Counter] = weakref.WeakSet()


def _after_fork() -> None:
    for counter in _counters:
        counter.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
