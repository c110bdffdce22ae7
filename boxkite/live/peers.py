"""What other processes see of a worker: whether it is dead, and all that it has acknowledged."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from boxkite.baseline import Baseline
from boxkite.live.counts import Counts
from boxkite.live.counts_file import START, CountsFile, CountsFileError, Position
from boxkite.live.fold import fold_encoded
from boxkite.live.leftover import COUNTS, LOCK, log_since_merge
from boxkite.live.mapped_journal import segment_numbers, segment_path
from boxkite.live.segment import HEADER_BYTES, SegmentError, intact_records
from boxkite.system.file_lock import try_lock

__all__ = ["acknowledged_counts", "left_counts", "lock_if_dead"]

_BATCH = 512


def lock_if_dead(folder: Path) -> int | None:
    """Take a worker's lock if the worker is dead; returns the open descriptor, else None."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return None
    if try_lock(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def acknowledged_counts(folder: Path, baseline: Baseline) -> Counts:
    """Return all that a living worker has acknowledged: its counts, and the records not yet in
    them. What it commits meanwhile is read again.

    Raises:
        OSError: if a file cannot be read.
        ValueError: if one is damaged, or of another format.
    """
    file = CountsFile(folder / COUNTS, Counts.zero(baseline).byte_size)
    while True:
        sequence = file.sequence
        counts = _counts_and_rest(folder, file, baseline)
        # Segments go once they are committed: without a commit meanwhile none was missed.
        if file.sequence == sequence:
            return counts


def left_counts(folder: Path, baseline: Baseline, report: Callable[[Exception], Any]) -> Counts:
    """Return all that a dead worker has acknowledged; what is damaged is reported and left out.

    Args:
        folder: of the worker, whose lock is held.
        baseline: whose cells are counted.
        report: called with what is wrong.

    Raises:
        OSError: if a file cannot be read.
    """
    path = folder / COUNTS
    try:
        file = CountsFile(path, Counts.zero(baseline).byte_size)
        if not file.repair():
            report(ValueError(f"{path} was damaged; counts of a dead worker are lost"))
        return _counts_and_rest(folder, file, baseline, report)
    except CountsFileError as error:
        report(error)
        return _counts_and_rest(folder, None, baseline, report)


def _counts_and_rest(
    folder: Path,
    file: CountsFile | None,
    baseline: Baseline,
    report: Callable[[Exception], Any] | None = None,
) -> Counts:
    """Return what is committed, with the records after it."""
    committed = file.read() if file else None
    counts, position = Counts.zero(baseline), START
    if committed is not None:
        counts.add_bytes(committed.content)
        position = committed.progress.folded
    counts.log += np.frombuffer(log_since_merge(folder), dtype="<i8")
    for contents in _after(folder, position, report):
        fold_encoded(baseline, contents, counts)
    return counts


def _after(
    folder: Path, position: Position, report: Callable[[Exception], Any] | None
) -> Iterator[list[bytes]]:
    """Yield the records in a worker's journal after a position, in batches."""
    for number in segment_numbers(folder):
        if number < position.segment:
            continue
        start = position.offset if number == position.segment else HEADER_BYTES
        try:
            contents, _ = intact_records(segment_path(folder, number), number, start)
        except FileNotFoundError:
            continue
        except SegmentError as error:
            if report is None:
                raise
            report(error)
            continue
        for first in range(0, len(contents), _BATCH):
            yield contents[first : first + _BATCH]
