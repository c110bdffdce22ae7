"""What dead workers have left is found, locked while it is shipped, bounded, and removed."""

import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from boxkite import Baseline
from boxkite.error_reporter import STAGES, ErrorReporter
from boxkite.live import retired_counts as retired_module
from boxkite.live.durable_counts import DurableCounts
from boxkite.live.orphan_recovery import OrphanRecovery
from boxkite.live.orphaned_journal import OrphanedJournal
from boxkite.live.record import decode
from boxkite.live.state_folder import StateFolder
from boxkite.live.worker import Worker
from boxkite.live.worker_folder import WorkerFolder
from boxkite.live.worker_group import WorkerGroup
from tests.live.conftest import CONTEXT, Unexpected, record

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2, version="1")
OTHER = BASELINE.relabelled(version="2")
MANY = 10**9
OWN = msgspec.structs.replace(CONTEXT, sink="own")


def numbers(left: OrphanedJournal) -> list[int]:
    contents = left.waiting(MANY, MANY).contents
    return [int(decode(content).entity_id) for content in contents]


class Service:
    """Workers of one baseline below a folder, and the orphans that they find."""

    def __init__(self, folder: Path, baseline: Baseline, max_bytes: int = 1 << 20) -> None:
        self.state = StateFolder(str(folder))
        self.counts = DurableCounts(baseline, self.state, ErrorReporter(), 1 << 20, OWN)
        self.counts.fold()
        self.recovery = OrphanRecovery(self.counts, self.state, max_bytes)
        self.folder = self.state.group_folder(baseline)
        self._baseline = baseline

    def leave_dead(self, first: int, number: int) -> Path:
        """Leave a dead worker with some records, all of them counted."""
        worker = Worker(self.folder, self._baseline, 1000, 1 << 20, CONTEXT)
        for each in range(first, first + number):
            worker.journal.append(record(each))
        worker.fold([0] * len(STAGES))
        worker.abandon()
        return worker.folder

    def claimed(self) -> list[list[int]]:
        return [numbers(left) for left in self.recovery.claim("sink")]

    def log(self) -> tuple[int, ...]:
        log = self.counts.totals().log_by_outcome()
        return log["accepted"], log["delivered"], log["dropped"], log["pending"]

    def folders(self) -> list[str]:
        return sorted(path.name[:5] for path in self.folder.iterdir() if path.is_dir())


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path, BASELINE)


@pytest.fixture
def foreign(tmp_path: Path) -> Service:
    """Of another baseline, in the same folder."""
    return Service(tmp_path, OTHER)


def ship(left: OrphanedJournal, number: int) -> None:
    batch = left.seal(left.waiting(number, MANY), number)
    left.acknowledge(batch, delivered=number, dropped=0)


def test_the_oldest_comes_first_and_stays_until_it_is_shipped(service: Service) -> None:
    for first in (0, 5, 10):
        service.leave_dead(first, 5)
    assert service.claimed() == service.claimed() == [[*range(n, n + 5)] for n in (0, 5, 10)]
    assert service.log() == (15, 0, 0, 15)


def test_what_is_shipped_is_removed_and_its_outcome_stays(service: Service) -> None:
    service.leave_dead(0, 5)
    for left in service.recovery.claim("sink"):
        ship(left, 2)
        assert service.log() == (5, 2, 0, 3)
    assert service.claimed() == [[2, 3, 4]]
    for left in service.recovery.claim("sink"):
        ship(left, 3)
    assert service.folders() == ["worke"]
    assert service.log() == (5, 5, 0, 0)


@pytest.mark.parametrize("context", [OWN.encode(), b"", b"{"])
def test_only_what_waits_for_the_caller_s_sink_is_claimed(context: bytes, service: Service) -> None:
    WorkerFolder(service.leave_dead(0, 5)).context_file.write_bytes(context)
    service.leave_dead(5, 5)
    assert service.claimed() == [[*range(5, 10)]]


def test_without_a_context_records_are_dropped_and_counted(service: Service) -> None:
    WorkerFolder(service.leave_dead(0, 5)).context_file.write_bytes(b"")
    assert service.claimed() == []
    assert service.log() == (5, 0, 5, 0)
    assert service.folders() == ["worke"]


