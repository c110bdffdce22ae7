"""The state folder: where the workers of one service, and of no other, find each other."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
import tempfile
import time
import weakref
from pathlib import Path

import numpy as np

from boxkite.baseline import Baseline, NumericVariable
from boxkite.live.counts_file import FORMAT
from boxkite.live.orphaned_journal import OrphanedJournal
from boxkite.live.worker_folder import ORPHAN, WORKER, WorkerFolder
from boxkite.system.file_lock import release, require_locks
from boxkite.system.service_process import is_running, service_process

__all__ = ["StateFolder"]

_YOUNG_SECONDS = 60.0

_ordinals = itertools.count()

_RUN = re.compile(r"(\d+)-(\d+)-\d+")
"""Name of a run's folder: process, its start time, and ordinal of the monitor."""


class StateFolder:
    """Name the folders of a monitor.

    With the setting `STATE_DIR`, they are below that folder, and counting continues where the last
    run of the service stopped. Without it, they are below a temporary folder and belong to one run
    of the service. The workers of a run find each other by the process that started them.

    Args:
        setting: the setting `STATE_DIR`, or None.
    """

    def __init__(self, setting: str | None) -> None:
        self._setting = setting
        # All workers of a service create their monitors in the same order.
        self._ordinal = next(_ordinals)

    def remove_stale_runs(self) -> None:
        """Without `STATE_DIR`, remove the folders of runs that have ended.

        The folder of this run is removed when the process that names it ends. If that process is
        killed, a later run removes the folder.
        """
        if self._setting:
            return
        root = self._root()
        if root.name.partition("-")[0] == str(os.getpid()):
            weakref.finalize(self, _remove_own, root, os.getpid())
        # Look at all runs of this user, because no other program cleans up after a killed run.
        for other in root.parent.iterdir():
            if other != root and _is_abandoned(other):
                shutil.rmtree(other, ignore_errors=True)

    def group_folder(self, baseline: Baseline) -> Path:
        """Return the folder of the workers that count into this baseline's cells.

        Raises:
            OSError: if the system has no file locks, or the temporary folder cannot be used.
        """
        require_locks()
        # The format is part of the name, so files of another format are left alone.
        digest = hashlib.sha256(f"{FORMAT}\0{baseline.model}\0{baseline.version}".encode())
        for variable in baseline.variables:
            if isinstance(variable, NumericVariable):
                limits = np.array([*variable.edges, variable.minimum, variable.maximum])
                cells = limits.tobytes()
            else:
                cells = repr(variable.categories).encode()
            digest.update(f"\0{variable.role}\0{variable.name}\0".encode() + cells)
        model = re.sub(r"[^A-Za-z0-9_-]+", "_", baseline.model)[:40]
        return self._root() / f"{model}-{digest.hexdigest()[:16]}"

    def log_folder(self) -> Path:
        """Return the folder of a log whose URL does not name a folder.

        Raises:
            OSError: if the temporary folder cannot be used.
        """
        return (Path(self._setting) if self._setting else _temporary_root()) / "log"

    def group_folders(self) -> list[Path]:
        """Return the folders of all worker groups, including other baselines and ended runs.

        Raises:
            OSError: if they cannot be listed.
        """
        root = self._root()
        runs = [root] if self._setting else list(root.parent.iterdir())
        return [folder for run in runs for folder in _inside(run)]

    def _root(self) -> Path:
        if self._setting:
            return Path(self._setting)
        return _temporary_root() / f"{service_process()}-{self._ordinal}"


def _inside(folder: Path) -> list[Path]:
    """Return the content of a folder, or an empty list if another process has removed it."""
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _remove_own(root: Path, process: int) -> None:
    """Remove a run's folder at the end of its process.

    It stays if log records wait in it for the next run. A process that was forked from the owner
    inherits this exit handler and must not remove anything.
    """
    if os.getpid() == process and not _holds_records(root):
        shutil.rmtree(root, ignore_errors=True)


def _is_abandoned(root: Path) -> bool:
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
    for path in root.glob(f"*/{WORKER}*"):
        descriptor = WorkerFolder(path).lock_if_dead()
        if descriptor is None:
            return False
        release(descriptor)
    return not _holds_records(root)


def _holds_records(root: Path) -> bool:
    folders = [*root.glob(f"*/{ORPHAN}*"), *root.glob(f"*/{WORKER}*")]
    return any(_waits(WorkerFolder(path)) for path in folders)


def _waits(folder: WorkerFolder) -> bool:
    """Return whether log records of a dead worker wait in a folder."""
    try:
        return folder.has_log and OrphanedJournal(folder).logged() > 0
    except OSError:
        return False


def _temporary_root() -> Path:
    """Return a folder that this user owns and no other user can write to.

    Raises:
        OSError: if another user owns it or can write to it.
    """
    user = os.getuid() if hasattr(os, "getuid") else "user"
    root = _temporary_base() / f"boxkite-{user}"
    root.mkdir(mode=0o700, exist_ok=True)
    status = root.lstat()
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        raise PermissionError(
            f"Other users can write to '{root}'. Set STATE_DIR to a folder of your own."
        )
    return root


def _temporary_base() -> Path:
    """Return the folder for temporary files: `TMPDIR` if it is set, otherwise /var/tmp.

    /var/tmp is kept across a reboot, and /tmp often is not.
    """
    for folder in (os.environ.get("TMPDIR"), "/var/tmp"):
        if folder and os.access(folder, os.W_OK):
            return Path(folder)
    # Use tempfile only as the last resort, because it searches under a lock. A process that is
    # forked while another thread holds that lock could never take it.
    return Path(tempfile.gettempdir())
