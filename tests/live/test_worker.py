"""One worker's folder: what was appended is in the counts once, whoever does the counting."""

import fcntl
import gc
import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from boxkite import Baseline
from boxkite.error_reporter import STAGES
from boxkite.live import worker_folder as module
from boxkite.live.counts import Counts
from boxkite.live.mapped_journal import segment_numbers, segment_path
from boxkite.live.record import Record, encode
from boxkite.live.worker import Worker
from boxkite.live.worker_folder import WorkerFolder
from boxkite.system.file_lock import release

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2)
NO_ERRORS = [0] * len(STAGES)


def record(value: Any = 1.0) -> bytes:
    return encode(Record("id", 1, [value], None))


def new_worker(folder: Path, segment_bytes: int = 200) -> Worker:
    return Worker(folder, BASELINE, segment_bytes, 1 << 20)


def append(worker: Worker, number: int) -> None:
    for _ in range(number):
        worker.journal.append(record())


def test_folding_counts_each_record_once_and_removes_what_is_counted(tmp_path: Path) -> None:
    worker = new_worker(tmp_path)
    for total in (1000, 1001, 1001):
        append(worker, total - worker.counts.predictions)
        worker.fold(NO_ERRORS)
        assert worker.counts.predictions == total
        assert int(worker.counts.cells.sum()) == total
        assert len(segment_numbers(worker.folder)) == 1
        assert WorkerFolder(worker.folder).counts(BASELINE).to_bytes() == worker.counts.to_bytes()


def test_folding_nothing_commits_nothing(tmp_path: Path) -> None:
    worker = new_worker(tmp_path)
    append(worker, 3)
    worker.fold(NO_ERRORS)
    before = (worker.folder / "counts").read_bytes()
    worker.fold(NO_ERRORS)
    assert (worker.folder / "counts").read_bytes() == before


def test_errors_and_what_is_not_in_the_journal_are_committed_with_the_counts(
    tmp_path: Path,
) -> None:
    worker = new_worker(tmp_path)
    append(worker, 2)
    more = Counts.zero(BASELINE)
    more.predictions = 5
    errors = list(range(len(STAGES)))
    worker.fold(errors, more)
    found = WorkerFolder(worker.folder).counts(BASELINE)
    assert (found.predictions, found.errors.tolist()) == (7, errors)


def test_others_see_records_before_they_are_folded(tmp_path: Path) -> None:
    worker = new_worker(tmp_path)
    append(worker, 10)
    worker.fold(NO_ERRORS)
    append(worker, 10)
    assert WorkerFolder(worker.folder).counts(BASELINE).predictions == 20
    assert worker.counts.predictions == 10


def test_a_living_worker_is_never_taken_for_dead_and_an_abandoned_one_is(tmp_path: Path) -> None:
    worker = new_worker(tmp_path)
    assert WorkerFolder(worker.folder).lock_if_dead() is None
    worker.abandon()
    worker.abandon()
    lock = WorkerFolder(worker.folder).lock_if_dead()
    assert lock is not None
    assert WorkerFolder(worker.folder).lock_if_dead() is None
    release(lock)


def test_a_worker_that_nobody_holds_any_more_gives_its_lock_back(tmp_path: Path) -> None:
    folder = new_worker(tmp_path).folder
    lock = WorkerFolder(folder).lock_if_dead()
    assert lock is not None
    release(lock)


def test_a_folder_without_a_lock_or_gone_is_nobody_s(tmp_path: Path) -> None:
    assert WorkerFolder(tmp_path).lock_if_dead() is None
    assert WorkerFolder(tmp_path / "gone").lock_if_dead() is None


@pytest.mark.parametrize("deleted", ["population", "worker", "lock", "counts"])
def test_a_worker_notices_that_its_folder_was_deleted(deleted: str, tmp_path: Path) -> None:
    worker = new_worker(tmp_path / "population")
    assert worker.is_intact()
    paths = {
        "population": tmp_path / "population",
        "worker": worker.folder,
        "lock": worker.folder / "lock",
        "counts": worker.folder / "counts",
    }
    paths[deleted].rename(tmp_path / "away")
    assert not worker.is_intact()


def test_a_worker_without_its_folder_goes_on_counting(tmp_path: Path) -> None:
    worker = new_worker(tmp_path / "population")
    append(worker, 3)
    (tmp_path / "population").rename(tmp_path / "away")
    append(worker, 1)
    worker.fold(NO_ERRORS)
    assert worker.counts.predictions == 4


