"""Whatever happens in whatever order, what waits to be shipped keeps its order, and each record is
delivered, counted as dropped, or still waiting."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from boxkite import Baseline
from boxkite.error_reporter import STAGES
from boxkite.live.counts_file import Position
from boxkite.live.journal_slice import RecordsGoneError
from boxkite.live.mapped_journal import JournalFullError
from boxkite.live.orphaned_journal import OrphanedJournal
from boxkite.live.outbox import Outbox, Waiting
from boxkite.live.record import decode, is_logged
from boxkite.live.worker import Worker
from boxkite.live.worker_folder import WorkerFolder
from boxkite.live.worker_group import WorkerGroup
from tests.live.conftest import CONTEXT, Unexpected, record

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2)
NO_ERRORS = [0] * len(STAGES)
MANY = 10**9


def numbers(contents: Iterable[bytes]) -> list[int]:
    return [int(decode(content).entity_id) for content in contents if is_logged(content)]


class Shipping(RuleBasedStateMachine):
    """One worker, or what it left when it died, with a shipper that can stop between any steps."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.group = WorkerGroup(Path(self.folder.name), BASELINE, Unexpected())
        self.appended = 0
        self.accepted: list[int] = []
        self.seen: list[int] = []
        self.given_up: list[int] = []
        self.sealed: list[int] = []
        self.last_of_batch: dict[int, int] = {}
        self.begin()

    def begin(self) -> None:
        self.worker: Worker | None = Worker(self.group.folder, BASELINE, 200, 800, CONTEXT)
        self.outbox: Outbox = self.worker.outbox
        self.forget()

    def forget(self) -> None:
        """Begin as a shipper that knows nothing."""
        self.taken: Waiting | None = None
        self.taken_contents: list[bytes] = []
        self.batch: Waiting | None = None
        self.delivered: list[int] | None = None

    def teardown(self) -> None:
        if self.worker is not None:
            self.worker.abandon()
        self.folder.cleanup()

    @precondition(lambda self: self.worker is not None)
    @rule(logged=st.lists(st.sampled_from([True, True, False]), min_size=1, max_size=12))
    def append(self, logged: list[bool]) -> None:
        assert self.worker is not None
        for each in logged:
            try:
                self.worker.journal.append(record(self.appended, each))
            except JournalFullError:
                self.fold()
                self.worker.journal.append(record(self.appended, each))
            if each:
                self.accepted.append(self.appended)
            self.appended += 1

    @precondition(lambda self: self.worker is not None)
    @rule()
    def fold(self) -> None:
        assert self.worker is not None
        self.worker.fold(NO_ERRORS)
        before = self.waiting()
        dropped = self.worker.give_up_oldest()
        self.given_up += before[:dropped]
        assert self.waiting() == before[dropped:]
        self.worker.journal.prepare()

    def waiting(self) -> list[int]:
        """Return all that is not shipped, counted or not."""
        return numbers(list(self.outbox._contents(None)))

    def expected(self) -> list[int]:
        """Return the sealed batch, without the records that were given up at its front."""
        return [each for each in self.sealed if each not in self.given_up]

    @rule(number=st.integers(1, 30), size=st.sampled_from([1, 100, MANY]))
    def take(self, number: int, size: int) -> None:
        self.taken = self.outbox.waiting(number, size)
        self.taken_contents = list(self.taken.contents)
        if self.outbox.sealed and self.expected():
            assert numbers(self.taken_contents) == self.expected()

    @precondition(lambda self: self.taken is not None and self.taken.contents)
    @rule(data=st.data())
    def seal(self, data: st.DataObject) -> None:
        assert self.taken is not None
        was_sealed = self.outbox.sealed
        number = data.draw(st.integers(1, len(self.taken_contents)))
        self.batch = self.outbox.seal(self.taken, number)
        found = list(self.batch.contents)
        if was_sealed:
            assert found in ([], self.taken_contents)
        else:
            assert found in ([], self.taken_contents[:number])
            self.sealed = numbers(found)
        self.taken = None
        self.delivered = None

    @precondition(lambda self: self.batch is not None)
    @rule(takes=st.booleans())
    def deliver(self, takes: bool) -> None:
        assert self.batch is not None
        try:
            found = numbers(self.batch.contents)
        except RecordsGoneError:
            # Its first records were given up. They may all be records that are not logged.
            assert self.outbox.waiting(1, 1).begin > self.batch.begin
            self.forget()
            return
        if takes:
            self.seen += found
            # A sink that knows a batch by its bounds keeps each record once.
            for each in found:
                assert self.last_of_batch.setdefault(each, found[-1]) == found[-1]
            self.delivered = found
        else:
            self.outbox.count_retried(len(found))

    @precondition(lambda self: self.batch is not None and self.delivered is not None)
    @rule()
    def acknowledge(self) -> None:
        assert self.batch is not None
        assert self.delivered is not None
        self.outbox.acknowledge(self.batch, delivered=len(self.delivered), dropped=0)
        if self.delivered:
            self.sealed = []
        self.forget()

    @rule()
    def die(self) -> None:
        """The process dies; what it left is adopted, and shipped by another."""
        if self.worker is not None:
            self.worker.abandon()
            self.worker = None
            self.group.adopt("")
        self.forget()
        left = list(self.group.folder.glob("orphan-*"))
        if left:
            self.outbox = OrphanedJournal(WorkerFolder(left[0]))
        else:
            self.begin()

    @precondition(lambda self: self.worker is None)
    @rule()
    def give_up(self) -> None:
        if self.outbox.waiting(1, 1).contents:
            before = self.waiting()
            assert self.outbox.give_up() == len(before)
            self.given_up += before

    @precondition(lambda self: self.worker is None and not self.outbox.waiting(1, 1).contents)
    @rule()
    def finish(self) -> None:
        assert isinstance(self.outbox, OrphanedJournal)
        self.group.finish(self.outbox)
        self.begin()

    @invariant()
    def each_record_is_delivered_dropped_or_waits(self) -> None:
        waiting = self.waiting()
        log = self.group.others("").log_by_outcome()
        assert (log["accepted"], log["pending"]) == (len(self.accepted), len(waiting))
        assert log["dropped"] == len(self.given_up)
        assert {*self.seen, *self.given_up, *waiting} == set(self.accepted)

    @invariant()
    def a_sealed_batch_stays_sealed_with_its_bounds(self) -> None:
        if self.expected():
            assert self.outbox.sealed
            assert numbers(self.outbox.waiting(1, 1).contents) == self.expected()

    @invariant()
    def the_order_is_kept(self) -> None:
        first = list(dict.fromkeys(self.seen))
        assert first == sorted(first)


