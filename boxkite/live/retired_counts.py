"""The counts of all workers of a group that died, merged into one file.

A merge goes through three steps, and a crash between any two of them counts nothing twice and loses
nothing:

1. Commit the new sum together with the name of the worker's folder. From now on, every reader skips
   that folder.
2. Remove the folder, or keep its log records as an orphan if some are not shipped yet.
3. The next merge first repeats step 2 for the folder that the last commit names.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Generator
from pathlib import Path

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.live.counts import Counts
from boxkite.live.counts_file import (
    Committed,
    CountsFile,
    CountsFileError,
    CountsReader,
    Progress,
)
from boxkite.live.group_counts import RETIRED_FILE
from boxkite.live.orphaned_journal import OrphanedJournal
from boxkite.live.worker_folder import ORPHAN, WorkerFolder
from boxkite.system.file_lock import hold_lock

__all__ = ["MERGED", "RetiredCounts", "clear_if_merged"]

MERGED = ".merged-"
"""Prefix of a folder that is being removed."""

_LOCK = "retired.lock"
# Other processes hold the lock for milliseconds, unless they are stopped.
_LOCK_SECONDS = 2.0


class RetiredCounts:
    """The counts of a group's dead workers.

    Args:
        folder: the group's folder, which must exist.
        baseline: the baseline whose cells are counted.
        reporter: reports damaged files, which are then set aside.
        former: the same counts from before the file was deleted, to restore them.

    Raises:
        OSError: if the file cannot be created.
    """

    def __init__(
        self,
        folder: Path,
        baseline: Baseline,
        reporter: ErrorReporter,
        former: RetiredCounts | None = None,
    ) -> None:
        self._folder = folder
        self._path = folder / RETIRED_FILE
        self._baseline = baseline
        self._reporter = reporter
        self._last: Committed | None = None
        with self._locked():
            self._file = self._open(Counts.zero(baseline).byte_size)
            kept = former.last_known() if former is not None else None
            # Another worker may have noticed earlier and restored the counts already.
            if kept is not None and self.sequence == 0:
                self._restore(kept)

    def _open(self, size: int) -> CountsFile:
        path = self._path
        try:
            file = CountsFile(path, size)
        except CountsFileError as error:
            self._reporter.count("journal", error)
            path.replace(path.with_name(f".damaged-{time.time_ns():x}-{path.name}"))
            return CountsFile(path, size)
        if not file.repair():
            lost = f"'{path}' was damaged. The last counts of dead workers are lost."
            self._reporter.count("journal", CountsFileError(lost))
        return file

    @contextlib.contextmanager
    def _locked(self) -> Generator[None]:
        """Hold the lock under which these counts change.

        Raises:
            TimeoutError: if another process holds it for too long.
        """
        with hold_lock(self._folder / _LOCK, _LOCK_SECONDS):
            yield

    @property
    def sequence(self) -> int:
        """Number of the last commit."""
        return self._file.sequence

    def read(self) -> Committed | None:
        """Return the last commit, or None if there is none.

        Raises:
            CountsFileError: if another program cut the file short.
        """
        found = self._file.read()
        self._last = found or self._last
        return found

    def last_known(self) -> Committed | None:
        """Return the last commit, or the last one that was read if the file is damaged since."""
        try:
            return self.read() or self._last
        except CountsFileError:
            return self._last

    def is_intact(self) -> bool:
        """Return whether the file is whole and where other processes find it."""
        return self._file.is_intact(self._path)

    def sync(self) -> None:
        """Write the counts to the disk."""
        self._file.sync()

    def _restore(self, kept: Committed) -> None:
        counts = Counts.from_bytes(self._baseline, kept.content)
        # Orphaned journals may have been deleted too. Their records will never be delivered.
        missing = counts.log_by_outcome()["pending"]
        for path in self._folder.glob(f"{ORPHAN}*"):
            orphan = WorkerFolder(path)
            log = orphan.counts(self._baseline).log_by_outcome()
            missing -= log["delivered"] + log["dropped"] + OrphanedJournal(orphan).logged()
        counts.add_log(dropped=max(0, missing))
        self._file.commit(counts.to_bytes(), Progress(), kept.merged)

    def merge(self, folder: WorkerFolder) -> None:
        """Merge the counts of a dead worker, and remove its folder or make it an orphan.

        The caller must hold the worker's lock.

        Raises:
            OSError: if that is not possible now. The next merge completes it.
        """
        with self._locked():
            retired = self._file.read()
            if retired is not None and retired.merged:
                _clear(WorkerFolder(self._folder / retired.merged))
            if not folder.path.exists():  # another process was faster
                return
            counts = self._left_in(folder)
            if retired is not None:
                counts.add_bytes(retired.content)
            self._file.commit(counts.to_bytes(), Progress(), folder.path.name)
            _clear(folder)

    def _left_in(self, folder: WorkerFolder) -> Counts:
        if folder.is_merged:
            return folder.counts(self._baseline)
        counts, errors = folder.surviving_counts(self._baseline)
        for error in errors:
            self._reporter.count("journal", error)
        # Records that were only in memory, or in a damaged segment, will never be delivered.
        waiting = OrphanedJournal(folder).logged() if folder.has_log else 0
        counts.add_log(dropped=max(0, counts.log_by_outcome()["pending"] - waiting))
        return counts


def clear_if_merged(folder: WorkerFolder) -> bool:
    """Complete the merge of a dead worker if the process that merged it died too early.

    Args:
        folder: the worker, of any group, whose lock the caller holds.

    Returns:
        Whether its counts were merged.

    Raises:
        OSError: if that is not possible now.
    """
    group = folder.path.parent
    path = group / RETIRED_FILE
    if folder.is_merged or not path.exists():
        return False
    with hold_lock(group / _LOCK, _LOCK_SECONDS), contextlib.suppress(CountsFileError):
        retired = CountsReader(path).read()
        if retired is not None and retired.merged == folder.path.name:
            _clear(folder)
            return True
    return False


def _clear(folder: WorkerFolder) -> None:
    """Remove a folder that was merged, or keep its log records as an orphan."""
    if not folder.is_merged and folder.has_log:
        journal = OrphanedJournal(folder)
        if not journal.is_shipped:
            journal.keep_log_only()
            return
    # Rename the folder first, because renaming is atomic and removing is not. No process may
    # find half of a worker.
    removed = folder.path.with_name(MERGED + folder.path.name)
    with contextlib.suppress(FileNotFoundError):
        folder.path.rename(removed)
    shutil.rmtree(removed, ignore_errors=True)
