"""All workers of a service: each record is counted once, whoever lives, dies or adopts."""

import fcntl
import gc
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.error_reporter import STAGES, ErrorReporter
from boxkite.live import retired_counts as module
from boxkite.live.record import Record, encode
from boxkite.live.worker import Worker
from boxkite.live.worker_group import WorkerGroup
from tests.live.conftest import Unexpected

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2)
NO_ERRORS = [0] * len(STAGES)
CONTENT = encode(Record("id", 1, [1.0], None))


class Collected(ErrorReporter):
    """Keeps the errors that were reported."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception] = []

    def count(self, stage: str, error: Exception, what: str = "") -> None:
        assert (stage, what) == ("journal", "")
        self.errors.append(error)


def open_group(folder: Path, reporter: ErrorReporter | None = None) -> WorkerGroup:
    return WorkerGroup(folder, BASELINE, reporter or Unexpected())


def new_worker(folder: Path, appended: int, folded: int = 0) -> Worker:
    worker = Worker(folder, BASELINE, 1000, 1 << 20)
    for i in range(appended):
        if i == folded:
            worker.fold(NO_ERRORS)
        worker.journal.append(CONTENT)
    return worker


def predictions(group: WorkerGroup, own: str = "") -> int:
    counts = group.others(own)
    assert counts.cells.sum() == counts.predictions
    return counts.predictions


def workers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def test_the_others_are_all_but_oneself(tmp_path: Path) -> None:
    group = open_group(tmp_path)
    one, two = new_worker(tmp_path, 5, folded=3), new_worker(tmp_path, 7)
    assert [predictions(group, each) for each in ("", one.id, two.id)] == [12, 7, 5]


def test_the_dead_are_merged_once_and_removed(tmp_path: Path) -> None:
    group = open_group(tmp_path)
    living = new_worker(tmp_path, 1)
    for _ in range(3):
        new_worker(tmp_path, 10, folded=4).abandon()
    assert predictions(group) == 31
    for _ in range(2):
        group.adopt(living.id)
        assert predictions(group) == 31
        assert workers(tmp_path) == [living.folder.name]
    assert predictions(open_group(tmp_path)) == 31


def test_living_workers_are_not_adopted(tmp_path: Path) -> None:
    group = open_group(tmp_path)
    living = [new_worker(tmp_path, 1) for _ in range(3)]
    group.adopt("")
    assert workers(tmp_path) == [worker.folder.name for worker in living]


def test_many_adopters_at_once_count_each_dead_worker_once(tmp_path: Path) -> None:
    for _ in range(20):
        new_worker(tmp_path, 10, folded=5).abandon()
    groups = [open_group(tmp_path) for _ in range(4)]
    seen: list[int] = []

    def adopt(group: WorkerGroup) -> None:
        seen.append(predictions(group))
        group.adopt("")
        seen.append(predictions(group))

    threads = [threading.Thread(target=adopt, args=(each,)) for each in groups]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (seen, workers(tmp_path)) == ([200] * 8, [])


def test_readers_see_every_record_once_while_workers_come_and_go(tmp_path: Path) -> None:
    group, other = open_group(tmp_path), open_group(tmp_path)
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set():
            seen.append(predictions(other))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(50):
        new_worker(tmp_path, 10, folded=5).abandon()
        group.adopt("")
    done.set()
    reader.join()
    assert seen == sorted(seen)
    assert predictions(other) == 500


@pytest.mark.parametrize(
    "restarts",
    [300, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.exhaustive])],
    ids=["300", "10000"],
)
def test_restarts_leave_the_living_and_one_more_set_and_a_scrape_reads_no_more_files(
    restarts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = open_group(tmp_path)
    living = new_worker(tmp_path, 1)
    opened: list[str] = []
    real_open = os.open

    def counting_open(path: Any, *args: Any, **keywords: Any) -> int:
        opened.append(Path(path).name)
        return real_open(path, *args, **keywords)

    def files_of_a_scrape() -> list[str]:
        opened.clear()
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", counting_open)
            group.adopt("")
            predictions(group)
        return opened.copy()

    before = files_of_a_scrape()
    gc.collect()  # what earlier tests left
    descriptors = len(os.listdir("/dev/fd"))
    for batch in range(restarts // 10):
        for _ in range(10):
            new_worker(tmp_path, 1).abandon()
        assert predictions(group) == 1 + 10 * (batch + 1)
        group.adopt(living.id)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "retired.counts",
        "retired.lock",
        living.folder.name,
    ]
    assert files_of_a_scrape() == before == ["lock", "counts"]
    gc.collect()
    assert len(os.listdir("/dev/fd")) == descriptors


def test_a_merge_that_was_cut_short_before_the_folder_went_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = open_group(tmp_path)
    new_worker(tmp_path, 10).abandon()
    new_worker(tmp_path, 10).abandon()

    def fail(*_: Any) -> None:
        raise OSError(5, "input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", fail)
        with pytest.raises(OSError, match="input/output"):
            group.adopt("")
        with pytest.raises(OSError, match="input/output"):
            group.adopt("")
    assert predictions(group) == 20
    assert len(workers(tmp_path)) == 2
    group.adopt("")
    assert (predictions(group), workers(tmp_path)) == (20, [])


def test_the_dead_count_on_in_a_folder_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "group"
    before = open_group(folder)
    new_worker(folder, 10).abandon()
    before.adopt("")
    folder.rename(tmp_path / "away")
    one = WorkerGroup(folder, BASELINE, Unexpected(), before)
    two = WorkerGroup(folder, BASELINE, Unexpected(), before)
    assert (predictions(one), predictions(two)) == (10, 10)


def test_counts_of_another_format_are_set_aside_and_reported(tmp_path: Path) -> None:
    new_worker(tmp_path, 10).abandon()
    open_group(tmp_path).adopt("")
    path = tmp_path / "retired.counts"
    old = b"OLD1" + path.read_bytes()[4:]
    path.write_bytes(old)
    reporter = Collected()
    group = open_group(tmp_path, reporter)
    open_group(tmp_path, reporter)
    assert [str(report) for report in reporter.errors] == [
        f"'{path}' is not a counts file of format 5."
    ]
    (aside,) = tmp_path.glob(".damaged-*-retired.counts")
    assert aside.read_bytes() == old
    assert predictions(group) == 0


def test_counts_damaged_in_both_slots_are_reported_and_begin_anew(tmp_path: Path) -> None:
    for _ in range(2):
        new_worker(tmp_path, 10).abandon()
    open_group(tmp_path).adopt("")
    path = tmp_path / "retired.counts"
    content = path.read_bytes()
    path.write_bytes(content[:16] + bytes(byte ^ 0xFF for byte in content[16:]))
    reporter = Collected()
    group = open_group(tmp_path, reporter)
    assert [str(report) for report in reporter.errors] == [
        f"'{path}' was damaged. The last counts of dead workers are lost."
    ]
    new_worker(tmp_path, 3).abandon()
    group.adopt("")
    assert predictions(group) == 3


def test_a_damaged_dead_worker_is_reported_once_and_holds_up_no_other(tmp_path: Path) -> None:
    damaged = new_worker(tmp_path, 10, folded=5)
    (damaged.folder / "counts").write_bytes(b"no counts")
    damaged.abandon()
    new_worker(tmp_path, 3).abandon()
    reporter = Collected()
    group = open_group(tmp_path, reporter)
    for _ in range(2):
        group.adopt("")
        # The journal of the damaged one is still whole.
        assert (predictions(group), len(reporter.errors), workers(tmp_path)) == (13, 1, [])


def test_what_died_while_it_was_made_is_removed_when_it_is_old(tmp_path: Path) -> None:
    for name, age in [("old", 1000.0), ("young", 0.0)]:
        folder = tmp_path / f".new-{name}"
        folder.mkdir()
        (folder / "lock").touch()
        now = folder.stat().st_mtime
        os.utime(folder, (now - age, now - age))
    open_group(tmp_path)
    assert workers(tmp_path) == [".new-young"]


def test_a_lock_that_is_never_given_back_is_an_error_and_no_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = open_group(tmp_path)
    new_worker(tmp_path, 10).abandon()
    monkeypatch.setattr(module, "_LOCK_SECONDS", 0.05)
    with (tmp_path / "retired.lock").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match="Another process held the lock"):
            group.adopt("")
        assert predictions(group) == 10
    group.adopt("")
    assert (predictions(group), workers(tmp_path)) == (10, [])
