"""The thread of one monitor that counts the records in the journal."""

from __future__ import annotations

import time
from typing import Protocol

from boxkite.error_reporter import ErrorReporter
from boxkite.live.durable_counts import DurableCounts
from boxkite.live.misfit_report import MisfitReport
from boxkite.live.verdict_changes import VerdictChanges
from boxkite.system.background import Background
from boxkite.system.forks import call_after_fork

__all__ = ["Log", "PredictionCounter"]

# Counting a few records costs as much as counting a few hundred, so the thread counts only twice a
# second. A scrape does not depend on it, because it counts all workers' waiting records itself.
_FOLD_SECONDS = 0.5


class Log(Protocol):
    """The log that follows the counting."""

    def ask(self) -> None:
        """Ship the waiting records soon, in the background. This must not block."""

    def folded(self) -> None:
        """Ship the counted records, and report records that the journal had to give up."""


class PredictionCounter:
    """Append records, and count them in the background within half a second.

    Args:
        counts: the counts to which records are added.
        reporter: reports failures in the background.
        sync_seconds: how often journal and counts are written to the disk. 0 leaves that to the
            system.
        log: ships the records once they are counted. None if there is no log.
        verdict_changes: compares each hour that is over. None if no receiver needs it.
        misfits: logs values that do not fit. None for no one.
    """

    def __init__(
        self,
        counts: DurableCounts,
        reporter: ErrorReporter,
        sync_seconds: float = 0.0,
        log: Log | None = None,
        verdict_changes: VerdictChanges | None = None,
        misfits: MisfitReport | None = None,
    ) -> None:
        self._counts = counts
        self._reporter = reporter
        self._sync_seconds = sync_seconds
        self._log = log
        self._verdict_changes = verdict_changes
        self._misfits = misfits
        self._begin()
        call_after_fork(self)

    def _begin(self) -> None:
        self._background = Background(self, _FOLD_SECONDS)
        self._synced_at = time.monotonic()

    def after_fork(self) -> None:
        """In a forked process, start a thread of its own when it is needed."""
        self._begin()

    def append(self, record: bytes) -> None:
        """Take one encoded record, in the request. When this returns, it will be counted."""
        if self._counts.append(record):
            self._background.hurry()
            if self._log is not None:
                # Start the log's thread with the first record, because Python starts no thread once
                # the program ends.
                self._log.ask()
        else:
            self._background.ask()

    def run_in_background(self) -> None:
        """Count the waiting records, and then ship them and check for verdict changes."""
        try:
            self._counts.fold()
            if self._log is not None:
                self._log.folded()
            if self._misfits is not None:
                self._misfits.look()
            self._sync()
            self._look_at_hour()
        except Exception as error:  # noqa: BLE001 - the thread must survive any failure
            self._reporter.count("journal", error)

    def _sync(self) -> None:
        member = self._counts.member
        if not self._sync_seconds or member is None:
            return
        if time.monotonic() - self._synced_at < self._sync_seconds:
            self._background.ask()  # return when it is time, even without further requests
            return
        member.sync()
        self._synced_at = time.monotonic()

    def _look_at_hour(self) -> None:
        member = self._counts.member
        begun = member.history.take_begun() if member is not None else None
        if member is not None and begun is not None and self._verdict_changes is not None:
            self._verdict_changes.hour_begun(member.history, begun)

    def close(self, timeout: float) -> None:
        """Stop the thread and count the waiting records, within `timeout` seconds.

        A prediction that comes later is counted as well.
        """
        deadline = time.monotonic() + timeout
        self._background.stop(timeout)
        self._counts.fold_within(max(0.0, deadline - time.monotonic()))
