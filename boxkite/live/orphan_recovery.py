"""Find the orphaned journals that this service can ship, from this run and earlier ones."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from boxkite.live.durable_counts import DurableCounts
from boxkite.live.group_counts import worker_folders
from boxkite.live.orphaned_journal import OrphanedJournal
from boxkite.live.retired_counts import clear_if_merged
from boxkite.live.state_folder import StateFolder
from boxkite.live.worker_folder import ORPHAN, WORKER, WorkerFolder
from boxkite.live.worker_group import WorkerGroup
from boxkite.system.file_lock import release

__all__ = ["OrphanRecovery"]

_FOLDER_BYTES = 16 << 10
"""Disk space of a folder beside its segments: the folder itself and three small files."""


class OrphanRecovery:
    """The orphaned journals below a state folder.

    Args:
        counts: the counts of this process, which take over the dead workers of its own group.
        state: the state folder. It may hold groups of other baselines as well.
        max_bytes: the most bytes that the orphans of this group may have. Beyond that, the oldest
            are dropped.
    """

    def __init__(self, counts: DurableCounts, state: StateFolder, max_bytes: int) -> None:
        self._counts = counts
        self._state = state
        self._max_bytes = max_bytes

    def claim(self, sink: str) -> Generator[OrphanedJournal, None, None]:
        """Yield the orphaned journals for a sink, the oldest first.

        Each one is locked until the next is requested, so no other process ships it.

        Args:
            sink: the sink's URL or name, as in `LogContext`.

        Raises:
            OSError: if folders cannot be read.
        """
        own = self._counts.adopt()
        for group in self._state.group_folders():
            is_own = own is not None and group == own.folder
            # Ship dead workers of other baselines before their counts are merged, because it may be
            # that no process ever merges them.
            prefixes = (ORPHAN,) if is_own else (ORPHAN, WORKER)
            for path in worker_folders(group, prefixes):
                orphan = _open(WorkerFolder(path), sink)
                if orphan is None:
                    continue
                with contextlib.closing(orphan):
                    if clear_if_merged(orphan.folder):
                        continue  # it has another name now, and the next search finds it
                    if not orphan.is_shipped:
                        yield orphan
                    # Other groups keep the folder, because its outcomes are not in their counts
                    # yet.
                    if own is not None and is_own and orphan.is_shipped:
                        own.finish(orphan)

    def give_up_oldest(self) -> int:
        """Drop the oldest orphans of this group beyond the most bytes that they may have.

        Returns:
            The number of log records that were dropped.
        """
        own = self._counts.adopt()
        if own is None:
            return 0
        dropped = size = 0
        # Go from the youngest to the oldest: orphans may stay until the space is used up.
        for path in reversed(own.orphans()):
            orphan = _open(WorkerFolder(path))
            if orphan is None:
                continue
            with contextlib.closing(orphan):
                size += orphan.byte_size + _FOLDER_BYTES
                if size > self._max_bytes:
                    dropped += _give_up(orphan, own)
        return dropped


def _give_up(orphan: OrphanedJournal, group: WorkerGroup) -> int:
    dropped = 0 if orphan.is_shipped else orphan.give_up()
    group.finish(orphan)
    return dropped


def _open(folder: WorkerFolder, sink: str | None = None) -> OrphanedJournal | None:
    """Lock and open an orphaned journal.

    Args:
        folder: a worker's folder.
        sink: the sink that it must be for, or None for any.

    Returns:
        The journal. None if the worker is alive, has no log or another sink, or if another process
        is shipping it.
    """
    # A folder that cannot be read must not keep the others from being shipped. The sum of the
    # group's counts reports it.
    with contextlib.suppress(OSError):
        if not folder.has_log:
            return None
        if sink is not None:
            context = folder.context()
            if context is None or context.sink != sink:
                return None
        descriptor = folder.lock_if_dead()
        if descriptor is None:
            return None
        try:
            return OrphanedJournal(folder, descriptor)
        except OSError:
            release(descriptor)
    return None
