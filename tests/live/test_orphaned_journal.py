"""Records of a dead worker: in order, from where it had come, whatever file is damaged."""

import os
from pathlib import Path

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.error_reporter import STAGES
from boxkite.live.counts_file import CountsFile
from boxkite.live.ended_runs import holds_log_records
from boxkite.live.mapped_journal import segment_numbers, segment_path
from boxkite.live.orphaned_journal import OrphanedJournal
from boxkite.live.outbox import Waiting
from boxkite.live.record import decode
from boxkite.live.worker import Worker
from boxkite.live.worker_folder import WorkerFolder
from boxkite.system.file_lock import try_lock
from tests.live.conftest import CONTEXT, record

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2)
MANY = 10**9


def numbers(waiting: Waiting) -> list[int]:
    return [int(decode(content).entity_id) for content in waiting.contents]


def dead_worker(folder: Path, number: int = 10, shipped: int = 0, sealed: int = 0) -> WorkerFolder:
    """Leave a worker's folder, with segments of five records, as its death leaves it."""
    worker = Worker(folder, BASELINE, 250, 1 << 20, CONTEXT)
    for each in range(number):
        worker.journal.append(record(each))
    worker.fold([0] * len(STAGES))
    outbox = worker.outbox
    if shipped:
        batch = outbox.seal(outbox.waiting(shipped, MANY), shipped)
        outbox.acknowledge(batch, delivered=shipped, dropped=0)
    if sealed:
        outbox.seal(outbox.waiting(sealed, MANY), sealed)
    worker.abandon()
    return WorkerFolder(worker.folder)


def log_of(folder: WorkerFolder) -> dict[str, int]:
    return folder.counts(BASELINE).log_by_outcome()


@pytest.fixture
def folder(tmp_path: Path) -> WorkerFolder:
    return dead_worker(tmp_path)


def test_it_continues_where_the_worker_had_come(tmp_path: Path) -> None:
    orphan = OrphanedJournal(dead_worker(tmp_path, shipped=3))
    assert numbers(orphan.waiting(MANY, MANY)) == list(range(3, 10))
    assert (orphan.context, orphan.sealed, orphan.logged()) == (CONTEXT, False, 7)


def test_a_batch_that_the_worker_had_sealed_comes_again_as_it_was(tmp_path: Path) -> None:
    orphan = OrphanedJournal(dead_worker(tmp_path, shipped=2, sealed=6))
    assert orphan.sealed
    waiting = orphan.waiting(1, 1)
    assert numbers(waiting) == list(range(2, 8))
    orphan.acknowledge(orphan.seal(waiting, 6), delivered=6, dropped=0)
    assert numbers(orphan.waiting(MANY, MANY)) == [8, 9]


@pytest.mark.parametrize(
    ("max_records", "max_bytes", "found"),
    [(4, MANY, 4), (MANY, 1, 1), (7, MANY, 7), (MANY, MANY, 10)],
)
def test_a_batch_has_so_many_records_and_bytes(
    max_records: int, max_bytes: int, found: int, folder: WorkerFolder
) -> None:
    waiting = OrphanedJournal(folder).waiting(max_records, max_bytes)
    assert numbers(waiting) == list(range(found))


@pytest.mark.parametrize("number", range(1, 11))
def test_what_is_sealed_and_acknowledged_is_known_to_the_next_one(
    number: int, folder: WorkerFolder
) -> None:
    orphan = OrphanedJournal(folder)
    batch = orphan.seal(orphan.waiting(MANY, MANY), number)
    again = OrphanedJournal(folder)
    assert again.sealed
    assert numbers(again.waiting(MANY, MANY)) == numbers(batch)
    again.acknowledge(batch, delivered=number - 1, dropped=1)
    last = OrphanedJournal(folder)
    assert not last.sealed
    assert numbers(last.waiting(MANY, MANY)) == list(range(number, 10))
    log = log_of(folder)
    assert (log["delivered"], log["retried"], log["dropped"]) == (number - 1, 0, 1)


def test_shipping_before_the_counts_are_merged_changes_no_count(folder: WorkerFolder) -> None:
    before = folder.counts(BASELINE)
    orphan = OrphanedJournal(folder)
    orphan.acknowledge(orphan.seal(orphan.waiting(4, MANY), 4), delivered=4, dropped=0)
    after = folder.counts(BASELINE)
    assert (after.predictions, after.cells.tolist()) == (10, before.cells.tolist())
    assert after.log_by_outcome() == {
        "accepted": 10,
        "delivered": 4,
        "retried": 0,
        "dropped": 0,
        "pending": 6,
    }


def test_a_worker_that_died_before_its_first_commit_is_shipped_and_then_counted(
    tmp_path: Path,
) -> None:
    worker = Worker(tmp_path, BASELINE, 250, 1 << 20, CONTEXT)
    for each in range(10):
        worker.journal.append(record(each))
    worker.abandon()
    orphan = OrphanedJournal(WorkerFolder(worker.folder))
    orphan.acknowledge(orphan.seal(orphan.waiting(MANY, MANY), 4), delivered=4, dropped=0)
    counts, errors = WorkerFolder(worker.folder).surviving_counts(BASELINE)
    log = counts.log_by_outcome()
    assert (counts.predictions, log["accepted"], log["delivered"], errors) == (10, 10, 4, [])


