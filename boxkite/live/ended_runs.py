"""The folders of runs of a service that have ended, which a later run removes."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

from boxkite.live.orphaned_journal import OrphanedJournal
from boxkite.live.worker_folder import ORPHAN, WORKER, WorkerFolder
from boxkite.system.file_lock import release
from boxkite.system.service_process import is_running

__all__ = ["holds_log_records", "is_abandoned", "remove_own"]

_YOUNG_SECONDS = 60.0

_RUN = re.compile(r"(\d+)-(\d+)-\d+")
"""Name of a run's folder: process, its start time, and ordinal of the monitor."""


def remove_own(root: Path, process: int) -> None:
    """Remove a run's folder at the end of its process.

    It stays if log records wait in it for the next run. A process that was forked from the owner
    inherits this exit handler and must not remove anything.
    """
    if os.getpid() == process and not _holds_records(root):
        shutil.rmtree(root, ignore_errors=True)


def is_abandoned(root: Path) -> bool:
    """Return whether a folder belongs to a run that has ended and left no log records."""
    run = _RUN.fullmatch(root.name)
    if run is None or is_running(int(run[1]), run[2]):
        return False
    try:
        # A young folder may belong to a run that has not created its first worker yet.
        if time.time() - root.stat().st_mtime < _YOUNG_SECONDS:
            return False
    except OSError:
        return False
    try:
        for path in root.glob(f"*/{WORKER}*"):
            descriptor = WorkerFolder(path).lock_if_dead()
            if descriptor is None:
                return False
            release(descriptor)
    except OSError:
        return False
    return not _holds_records(root)


def _holds_records(root: Path) -> bool:
    folders = [*root.glob(f"*/{ORPHAN}*"), *root.glob(f"*/{WORKER}*")]
    return any(holds_log_records(WorkerFolder(path)) for path in folders)


def holds_log_records(folder: WorkerFolder) -> bool:
    """Return whether log records of a dead worker wait in a folder."""
    try:
        return folder.has_log and OrphanedJournal(folder).logged() > 0
    except OSError:
        return False
