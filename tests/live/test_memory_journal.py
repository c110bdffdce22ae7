"""Records that no journal took: in order, bounded, and each of them accounted for."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.live import memory_journal as module
from boxkite.live.memory_journal import MemoryJournal
from boxkite.live.record import Record, decode, encode
from boxkite.system.lazy_attribute import LazyLock
from tests.live.conftest import CONTEXT, record

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2)
MANY = 10**9


SIZE = len(record(0))


class Counted:
    """A journal with the sum of its outcomes."""

    def __init__(self, *contents: bytes) -> None:
        self.journal = MemoryJournal(BASELINE, CONTEXT, LazyLock())
        self.outbox = self.journal.outbox
        self.journal.keep_log_records(list(contents))

    @property
    def outcomes(self) -> dict[str, int]:
        log = self.journal.counts.log_by_outcome()
        return {outcome: log[outcome] for outcome in ("delivered", "dropped", "retried")}

    @property
    def waiting(self) -> list[int]:
        return numbers(self.outbox.waiting(MANY, MANY).contents)


def numbers(contents: Iterable[bytes]) -> list[int]:
    return [int(decode(content).entity_id) for content in contents]


@pytest.fixture
def room_for_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_BYTES", 10 * SIZE)


def test_only_what_is_logged_waits_and_takes_room() -> None:
    counted = Counted(record(0), record(1, logged=False), record(2))
    assert counted.waiting == [0, 2]
    assert counted.outbox.byte_size == 2 * SIZE


@pytest.mark.usefixtures("room_for_ten")
def test_records_that_are_not_logged_never_crowd_out_any() -> None:
    counted = Counted(record(0))
    for number in range(100):
        counted.journal.keep_log_records([record(number, logged=False)])
    assert counted.waiting == [0]
    assert counted.outcomes["dropped"] == 0


@pytest.mark.usefixtures("room_for_ten")
def test_the_oldest_are_dropped_and_counted() -> None:
    counted = Counted()
    dropped = counted.journal.keep_log_records([record(number) for number in range(25)])
    assert dropped == counted.outcomes["dropped"] == 15
    assert counted.waiting == list(range(15, 25))


@pytest.mark.usefixtures("room_for_ten")
def test_a_record_that_is_larger_than_all_the_room_is_dropped() -> None:
    counted = Counted(encode(Record("0", 1, ["x" * 100 * SIZE], None, logged=True)))
    assert (counted.waiting, counted.outbox.byte_size) == ([], 0)
    assert counted.outcomes["dropped"] == 1


@pytest.mark.parametrize(
    ("max_records", "max_bytes", "found"),
    [(MANY, MANY, 5), (2, MANY, 2), (MANY, 1, 1), (MANY, 2 * SIZE, 2), (MANY, 2 * SIZE + 1, 3)],
)
def test_a_batch_has_so_many_records_and_bytes(
    max_records: int, max_bytes: int, found: int
) -> None:
    counted = Counted(*map(record, range(5)))
    waiting = counted.outbox.waiting(max_records, max_bytes)
    assert numbers(waiting.contents) == list(range(found))


def test_a_sealed_batch_comes_again_as_it_was() -> None:
    counted = Counted(*map(record, range(5)))
    counted.outbox.seal(counted.outbox.waiting(4, MANY), 3)
    counted.journal.keep_log_records([record(5)])
    assert counted.outbox.sealed
    assert numbers(counted.outbox.waiting(1, 1).contents) == [0, 1, 2]


def acknowledge_after(crowding_out: int) -> Counted:
    """Give up that many of ten records, of which four are being delivered."""
    counted = Counted(*map(record, range(10)))
    batch = counted.outbox.seal(counted.outbox.waiting(4, MANY), 4)
    counted.journal.keep_log_records([record(number) for number in range(10, 10 + crowding_out)])
    counted.outbox.acknowledge(batch, delivered=4, dropped=0)
    return counted


@pytest.mark.usefixtures("room_for_ten")
@pytest.mark.parametrize(
    ("given_up", "delivered", "left"), [(0, 4, 4), (2, 2, 4), (4, 0, 4), (7, 0, 7)]
)
def test_what_was_given_up_during_a_delivery_is_dropped_and_not_delivered(
    given_up: int, delivered: int, left: int
) -> None:
    counted = acknowledge_after(given_up)
    assert counted.outcomes == {"delivered": delivered, "dropped": given_up, "retried": 0}
    assert counted.waiting == list(range(left, 10 + given_up))
    assert not counted.outbox.sealed


@pytest.mark.usefixtures("room_for_ten")
def test_a_batch_that_was_given_up_before_it_was_sealed_is_empty() -> None:
    counted = Counted(*map(record, range(10)))
    waiting = counted.outbox.waiting(4, MANY)
    counted.journal.keep_log_records([record(10)])
    batch = counted.outbox.seal(waiting, 4)
    assert list(batch.contents) == []
    counted.outbox.acknowledge(batch, delivered=0, dropped=0)
    assert counted.waiting == list(range(1, 11))
    assert counted.outcomes == {"delivered": 0, "dropped": 1, "retried": 0}


def test_what_is_retried_is_counted() -> None:
    counted: Any = Counted(record(0))
    counted.outbox.count_retried(3)
    assert counted.outcomes["retried"] == 3


def test_records_are_counted_once_and_those_of_the_log_wait() -> None:
    journal = MemoryJournal(BASELINE, CONTEXT, LazyLock())
    for number in range(6):
        journal.append(record(number, logged=number % 2 == 0))
    assert journal.uncounted == 6
    for _ in range(2):
        assert journal.fold() == 0
        assert (journal.counts.predictions, journal.uncounted) == (6, 0)
        assert numbers(journal.outbox.waiting(MANY, MANY).contents) == [0, 2, 4]
    journal.forget_counts()
    assert journal.counts.predictions == 0
    assert numbers(journal.outbox.waiting(MANY, MANY).contents) == [0, 2, 4]


def test_without_a_log_no_record_waits() -> None:
    journal = MemoryJournal(BASELINE, None, LazyLock())
    journal.append(record(0))
    assert (journal.fold(), journal.counts.predictions) == (0, 1)
    assert numbers(journal.outbox.waiting(MANY, MANY).contents) == []