def test_records_to_be_delivered_again_are_counted_at_once(folder: WorkerFolder) -> None:
    OrphanedJournal(folder).count_retried(3)
    assert log_of(folder)["retried"] == 3


def test_what_is_given_up_is_dropped_but_for_what_is_not_logged(tmp_path: Path) -> None:
    worker = Worker(tmp_path, BASELINE, 250, 1 << 20, CONTEXT)
    for each in range(10):
        worker.journal.append(record(each, logged=each % 2 == 0))
    worker.abandon()
    folder = WorkerFolder(worker.folder)
    orphan = OrphanedJournal(folder)
    assert (orphan.logged(), orphan.give_up()) == (5, 5)
    assert len(orphan.waiting(1, 1).contents) == 0
    assert log_of(folder)["dropped"] == 5
    assert not holds_log_records(folder)


def test_once_merged_its_segments_hold_the_same_in_less(folder: WorkerFolder) -> None:
    orphan = OrphanedJournal(folder)
    size = orphan.byte_size
    orphan.keep_log_only()
    (path,) = folder.path.parent.iterdir()
    merged = OrphanedJournal(WorkerFolder(path))
    assert path.name == folder.path.name.replace("worker-", "orphan-")
    assert merged.byte_size < size
    assert numbers(merged.waiting(MANY, MANY)) == list(range(10))
    assert merged.folder.counts(BASELINE).predictions == 0
    assert log_of(merged.folder)["accepted"] == 0


@pytest.mark.parametrize("content", [b"", b"damaged", bytes(400)], ids=["empty", "short", "zeros"])
def test_without_a_position_all_that_is_there_is_shipped(content: bytes, tmp_path: Path) -> None:
    folder = dead_worker(tmp_path, shipped=2)
    folder.counts_file.write_bytes(content)
    orphan = OrphanedJournal(folder)
    assert numbers(orphan.waiting(MANY, MANY)) == list(range(10))
    orphan.acknowledge(orphan.seal(orphan.waiting(4, MANY), 4), delivered=4, dropped=0)
    assert numbers(OrphanedJournal(folder).waiting(MANY, MANY)) == list(range(4, 10))
    counts, _ = folder.surviving_counts(BASELINE)
    assert (counts.predictions, counts.log_by_outcome()["delivered"]) == (10, 4)


def test_damaged_counts_are_shipped_from_the_commit_before_them(tmp_path: Path) -> None:
    folder = dead_worker(tmp_path, shipped=2)
    file = CountsFile(folder.counts_file)
    with folder.counts_file.open("r+b") as content:
        content.seek(file._starts[file._active] + 200)
        byte = content.read(1)[0] ^ 0xFF
        content.seek(-1, os.SEEK_CUR)
        content.write(bytes([byte]))
    orphan = OrphanedJournal(folder)
    assert (orphan.sealed, numbers(orphan.waiting(MANY, MANY))) == (True, [0, 1])
    orphan.acknowledge(orphan.seal(orphan.waiting(2, MANY), 2), delivered=2, dropped=0)
    counts, errors = folder.surviving_counts(BASELINE)
    assert (counts.predictions, counts.log_by_outcome()["delivered"], errors) == (10, 2, [])


def test_looking_at_a_folder_changes_no_file(folder: WorkerFolder) -> None:
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    orphan = OrphanedJournal(folder)
    assert (orphan.is_shipped, orphan.logged()) == (False, 10)
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before


def test_a_damaged_segment_is_left_out(folder: WorkerFolder) -> None:
    first, *_ = segment_numbers(folder.path)
    segment_path(folder.path, first).write_bytes(b"no segment at all")
    rest = numbers(OrphanedJournal(folder).waiting(MANY, MANY))
    assert 0 < len(rest) < 10
    assert rest == list(range(10 - len(rest), 10))


@pytest.mark.parametrize(
    ("context", "logged"), [(CONTEXT.encode(), True), (b"", False), (None, False)]
)
def test_only_with_a_context_records_wait_for_the_log(
    context: bytes | None, logged: bool, folder: WorkerFolder
) -> None:
    folder.context_file.unlink()
    if context is not None:
        folder.context_file.write_bytes(context)
    assert (folder.has_log, holds_log_records(folder)) == (logged, logged)


def test_a_file_or_nothing_is_no_folder_in_which_records_wait(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not holds_log_records(WorkerFolder(tmp_path / "file"))
    assert not holds_log_records(WorkerFolder(tmp_path / "missing"))


def test_closing_lets_go_of_the_lock(folder: WorkerFolder) -> None:
    orphan = OrphanedJournal(folder, folder.lock_if_dead())
    assert folder.lock_if_dead() is None
    orphan.close()
    orphan.close()
    with folder.lock.open("r+b") as other:
        assert try_lock(other.fileno())