TestShipping = Shipping.TestCase
TestShipping.settings = settings(stateful_step_count=40)


def shown(waiting: Waiting) -> tuple[list[bytes], Position, Position]:
    return list(waiting.contents), waiting.begin, waiting.end


def worker_with_records(folder: Path, number: int) -> Worker:
    """Return a worker that has counted this many records and delivered none."""
    worker = Worker(folder, BASELINE, 200, 800, CONTEXT)
    for each in range(number):
        worker.journal.append(record(each))
    worker.fold(NO_ERRORS)
    return worker


def crowd_out(worker: Worker, first: int, most: int = 40) -> None:
    """Append records until the journal was full, and its oldest given up."""
    for number in range(first, first + most):
        try:
            worker.journal.append(record(number))
        except JournalFullError:
            worker.fold(NO_ERRORS)
            worker.give_up_oldest()
            worker.journal.append(record(number))
    worker.fold(NO_ERRORS)


@pytest.mark.parametrize("number", [1, 5])
def test_a_batch_that_was_given_up_before_it_was_sealed_is_empty(
    number: int, tmp_path: Path
) -> None:
    worker = worker_with_records(tmp_path, 5)
    taken = worker.outbox.waiting(number, MANY)
    crowd_out(worker, 5)
    left = numbers(worker.outbox.unshipped())
    batch = worker.outbox.seal(taken, number)
    assert len(batch.contents) == 0
    worker.outbox.acknowledge(batch, delivered=0, dropped=0)
    assert not worker.outbox.sealed
    assert numbers(worker.outbox.unshipped()) == left
    assert worker.counts.log_by_outcome()["pending"] == len(left)


def test_a_sealed_batch_keeps_its_end_when_its_first_records_are_given_up(tmp_path: Path) -> None:
    worker = worker_with_records(tmp_path, 10)
    sealed = worker.outbox.seal(worker.outbox.waiting(10, MANY), 10)
    taken = worker.outbox.waiting(10, MANY)
    crowd_out(worker, 10, 12)
    assert 0 < worker.counts.log_by_outcome()["dropped"] < 10
    empty = worker.outbox.seal(taken, 10)
    worker.outbox.acknowledge(empty, delivered=0, dropped=0)
    assert (list(empty.contents), worker.outbox.sealed) == ([], True)
    again = worker.outbox.waiting(1, 1)
    assert again.end == sealed.end
    assert numbers(again.contents)[-1] == 9
    # As many as are asked for or not: the bounds are those of the batch.
    assert shown(worker.outbox.seal(again, 1)) == shown(again)
    assert shown(worker.outbox.waiting(1, 1)) == shown(again)


def test_a_stale_acknowledgement_moves_nothing_back(tmp_path: Path) -> None:
    worker = worker_with_records(tmp_path, 10)
    first = worker.outbox.seal(worker.outbox.waiting(3, MANY), 3)
    worker.outbox.acknowledge(first, delivered=3, dropped=0)
    second = worker.outbox.seal(worker.outbox.waiting(4, MANY), 4)
    worker.outbox.acknowledge(first, delivered=3, dropped=0)
    assert shown(worker.outbox.waiting(MANY, MANY)) == shown(second)
    assert worker.counts.log_by_outcome()["delivered"] == 3


def test_records_to_be_delivered_again_are_seen_by_other_workers_at_once(tmp_path: Path) -> None:
    group = WorkerGroup(tmp_path, BASELINE, Unexpected())
    worker = Worker(tmp_path, BASELINE, 200, 800, CONTEXT)
    worker.journal.append(record(0))
    worker.fold(NO_ERRORS)
    worker.outbox.count_retried(1)
    assert group.others("").log_by_outcome()["retried"] == 1


def test_records_that_were_delivered_given_up_or_damaged_are_gone(tmp_path: Path) -> None:
    worker = worker_with_records(tmp_path, 10)
    delivered = worker.outbox.seal(worker.outbox.waiting(1, MANY), 1)
    worker.outbox.acknowledge(delivered, delivered=1, dropped=0)
    given_up = worker.outbox.waiting(10, MANY)
    crowd_out(worker, 10)
    for gone in (delivered, given_up):
        with pytest.raises(RecordsGoneError, match="delivered or given up"):
            list(gone.contents)
    worker.abandon()
    orphan = OrphanedJournal(WorkerFolder(worker.folder))
    damaged = orphan.waiting(MANY, MANY)
    for path in worker.folder.glob("journal-*"):
        path.unlink()
    with pytest.raises(RecordsGoneError, match="damaged or removed"):
        list(damaged.contents)
