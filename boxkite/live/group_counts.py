"""Add up the counts of a group's workers from their files, without joining the group."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter, LastingError
from boxkite.live.counts import Counts
from boxkite.live.counts_file import Committed, CountsReader
from boxkite.live.worker_folder import ORPHAN, WORKER, WorkerFolder

__all__ = ["RETIRED_FILE", "GroupCounts", "worker_folders"]

RETIRED_FILE = "retired.counts"
"""The file with the counts of a group's dead workers."""

_ATTEMPTS = 1000
_FOLDERS = (WORKER, ORPHAN)


class Retired(Protocol):
    """The counts of a group's dead workers."""

    @property
    def sequence(self) -> int:
        """Number of the last commit, or 0 if there is none."""
        ...

    def read(self) -> Committed | None:
        """Return the last commit, or None if there is none."""
        ...


class RetiredReader:
    """Read the counts of a group's dead workers from a process outside the group.

    Args:
        folder: the group's folder, which may be missing.
        size: size of the counts in bytes.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self._path = folder / RETIRED_FILE
        self._size = size

    @property
    def sequence(self) -> int:
        """Number of the last commit, or 0 if there is none."""
        file = self._file()
        return 0 if file is None else file.sequence

    def read(self) -> Committed | None:
        """Return the last commit, or None if there is none."""
        file = self._file()
        return None if file is None else file.read()

    def _file(self) -> CountsReader | None:
        # The workers may replace the file, so open it each time.
        try:
            return CountsReader(self._path, self._size)
        except FileNotFoundError:
            return None


class GroupCounts:
    """Add up the counts of a group's workers, living and dead.

    If a worker's folder cannot be read, it is left out and reported. If it could be read before,
    its last known counts stay in the sum, because a counter must not fall.

    Args:
        folder: the group's folder.
        baseline: the baseline whose cells are counted.
        reporter: reports folders that cannot be read.
        retired: counts of the dead workers; None reads them from their file.
    """

    def __init__(
        self,
        folder: Path,
        baseline: Baseline,
        reporter: ErrorReporter,
        retired: Retired | None = None,
    ) -> None:
        self._folder = folder
        self._baseline = baseline
        self._reporter = reporter
        self._retired = retired or RetiredReader(folder, Counts.zero(baseline).byte_size)
        self._known: dict[str, Counts] = {}

    def others(self, own_id: str = "") -> Counts:
        """Return the counts of all workers, living and dead, without one of them.

        Args:
            own_id: id of the worker to leave out; empty to leave none out.

        Raises:
            OSError: if the group's folder or the counts of the dead workers cannot be read.
            CountsFileError: if the counts of the dead workers are damaged.
        """
        for _ in range(_ATTEMPTS):
            sequence, names = self._retired.sequence, self._folder_names()
            totals, failures = self._sum(own_id)
            # If a worker was merged during the sum, the sum may hold it twice or not at all, and
            # its files may have changed while they were read. The same is true if a worker moved
            # its counts to a new folder.
            if self._retired.sequence == sequence and self._folder_names() == names:
                for error in failures:
                    self._reporter.count("journal", error)
                return totals
        raise OSError(f"The workers in '{self._folder}' die faster than they can be counted.")

    def _folder_names(self) -> list[str]:
        try:
            return sorted(each for each in os.listdir(self._folder) if each.startswith(_FOLDERS))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _sum(self, own_id: str) -> tuple[Counts, list[Exception]]:
        totals = Counts.zero(self._baseline)
        retired = self._retired.read()
        skipped = {f"{WORKER}{own_id}"}
        if retired is not None:
            totals.add_bytes(retired.content)
            skipped.add(retired.merged)
        failures: list[Exception] = []
        known: dict[str, Counts] = {}
        for path in worker_folders(self._folder, _FOLDERS, failures):
            if path.name in skipped:
                continue
            try:
                known[path.name] = WorkerFolder(path).counts(self._baseline)
            except (FileNotFoundError, NotADirectoryError):
                continue  # the worker was merged after the folders were listed
            except ValueError as error:
                failures.append(LastingError(f"{error} Its last known counts are shown."))
            except OSError as error:
                failures.append(error)
            if path.name not in known and path.name in self._known:
                known[path.name] = self._known[path.name]
        self._known = known
        for counts in known.values():
            totals.add(counts)
        return totals, failures


def worker_folders(
    group: Path, prefixes: tuple[str, ...], foreign: list[Exception] | None = None
) -> Iterator[Path]:
    """Yield the folders of workers, oldest first. Yield nothing if the group is gone.

    A worker has the same owner as its group. Folders of other users, links and files are skipped.

    Args:
        group: the group's folder.
        prefixes: `WORKER`, `ORPHAN`, or both.
        foreign: receives an error for each entry that is not a folder of the group's owner.

    Raises:
        OSError: if the group's folder cannot be listed.
    """
    try:
        owner = group.stat().st_uid
        paths = sorted(path for path in group.iterdir() if path.name.startswith(prefixes))
    except (FileNotFoundError, NotADirectoryError):
        return
    for path in paths:
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(status.st_mode) and status.st_uid == owner:
            yield path
        elif foreign is not None:
            foreign.append(
                LastingError(
                    f"'{path}' is skipped, because it is not a folder of user {owner}, to whom "
                    f"'{group}' belongs. Its counts are not shown. Remove it, or change its owner."
                )
            )