@pytest.mark.parametrize("call", ["flock", "rename", "posix_fallocate"])
def test_a_worker_that_cannot_be_made_leaves_neither_a_folder_nor_a_descriptor(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(5, "input/output error")

    gc.collect()  # what earlier tests left
    before = os.listdir("/dev/fd")
    monkeypatch.setattr(fcntl if call == "flock" else os, call, fail)
    for _ in range(3):
        with pytest.raises(OSError, match="input/output"):
            new_worker(tmp_path)
    assert (list(tmp_path.iterdir()), len(os.listdir("/dev/fd"))) == ([], len(before))


def test_a_fold_that_is_interrupted_anywhere_counts_each_record_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = new_worker(tmp_path)
    append(worker, 30)
    worker.fold(NO_ERRORS)
    append(worker, 30)

    def interrupt(*_: Any) -> None:
        raise SystemExit

    for target, name in [
        (module, "fold_encoded"),
        (worker.journal, "read"),
        (worker._file, "commit"),
        (worker.journal, "release"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(target, name, interrupt)
            with pytest.raises(SystemExit):
                worker.fold(NO_ERRORS)
        assert WorkerFolder(worker.folder).counts(BASELINE).predictions == 60
    append(worker, 1)
    worker.fold(NO_ERRORS)
    assert (worker.counts.predictions, worker.counts.cells.sum()) == (61, 61)


@pytest.mark.parametrize(
    "content",
    [b"\xff", b"\xc1", msgspec.msgpack.encode(["id", 1, 5, "x"]), msgspec.msgpack.encode({})],
    ids=["no value", "no type", "no row", "no record"],
)
def test_a_record_that_cannot_be_read_counts_as_invalid_and_holds_up_no_other(
    content: bytes, tmp_path: Path
) -> None:
    worker = new_worker(tmp_path)
    append(worker, 3)
    worker.journal.append(content)
    append(worker, 3)
    assert WorkerFolder(worker.folder).counts(BASELINE).predictions == 7
    worker.fold(NO_ERRORS)
    counts = worker.counts
    assert (counts.predictions, counts.cells.sum(), counts.invalid.tolist()) == (7, 6, [1])


def dead_worker(folder: Path) -> Path:
    """Leave ten records in the counts and ten in the journal."""
    worker = new_worker(folder, 1000)
    append(worker, 10)
    worker.fold(NO_ERRORS)
    append(worker, 10)
    worker.abandon()
    return worker.folder


def test_what_a_dead_worker_left_is_its_counts_and_the_rest_of_its_journal(tmp_path: Path) -> None:
    found, reports = WorkerFolder(dead_worker(tmp_path)).surviving_counts(BASELINE)
    assert (found.predictions, found.cells.sum(), reports) == (20, 20, [])


def _of_another_format(path: Path) -> None:
    path.write_bytes(b"OLD1" + path.read_bytes()[4:])


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("damage", "file", "left", "message"),
    [
        (_of_another_format, "counts", 20, "not a counts file of format 5"),
        (_shortened, "counts", 20, "another baseline or format"),
        (_emptied, "counts", 20, None),
        (Path.unlink, "counts", 20, None),
        (_of_another_format, "journal", 10, "not journal segment 1 of format 1"),
        (_emptied, "journal", 10, None),
        (Path.unlink, "journal", 10, None),
    ],
)
def test_what_is_damaged_is_reported_and_the_rest_counted(
    damage: Any, file: str, left: int, message: str | None, tmp_path: Path
) -> None:
    folder = dead_worker(tmp_path)
    damage(segment_path(folder, 1) if file == "journal" else folder / "counts")
    counts, reports = WorkerFolder(folder).surviving_counts(BASELINE)
    assert counts.predictions == left
    assert [message in str(report) for report in reports] == ([True] if message else [])


def test_counts_damaged_in_the_last_commit_are_those_of_the_commit_before(tmp_path: Path) -> None:
    folder = dead_worker(tmp_path)
    content = bytearray((folder / "counts").read_bytes())
    content[-1] ^= 0xFF
    (folder / "counts").write_bytes(content)
    counts, reports = WorkerFolder(folder).surviving_counts(BASELINE)
    # There was none: all of the journal is still there.
    assert counts.predictions == 20
    assert [str(report) for report in reports] == [
        f"'{folder / 'counts'}' was damaged. The last counts of a dead worker are lost."
    ]


def test_a_living_worker_whose_counts_are_damaged_is_an_error(tmp_path: Path) -> None:
    worker = new_worker(tmp_path)
    append(worker, 1)
    (worker.folder / "counts").rename(worker.folder / "gone")
    (worker.folder / "counts").write_bytes(b"no counts")
    with pytest.raises(ValueError, match="another baseline or format"):
        WorkerFolder(worker.folder).counts(BASELINE)
