"""The state folder, in which the workers of one service find each other and no other service."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import shutil
import weakref
from pathlib import Path

import numpy as np

from boxkite.baseline import Baseline, NumericVariable
from boxkite.error_reporter import LastingError
from boxkite.live.counts_file import FORMAT
from boxkite.live.ended_runs import is_abandoned, remove_own
from boxkite.live.state_errors import is_clear, reason_of, unusable
from boxkite.live.temporary_folder import temporary_root
from boxkite.system.file_lock import require_locks
from boxkite.system.private_folder import make_private, require_private, use_given
from boxkite.system.service_process import service_process

__all__ = ["StateFolder"]

_ordinals = itertools.count()

_GROUP = re.compile(r"-[0-9a-f]{16}$")
"""End of the name of a group's folder."""

_LOG = "log"


class StateFolder:
    """Name, create and check the folders of a monitor.

    If `STATE_DIR` is set, the folders are below it, and counting continues where the last run of
    the service stopped. Otherwise, they are below a temporary folder and belong to one run of the
    service. Their name contains the process that started the workers, so the workers of a run find
    each other.

    Args:
        setting: the setting `STATE_DIR`, or None.
    """

    def __init__(self, setting: str | None) -> None:
        self._setting = _absolute(setting) if setting else None
        # All workers of a service create their monitors in the same order.
        self._ordinal = next(_ordinals)

    @property
    def place(self) -> str:
        """Place of the state, for a log line. This creates nothing."""
        if self._setting:
            return str(self._setting)
        try:
            return f"{temporary_root()} until the service ends"
        except OSError:
            return "memory only"

    def remove_stale_runs(self) -> None:
        """Remove the folders of runs that have ended, unless `STATE_DIR` is set.

        The folder of this run is removed when the process that names it ends. If that process is
        killed, a later run removes the folder.
        """
        if self._setting:
            return
        root = self._root()
        if root.name.partition("-")[0] == str(os.getpid()):
            weakref.finalize(self, remove_own, root, os.getpid())
        # Look at all runs of this user, because nothing else cleans up after a killed run.
        for other in _inside(root.parent):
            if other != root and is_abandoned(other):
                shutil.rmtree(other, ignore_errors=True)

    def group_folder(self, baseline: Baseline) -> Path:
        """Return the folder of the workers that count into this baseline's cells.

        This creates nothing, so that a process can read the counts without becoming a worker.

        Raises:
            LastingError: if no temporary folder can be used.
        """
        return self._root() / _group_name(baseline)

    def open_group(self, baseline: Baseline) -> Path:
        """Create the folder of the workers if it is missing, check its owner, and return it.

        Raises:
            OSError: if the system has no file locks.
            LastingError: if the folder cannot be created, or is not safe from other users.
        """
        require_locks()
        try:
            group = self._open_root() / _group_name(baseline)
            make_private(group)
        except OSError as error:
            if is_clear(error):
                raise
            raise self.explained(error) from error
        return group

    def log_folder(self) -> Path:
        """Return the folder of the default log. This creates nothing.

        Raises:
            LastingError: if no temporary folder can be used.
        """
        return (self._setting or temporary_root()) / _LOG

    def open_log_folder(self) -> Path:
        """Create the folder of the default log, except for its last part, and check it.

        Raises:
            LastingError: if the folder cannot be created, or is not safe from other users.
        """
        log = self._open_outer() / _LOG
        try:
            require_private(log)
        except FileNotFoundError:
            pass  # the log's first file creates it
        except OSError as error:
            raise LastingError(
                f"Cannot write the log, because {reason_of(error)}. Its records wait in the "
                "journal. Remove that folder or change its owner, or give the log another place by "
                "LOG."
            ) from error
        return log

    def open_rejected_file(self) -> Path:
        """Create the folder of the file with rejected log records, and return its path.

        Raises:
            LastingError: if the folder cannot be created, or is not safe from other users.
        """
        return self._open_outer() / "rejected.jsonl"

    def group_folders(self) -> list[Path]:
        """Return the folders of all worker groups, including other baselines and ended runs.

        Folders of other users and unrelated files are left out.
        """
        try:
            root = self._root()
        except LastingError:
            return []  # whoever counts reports it
        runs = [root] if self._setting else _inside(root.parent)
        return [folder for run in runs for folder in _inside(run) if _GROUP.search(folder.name)]

    def explained(self, error: OSError) -> OSError:
        """Return an error that says what to do, if another folder solves the problem.

        Args:
            error: why the folder, or a file in it, cannot be used.

        Returns:
            A `LastingError`, or the error itself if it has another cause.
        """
        if is_clear(error):
            return error
        if error.errno is None:
            return unusable([str(error)])
        try:
            # Leave out the name of the file. It would make each attempt look like a new error.
            return unusable([f"'{self._setting or temporary_root()}': {error.strerror}"])
        except LastingError as none_left:
            return none_left

    def _root(self) -> Path:
        """Return the folder of the worker groups of this run."""
        if self._setting:
            return Path(os.path.realpath(self._setting))
        return temporary_root() / f"{service_process()}-{self._ordinal}"

    def _open_root(self) -> Path:
        root = self._open_outer()
        if not self._setting:
            root = root / f"{service_process()}-{self._ordinal}"
            make_private(root)
        return root

    def _open_outer(self) -> Path:
        """Create the outermost folder if it is missing, and check it."""
        try:
            if self._setting:
                return use_given(self._setting)
            root = temporary_root()
            make_private(root, strict=True)
        except OSError as error:
            if is_clear(error):
                raise
            raise self.explained(error) from error
        return root


def _absolute(setting: str) -> Path:
    # Make the path absolute now, because the program may change its working directory later. If the
    # working directory was deleted, there is no absolute path, and the folder cannot be used.
    with contextlib.suppress(FileNotFoundError):
        return Path(os.path.abspath(setting))
    return Path(setting)


def _group_name(baseline: Baseline) -> str:
    # The format is part of the name, so that boxkite leaves files of another format alone.
    digest = hashlib.sha256(f"{FORMAT}\0{baseline.model}\0{baseline.version}".encode())
    for variable in baseline.counted_variables:
        if isinstance(variable, NumericVariable):
            limits = np.array([*variable.edges, variable.minimum, variable.maximum])
            cells = limits.tobytes()
        else:
            cells = repr(variable.categories).encode()
        name = f"\0{variable.role}\0{variable.name}\0{variable.segment}"
        digest.update(name.encode() + cells)
    for pairs in baseline.outcomes.pairs if baseline.outcomes is not None else ():
        # The same cells may hold a score or a number, and the threshold cuts a bin in two.
        digest.update(f"\0{pairs.output}\0{pairs.kind}\0{pairs.threshold}".encode())
    model = re.sub(r"[^A-Za-z0-9_-]+", "_", baseline.model)[:40]
    return f"{model}-{digest.hexdigest()[:16]}"


def _inside(folder: Path) -> list[Path]:
    """Return this user's folders in a folder; none if it is gone or cannot be read."""
    found: list[Path] = []
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):
                require_private(path)
                found.append(path)
    return found
