"""All workers of one service on one baseline: the sum of their counts, and what the dead left.

The folder holds one folder for each living worker, and the counts of all that died, merged:

    retired.counts    counts of the dead
    retired.lock      held while one is merged into it
    worker-<id>/      lock, counts, terms, journal-00000001 …
    left-<id>/        what a dead worker has left to be shipped to the log's sink

A merge commits the new sum together with the dead worker's id, and then removes its folder, or
puts it aside where records of the log wait in it. If that is interrupted, the id tells that the
folder has been counted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from boxkite.baseline import Baseline
from boxkite.live.counts import LOG_OUTCOMES, Counts
from boxkite.live.counts_file import CountsFile, CountsFileError, Progress
from boxkite.live.leftover import COUNTS, Leftover, has_log, log_since_merge
from boxkite.live.peers import acknowledged_counts, left_counts, lock_if_dead
from boxkite.live.worker import STAGING
from boxkite.system.file_lock import release, try_lock

__all__ = ["Population", "put_away_merged"]

_RETIRED = "retired.counts"
_PREFIX = "worker-"
_LEFT = "left-"
_MERGED = ".merged-"
_ATTEMPTS = 1000
_LOCK_SECONDS = 2.0
_STALE_SECONDS = 60.0


class Population:
    """The workers that count into one folder.

    Args:
        folder: theirs; made where it is missing.
        baseline: whose cells they count.
        report: called with what is damaged, which is then left out.
        before: the same population, where somebody deleted its folder; its dead count on.

    Raises:
        OSError: if the folder cannot be made or written.
    """

    def __init__(
        self,
        folder: Path,
        baseline: Baseline,
        report: Callable[[Exception], Any],
        before: Population | None = None,
    ) -> None:
        self.folder = folder
        self._baseline = baseline
        self._report = report
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        zero = Counts.zero(baseline)
        self._path = folder / _RETIRED
        with _retired_lock(folder):
            self.retired = self._open_retired(zero.byte_size)
            kept = before.retired.read() if before is not None else None
            if kept is not None and self.retired.sequence == 0:
                zero.add_bytes(kept.content)
                zero.add_log(dropped=self._deleted(zero))
                self.retired.commit(zero.to_bytes(), Progress(), kept.merged)
            self._sweep()

    def _deleted(self, counts: Counts) -> int:
        """Return how many records of the log that the dead had left are not there any more."""
        missing = counts.log_by_outcome()["pending"]
        for path in self._folders(_LEFT, set()):
            left = Leftover(path)
            shipped = dict(zip(LOG_OUTCOMES, left.log.tolist(), strict=True))
            missing -= shipped["delivered"] + shipped["dropped"] + left.logged()
        return max(0, missing)

    def _open_retired(self, size: int) -> CountsFile:
        path = self._path
        try:
            file = CountsFile(path, size)
        except CountsFileError as error:
            self._report(error)
            path.replace(path.with_name(f".damaged-{time.time_ns():x}-{path.name}"))
            return CountsFile(path, size)
        if not file.repair():
            self._report(CountsFileError(f"{path} was damaged; counts of dead workers are lost"))
        return file

    def is_at_home(self) -> bool:
        """Tell whether the counts of the dead are still where others find them."""
        return self.retired.is_at(self._path)

    def _sweep(self) -> None:
        """Remove what workers left that died while a folder was being made or removed."""
        for path in self.folder.glob(f"{_MERGED}*"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self.folder.glob(f"{STAGING}*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    shutil.rmtree(path, ignore_errors=True)

    def others(self, own_id: str) -> Counts:
        """Return the counts of all workers, living and dead, but for one.

        Raises:
            OSError: if they cannot be read.
            ValueError: if those of a living worker are damaged.
        """
        for _ in range(_ATTEMPTS):
            sequence = self.retired.sequence
            retired = self.retired.read()
            totals = Counts.zero(self._baseline)
            if retired is not None:
                totals.add_bytes(retired.content)
            skipped = {f"{_PREFIX}{own_id}", retired.merged if retired else ""}
            for path in self._folders(_PREFIX, skipped):
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    totals.add(acknowledged_counts(path, self._baseline))
            for path in self._folders(_LEFT, skipped):
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    totals.log += np.frombuffer(log_since_merge(path), dtype="<i8")
            # A worker that was merged meanwhile was read on neither side, or on both.
            if self.retired.sequence == sequence:
                return totals
        raise OSError(f"{self.folder}: its workers die faster than they can be counted")

    def adopt(self, own_id: str) -> None:
        """Merge the counts of every dead worker, with the rest of its journal, and remove it."""
        for path in self._folders(_PREFIX, {f"{_PREFIX}{own_id}"}):
            descriptor = lock_if_dead(path)
            if descriptor is None:
                continue
            try:
                with _retired_lock(self.folder):
                    self._merge(path)
            finally:
                release(descriptor)

    def _merge(self, path: Path) -> None:
        """Merge one dead worker, whose lock and the retired lock are held."""
        retired = self.retired.read()
        if retired is not None and retired.merged:
            _put_away(self.folder / retired.merged)
        if not path.exists():
            return
        counts = self._left_counts(path)
        if retired is not None:
            counts.add_bytes(retired.content)
        self.retired.commit(counts.to_bytes(), Progress(), path.name)
        _put_away(path)

    def _left_counts(self, path: Path) -> Counts:
        """Return all that a folder adds to the counts of the dead."""
        if path.name.startswith(_LEFT):
            counts = Counts.zero(self._baseline)
            counts.log += np.frombuffer(log_since_merge(path), dtype="<i8")
            return counts
        counts = left_counts(path, self._baseline, self._report)
        # Records that were only in memory, or in a damaged segment, will never be delivered.
        waiting = Leftover(path).logged() if has_log(path) else 0
        counts.add_log(dropped=max(0, counts.log_by_outcome()["pending"] - waiting))
        return counts

    def finish(self, left: Leftover) -> None:
        """Remove what a dead worker has left, all of which is shipped; its outcomes stay.

        Raises:
            OSError: if that cannot be done now.
        """
        with _retired_lock(self.folder):
            self._merge(left.folder)

    def _folders(self, prefix: str, skipped: set[str]) -> list[Path]:
        return [path for path in self.folder.glob(f"{prefix}*") if path.name not in skipped]


def put_away_merged(folder: Path) -> bool:
    """Put a dead worker's folder away if it is merged, and whoever did that died before this.

    Args:
        folder: of a worker of any population, whose lock is held.

    Returns:
        Whether it was merged.

    Raises:
        OSError: if that cannot be done now.
    """
    path = folder.parent / _RETIRED
    if not folder.name.startswith(_PREFIX) or not path.exists():
        return False
    with _retired_lock(folder.parent), contextlib.suppress(CountsFileError):
        retired = CountsFile(path).read()
        if retired is not None and retired.merged == folder.name:
            _put_away(folder)
            return True
    return False


def _put_away(path: Path) -> None:
    """Remove a folder that has been merged, or put it aside for the shipper."""
    if path.name.startswith(_PREFIX) and has_log(path):
        left = Leftover(path)
        if left.waiting(1, 1).contents:
            left.forget_outcomes()
            left.trim()
            aside = path.with_name(_LEFT + path.name.removeprefix(_PREFIX))
            path.rename(aside)
            (aside / COUNTS).unlink(missing_ok=True)  # the position stands beside them too
            return
    _discard(path)


def _discard(path: Path) -> None:
    """Remove a folder that has been merged; under another name first, so all at once."""
    merged = path.with_name(_MERGED + path.name)
    with contextlib.suppress(FileNotFoundError):
        path.rename(merged)
    shutil.rmtree(merged, ignore_errors=True)


@contextlib.contextmanager
def _retired_lock(folder: Path) -> Iterator[None]:
    """Hold the lock on the counts of the dead.

    Raises:
        TimeoutError: if somebody else does not let go of it.
    """
    descriptor = os.open(folder / "retired.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock_soon(descriptor, folder)
        yield
    finally:
        release(descriptor)


def _lock_soon(descriptor: int, folder: Path) -> None:
    """Take a lock within two seconds: others hold it for milliseconds, unless they are stopped.

    Raises:
        TimeoutError: if it is not to be had.
    """
    deadline = time.monotonic() + _LOCK_SECONDS
    while not try_lock(descriptor):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{folder}: another process keeps retired.lock")
        time.sleep(0.002)
