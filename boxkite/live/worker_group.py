"""All workers of one service on one baseline, living and dead, and the sum of their counts.

The group's folder holds a folder for each living worker, and the merged counts of dead workers:

    retired.counts      counts of dead workers
    retired.lock        held while a worker's counts are added to them
    worker-<id>/        a worker, see `WorkerFolder`
    orphan-<id>/        a dead worker, merged, with log records that are not shipped yet
"""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.live.counts import Counts
from boxkite.live.orphaned_journal import OrphanedJournal
from boxkite.live.retired_counts import MERGED, RetiredCounts
from boxkite.live.worker import STAGING
from boxkite.live.worker_folder import ORPHAN, WORKER, WorkerFolder
from boxkite.system.file_lock import release

__all__ = ["WorkerGroup"]

_ATTEMPTS = 1000
_STALE_SECONDS = 60.0


class WorkerGroup:
    """The workers that count into one folder.

    Args:
        folder: the group's folder. It is created if it is missing.
        baseline: the baseline whose cells they count.
        reporter: reports damaged files, which are then left out.
        former: the same group from before its folder was deleted; its retired counts are kept.

    Attributes:
        folder: the group's folder.
        retired: counts of the dead workers.

    Raises:
        OSError: if the folder cannot be created or written.
    """

    def __init__(
        self,
        folder: Path,
        baseline: Baseline,
        reporter: ErrorReporter,
        former: WorkerGroup | None = None,
    ) -> None:
        self.folder = folder
        self._baseline = baseline
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept: RetiredCounts | None = former.retired if former is not None else None
        self.retired: RetiredCounts = RetiredCounts(folder, baseline, reporter, kept)
        self._remove_unfinished()

    def _remove_unfinished(self) -> None:
        """Remove folders of processes that died while they created or removed one."""
        for path in self.folder.glob(f"{MERGED}*"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self.folder.glob(f"{STAGING}*"):
            with contextlib.suppress(OSError):
                # A young folder may belong to a worker that is just starting.
                if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    shutil.rmtree(path, ignore_errors=True)

    def orphans(self) -> list[Path]:
        """Return the folders of orphaned journals, the oldest first."""
        return sorted(self.folder.glob(f"{ORPHAN}*"))

    def others(self, own_id: str) -> Counts:
        """Return the counts of all workers except one, living and dead.

        Raises:
            OSError: if they cannot be read.
            ValueError: if the counts of a living worker are damaged.
        """
        for _ in range(_ATTEMPTS):
            sequence = self.retired.sequence
            try:
                totals = self._sum(own_id)
            except ValueError:
                # The worker may have died, and its file changed while it was merged.
                if self.retired.sequence == sequence:
                    raise
                continue
            # If a worker was merged during the sum, the sum may hold it twice or not at all.
            if self.retired.sequence == sequence:
                return totals
        raise OSError(f"The workers in '{self.folder}' die faster than they can be counted.")

    def _sum(self, own_id: str) -> Counts:
        totals = Counts.zero(self._baseline)
        retired = self.retired.read()
        skipped = {f"{WORKER}{own_id}"}
        if retired is not None:
            totals.add_bytes(retired.content)
            skipped.add(retired.merged)
        for path in [*self._workers(), *self.orphans()]:
            if path.name not in skipped:
                # If a folder is gone, its worker was merged after the folders were listed.
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    totals.add(WorkerFolder(path).counts(self._baseline))
        return totals

    def adopt(self, own_id: str) -> None:
        """Merge the counts of every dead worker, including the rest of its journal.

        Raises:
            OSError: if a folder cannot be read or merged now.
        """
        for path in self._workers():
            if path.name == f"{WORKER}{own_id}":
                continue
            folder = WorkerFolder(path)
            descriptor = folder.lock_if_dead()
            if descriptor is None:
                continue
            try:
                self.retired.merge(folder)
            finally:
                release(descriptor)

    def finish(self, orphan: OrphanedJournal) -> None:
        """Remove an orphaned journal that is shipped completely, and keep its outcomes.

        Raises:
            OSError: if that is not possible now.
        """
        self.retired.merge(orphan.folder)

    def _workers(self) -> list[Path]:
        return list(self.folder.glob(f"{WORKER}*"))