def test_it_is_locked_while_the_caller_works_on_it_and_no_longer(service: Service) -> None:
    service.leave_dead(0, 5)
    claim = service.recovery.claim("sink")
    left = next(claim)
    assert left.folder.lock_if_dead() is None
    assert service.claimed() == []
    claim.close()
    assert service.claimed() == [[*range(5)]]


def test_what_another_baseline_left_is_claimed_where_it_lies(
    service: Service, foreign: Service
) -> None:
    service.leave_dead(0, 5)
    for left in foreign.recovery.claim("sink"):
        ship(left, 2)
    assert foreign.claimed() == [[2, 3, 4]]
    assert foreign.log() == (0, 0, 0, 0)
    assert service.log() == (5, 2, 0, 3)
    for left in foreign.recovery.claim("sink"):
        ship(left, 3)
    assert service.log() == (5, 5, 0, 0)
    assert service.claimed() == []
    assert service.folders() == ["worke"]


def test_the_living_are_left_alone(service: Service, foreign: Service) -> None:
    service.counts.append(record(0))
    service.counts.fold()
    assert foreign.claimed() == []


@pytest.mark.parametrize("prefix", [".merged-", ".new-"])
def test_what_is_being_made_or_removed_is_left_alone(
    prefix: str, service: Service, foreign: Service
) -> None:
    folder = service.leave_dead(0, 5)
    folder.rename(folder.with_name(prefix + folder.name))
    assert foreign.claimed() == []


def test_outcomes_after_a_merge_that_was_interrupted_are_counted(
    service: Service, foreign: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.leave_dead(0, 5)
    with monkeypatch.context() as patch:
        patch.setattr(retired_module, "_clear", lambda _: None)
        service.counts.adopt()
    assert service.folders() == ["worke", "worke"]
    for _ in range(2):
        for left in foreign.recovery.claim("sink"):
            ship(left, 5)
    assert service.log() == (5, 5, 0, 0)
    assert service.claimed() == []
    assert service.log() == (5, 5, 0, 0)
    assert service.folders() == ["worke"]


def test_beyond_the_bound_the_oldest_are_given_up_and_removed(tmp_path: Path) -> None:
    service = Service(tmp_path, BASELINE, max_bytes=50_000)
    for first in range(0, 50, 10):
        service.leave_dead(first, 10)
    assert service.recovery.give_up_oldest() == 30
    assert service.claimed() == [[*range(30, 40)], [*range(40, 50)]]
    assert service.log() == (50, 0, 30, 20)
    assert service.recovery.give_up_oldest() == 0


def test_what_is_left_takes_little_more_than_its_records(service: Service) -> None:
    service.leave_dead(0, 5)
    service.claimed()
    (left,) = service.folder.glob("orphan-*")
    assert sorted(path.name for path in left.iterdir()) == [
        "counts",
        "journal-00000001",
        "lock",
        "log-context.json",
    ]
    assert sum(path.stat().st_size for path in left.iterdir()) < 1000


def test_records_whose_folder_was_deleted_are_dropped(service: Service) -> None:
    for first in (0, 5):
        service.leave_dead(first, 5)
    for left in service.recovery.claim("sink"):
        ship(left, 2)
    assert service.log() == (10, 4, 0, 6)
    before = WorkerGroup(service.folder, BASELINE, Unexpected())
    os.unlink(service.folder / "retired.counts")
    first, _ = sorted(service.folder.glob("orphan-*"))
    for path in first.iterdir():
        path.unlink()
    first.rmdir()
    anew = WorkerGroup(service.folder, BASELINE, Unexpected(), before)
    (own,) = service.folder.glob("worker-*")
    log = anew.others(own.name.removeprefix("worker-")).log_by_outcome()
    assert (log["accepted"], log["pending"]) == (10, 3)
    assert (log["delivered"], log["dropped"]) == (2, 5)


def test_a_folder_that_cannot_be_read_holds_nothing_else_up(service: Service) -> None:
    service.leave_dead(0, 5)
    service.leave_dead(5, 5)
    service.claimed()
    first, _ = sorted(service.folder.glob("orphan-*"))
    (first / "counts").write_bytes(b"damaged")
    assert service.claimed() == [[*range(5)], [*range(5, 10)]]
    for left in service.recovery.claim("sink"):
        ship(left, 5)
    assert service.claimed() == []
