"""Counts predictions: a journal that requests append to, and counts folded from it."""

from __future__ import annotations

import threading
from typing import Protocol

from boxkite.baseline import Baseline
from boxkite.baseline.tally import Tally
from boxkite.live.counts import Counts
from boxkite.live.fold import fold
from boxkite.live.journal import Journal, MemoryJournal
from boxkite.live.record import decode

__all__ = ["Counter", "JournalCounter"]

_BATCH = 4096


class Counter(Protocol):
    """What a monitor needs of the counting behind it."""

    def append(self, record: bytes) -> None:
        """Take one encoded record, in the request: microseconds, whatever the number of bins."""

    def tallies(self) -> tuple[list[Tally], int]:
        """Return the counts of each variable, and the predictions, with all that was appended."""

    def close(self, timeout: float) -> None:
        """Count what waits and stop; the counts can still be read."""


class JournalCounter:
    """Folds the journal of this process, in the background and before each reading."""

    def __init__(self, baseline: Baseline, journal: Journal | None = None) -> None:
        self._baseline = baseline
        self._journal = journal or MemoryJournal()
        self._counts = Counts.zero(baseline)
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None
        self._wake = threading.Event()
        self._closing = False

    def append(self, record: bytes) -> None:
        """Take one encoded record; the background folds them by the thousand."""
        self._journal.append(record)
        if len(self._journal) >= _BATCH and not self._wake.is_set():
            self._start()
            self._wake.set()

    def tallies(self) -> tuple[list[Tally], int]:
        """Return the counts of each variable, and the predictions, with all that was appended."""
        with self._lock:
            self._catch_up()
            return self._counts.tallies(), self._counts.predictions

    def close(self, timeout: float) -> None:
        """Stop the background thread, waiting `timeout` seconds at most, and fold what waits."""
        self._closing = True
        self._wake.set()
        if self._worker is not None and self._worker.is_alive():
            self._worker.join(timeout)
        with self._lock:
            self._catch_up()

    def _catch_up(self) -> None:
        """Fold what had been appended when this began."""
        waiting = len(self._journal)
        while waiting > 0:
            batch = self._journal.take(min(_BATCH, waiting))
            fold(self._baseline, [decode(record) for record in batch], self._counts)
            waiting -= len(batch)

    def _start(self) -> None:
        """Start the thread on first use, and again in a forked process, where it is gone."""
        if self._worker is not None and self._worker.is_alive():
            return
        self._worker = threading.Thread(target=self._run, name="boxkite-fold", daemon=True)
        self._worker.start()

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                self._catch_up()
