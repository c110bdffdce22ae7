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
from boxkite.live.group_counts import GroupCounts, worker_folders
from boxkite.live.orphaned_journal import OrphanedJournal
from boxkite.live.outcomes.group_join import GroupJoin
from boxkite.live.retired_counts import MERGED, RetiredCounts
from boxkite.live.worker import STAGING
from boxkite.live.worker_folder import ORPHAN, WORKER, WorkerFolder
from boxkite.system.file_lock import release
from boxkite.system.private_folder import make_private

__all__ = ["WorkerGroup"]

_STALE_SECONDS = 60.0


class WorkerGroup:
    """The workers that count into one folder.

    Args:
        folder: the group's folder. It is created if it is missing.
        baseline: the baseline whose cells they count.
        reporter: reports damaged files, which are then left out.
        former: the same group from before its folder was deleted; its retired counts are kept.
        join: joins predictions with labels. None if no labels arrive.

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
        join: GroupJoin | None = None,
    ) -> None:
        self.folder = folder
        make_private(folder)
        kept: RetiredCounts | None = former.retired if former is not None else None
        self.retired: RetiredCounts = RetiredCounts(folder, baseline, reporter, kept)
        self._join = join
        self._counts = GroupCounts(folder, baseline, reporter, self.retired)
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
        return list(worker_folders(self.folder, (ORPHAN,)))

    def others(self, own_id: str) -> Counts:
        """Return the counts of all workers except one. See `GroupCounts.others`."""
        return self._counts.others(own_id)

    def adopt(self, own_id: str) -> None:
        """Merge the counts of every dead worker, including the rest of its journal.

        A folder that cannot be merged does not stop the others from being merged.

        Raises:
            OSError: the first error of a folder that cannot be read or merged now, or a
                `TimeoutError` if another process holds the lock of the retired counts for too long.
            ValueError: likewise, if a file is damaged.
        """
        errors: list[Exception] = []
        for path in worker_folders(self.folder, (WORKER,)):
            if path.name == f"{WORKER}{own_id}":
                continue
            try:
                self._merge_if_dead(WorkerFolder(path))
            except TimeoutError:
                raise  # the next folder would only wait for the same lock
            except (OSError, ValueError) as error:
                errors.append(error)
        try:
            if errors:
                raise errors[0]
        finally:
            # The error refers to this frame. If the frame went on referring to the error, both
            # would live until a garbage collection, and with them the locks of the workers.
            errors.clear()

    def _merge_if_dead(self, folder: WorkerFolder) -> None:
        descriptor = folder.lock_if_dead()
        if descriptor is None:
            return
        try:
            # The merge removes the journal, so its predictions and labels must be joined first.
            if self._join is not None:
                self._join.join_rest(folder)
            self.retired.merge(folder)
        finally:
            release(descriptor)

    def finish(self, orphan: OrphanedJournal) -> None:
        """Remove an orphaned journal that is shipped completely, and keep its outcomes.

        Raises:
            OSError: if that is not possible now.
        """
        self.retired.merge(orphan.folder)
