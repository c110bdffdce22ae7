"""Records of a dead worker: in order, from where it had come, whatever file is damaged."""

from pathlib import Path

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.error_reporter import STAGES
from boxkite.live.leftover import COUNTS, TERMS, Leftover, has_log, log_since_merge, waits
from boxkite.live.mapped_journal import segment_numbers, segment_path
from boxkite.live.outbox import Waiting
from boxkite.live.peers import lock_if_dead
from boxkite.live.record import Record, decode, encode
from boxkite.live.worker import Worker
from boxkite.system.file_lock import try_lock

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2)
MANY = 10**9


def record(number: int, logged: bool = True) -> bytes:
    return encode(Record(f"{number:06}", 1, [1.0], None, logged=logged))


def numbers(waiting: Waiting) -> list[int]:
    return [int(decode(content).entity_id) for content in waiting.contents]


def dead_worker(folder: Path, number: int = 10, shipped: int = 0, sealed: int = 0) -> Path:
    """Leave a worker's folder, with segments of five records, as its death leaves it."""
    worker = Worker(folder, BASELINE, 250, 1 << 20, b"terms")
    for each in range(number):
        worker.journal.append(record(each))
    worker.fold([0] * len(STAGES))
    if shipped:
        batch = worker.seal(worker.waiting(shipped, MANY), shipped)
        worker.acknowledge(batch, delivered=shipped, dropped=0)
    if sealed:
        worker.seal(worker.waiting(sealed, MANY), sealed)
    worker.abandon()
    return worker.folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return dead_worker(tmp_path)


def test_it_goes_on_where_the_worker_had_come(tmp_path: Path) -> None:
    left = Leftover(dead_worker(tmp_path, shipped=3))
    assert numbers(left.waiting(MANY, MANY)) == list(range(3, 10))
    assert (left.terms, left.sealed, left.logged()) == (b"terms", False, 7)


def test_a_batch_that_the_worker_had_sealed_comes_again_as_it_was(tmp_path: Path) -> None:
    left = Leftover(dead_worker(tmp_path, shipped=2, sealed=6))
    assert left.sealed
    waiting = left.waiting(1, 1)
    assert numbers(waiting) == list(range(2, 8))
    left.acknowledge(left.seal(waiting, 6), delivered=6, dropped=0)
    assert numbers(left.waiting(MANY, MANY)) == [8, 9]


@pytest.mark.parametrize(
    ("max_records", "max_bytes", "found"),
    [(4, MANY, 4), (MANY, 1, 1), (7, MANY, 7), (MANY, MANY, 10)],
)
def test_a_batch_has_so_many_records_and_bytes(
    max_records: int, max_bytes: int, found: int, folder: Path
) -> None:
    waiting = Leftover(folder).waiting(max_records, max_bytes)
    assert numbers(waiting) == list(range(found))


@pytest.mark.parametrize("number", range(1, 11))
def test_what_is_sealed_and_acknowledged_is_known_to_the_next_one(
    number: int, folder: Path
) -> None:
    left = Leftover(folder)
    batch = left.seal(left.waiting(MANY, MANY), number)
    again = Leftover(folder)
    assert again.sealed
    assert again.waiting(MANY, MANY) == batch
    again.acknowledge(batch, delivered=number - 1, dropped=1)
    last = Leftover(folder)
    assert not last.sealed
    assert numbers(last.waiting(MANY, MANY)) == list(range(number, 10))
    assert np.frombuffer(log_since_merge(folder), dtype="<i8").tolist() == [0, number - 1, 0, 1]


def test_records_to_be_delivered_again_are_counted_at_once(folder: Path) -> None:
    Leftover(folder).count_retried(3)
    assert np.frombuffer(log_since_merge(folder), dtype="<i8").tolist() == [0, 0, 3, 0]


def test_what_is_given_up_is_dropped_but_for_what_is_not_logged(tmp_path: Path) -> None:
    worker = Worker(tmp_path, BASELINE, 250, 1 << 20, b"terms")
    for each in range(10):
        worker.journal.append(record(each, logged=each % 2 == 0))
    worker.abandon()
    left = Leftover(worker.folder)
    assert (left.logged(), left.give_up()) == (5, 5)
    assert left.waiting(1, 1).contents == []
    assert np.frombuffer(log_since_merge(worker.folder), dtype="<i8").tolist() == [0, 0, 0, 5]
    assert not waits(worker.folder)


def test_trimmed_segments_hold_the_same_in_less(folder: Path) -> None:
    left = Leftover(folder)
    size = left.byte_size
    left.trim()
    assert left.byte_size < size
    assert numbers(left.waiting(MANY, MANY)) == list(range(10))


@pytest.mark.parametrize("damaged", ["shipped", COUNTS])
@pytest.mark.parametrize("content", [b"", b"damaged", bytes(400)], ids=["empty", "short", "zeros"])
def test_without_a_position_all_that_is_there_is_shipped(
    damaged: str, content: bytes, tmp_path: Path
) -> None:
    folder = dead_worker(tmp_path, shipped=2)
    (folder / COUNTS).write_bytes(content)
    (folder / damaged).write_bytes(content)
    left = Leftover(folder)
    assert numbers(left.waiting(MANY, MANY)) == list(range(10))
    left.acknowledge(left.seal(left.waiting(4, MANY), 4), delivered=4, dropped=0)
    assert numbers(Leftover(folder).waiting(MANY, MANY)) == list(range(4, 10))


def test_a_damaged_segment_is_left_out(folder: Path) -> None:
    first, *_ = segment_numbers(folder)
    segment_path(folder, first).write_bytes(b"no segment at all")
    rest = numbers(Leftover(folder).waiting(MANY, MANY))
    assert 0 < len(rest) < 10
    assert rest == list(range(10 - len(rest), 10))


@pytest.mark.parametrize(("terms", "logged"), [(b"terms", True), (b"", False), (None, False)])
def test_only_with_terms_records_wait_for_the_log(
    terms: bytes | None, logged: bool, folder: Path
) -> None:
    (folder / TERMS).unlink()
    if terms is not None:
        (folder / TERMS).write_bytes(terms)
    assert (has_log(folder), waits(folder)) == (logged, logged)


def test_a_file_or_nothing_is_no_folder_in_which_records_wait(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not waits(tmp_path / "file")
    assert not waits(tmp_path / "missing")


def test_closing_lets_go_of_the_lock(folder: Path) -> None:
    descriptor = lock_if_dead(folder)
    left = Leftover(folder, descriptor)
    assert lock_if_dead(folder) is None
    left.close()
    left.close()
    other = (folder / "lock").open("r+b")
    with other:
        assert try_lock(other.fileno())
