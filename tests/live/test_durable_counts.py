"""The counting of one process beside others: nothing it was given is lost, whatever becomes of the
state folder, and the counts never go down."""

import contextlib
import errno
import gc
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.live import durable_counts as module
from boxkite.live import group_member
from boxkite.live.durable_counts import DurableCounts
from boxkite.live.prediction_counter import PredictionCounter
from boxkite.live.record import Record, encode
from boxkite.live.state_folder import StateFolder
from tests.live.conftest import interrupting

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2)
CONTENT = encode(Record("id", 1, [1.0], None))


class Counter:
    """Counts, and the thread that counts in the background."""

    def __init__(self, folder: Path, max_bytes: int, reporter: ErrorReporter) -> None:
        self.counts = DurableCounts(BASELINE, StateFolder(str(folder)), reporter, max_bytes)
        self.in_background = PredictionCounter(self.counts, reporter)
        self.append = self.in_background.append
        self.totals = self.counts.totals
        self.close = self.in_background.close


@contextlib.contextmanager
def counting(
    folder: Path, max_bytes: int = 1 << 28, reporter: ErrorReporter | None = None
) -> Iterator[Counter]:
    counter = Counter(folder, max_bytes, reporter or ErrorReporter())
    try:
        yield counter
    finally:
        counter.close(60)


def append(counter: Counter, number: int) -> None:
    for _ in range(number):
        counter.append(CONTENT)


def predictions(counter: Counter) -> int:
    counts = counter.totals()
    assert counts.cells.sum() == counts.predictions
    return counts.predictions


def test_what_was_appended_is_in_the_next_totals(tmp_path: Path) -> None:
    with counting(tmp_path) as counter:
        assert predictions(counter) == 0
        for total in (1, 1001, 3000):
            append(counter, total - predictions(counter))
            assert predictions(counter) == total


def test_each_of_several_shows_the_sum_of_all(tmp_path: Path) -> None:
    with counting(tmp_path) as one, counting(tmp_path) as two, counting(tmp_path) as three:
        append(one, 10)
        append(two, 20)
        assert [predictions(each) for each in (one, two, three)] == [30, 30, 30]


def test_what_a_former_run_left_goes_on(tmp_path: Path) -> None:
    for total in (10, 20, 30):
        with counting(tmp_path) as counter:
            append(counter, 10)
            assert predictions(counter) == total
        del counter
        gc.collect()


def test_errors_of_all_are_added_and_outlive_the_process(tmp_path: Path) -> None:
    troubles = [ErrorReporter(), ErrorReporter()]
    with (
        counting(tmp_path, reporter=troubles[0]) as one,
        counting(tmp_path, reporter=troubles[1]) as two,
    ):
        for reporter, counter in zip(troubles, (one, two), strict=True):
            reporter.count("features", ValueError("wrong"))
            append(counter, 1)
            counter.totals()
        assert one.totals().errors_by_stage()["features"] == 2
    del one, two, counter
    gc.collect()
    with counting(tmp_path) as counter:
        assert counter.totals().errors_by_stage()["features"] == 2


def test_two_baselines_in_one_folder_do_not_meet(tmp_path: Path) -> None:
    other = Baseline.fit({"a": np.arange(100.0), "b": ["x", "y"] * 50})
    with counting(tmp_path) as counter:
        neighbour = DurableCounts(other, StateFolder(str(tmp_path)), ErrorReporter(), 1 << 28)
        append(counter, 3)
        neighbour.append(encode(Record("id", 1, [1.0, "x"], None)))
        assert (predictions(counter), neighbour.totals().predictions) == (3, 1)


def test_a_journal_that_is_full_is_folded_by_the_request(tmp_path: Path) -> None:
    reporter = ErrorReporter()
    with counting(tmp_path, 4000, reporter) as counter:
        counter.in_background._background.stop(60)
        append(counter, 5000)
        assert sum(p.stat().st_size for p in tmp_path.glob("*/worker-*/journal-*")) <= 4000
        assert (predictions(counter), reporter.counts()["journal"]) == (5000, 0)


def test_a_record_that_no_journal_may_hold_is_counted_in_memory_and_then_kept(
    tmp_path: Path,
) -> None:
    reporter = ErrorReporter()
    with counting(tmp_path, 4000, reporter) as counter:
        counter.append(encode(Record("id", 1, [1.0], None, b"x" * 10_000)))
        assert (predictions(counter), reporter.counts()["journal"]) == (1, 1)
        with counting(tmp_path) as other:
            assert predictions(other) == 1


def test_threads_that_append_and_read_at_once_lose_nothing(tmp_path: Path) -> None:
    with counting(tmp_path, 100_000) as one, counting(tmp_path, 100_000) as two:
        seen: dict[Counter, list[int]] = {one: [], two: []}

        def work(counter: Counter) -> None:
            for _ in range(10):
                append(counter, 200)
                seen[counter].append(predictions(counter))

        threads = [threading.Thread(target=work, args=(each,)) for each in (one, two) * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (predictions(one), predictions(two)) == (8000, 8000)
        for found in seen.values():
            assert len(found) == 20


def test_an_unusable_folder_is_told_once_and_what_was_counted_meanwhile_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.0)
    blocked = tmp_path / "state"
    blocked.write_text("a file where the folder should be")
    reporter = ErrorReporter()
    with counting(blocked, reporter=reporter) as counter:
        for total in (10, 20):
            append(counter, 10)
            assert predictions(counter) == total
        assert reporter.counts()["journal"] == 1
        assert counter.totals().errors_by_stage() == reporter.counts()
        (message,) = caplog.messages
        assert f"on the disk: '{blocked}' is not a folder." in message
        assert "FLASK_BOXKITE_STATE_DIR" in message
        blocked.unlink()
        append(counter, 10)
        assert predictions(counter) == 30
    del counter
    gc.collect()
    with counting(blocked) as counter:
        assert predictions(counter) == 30


def test_an_unusable_folder_is_not_tried_with_each_request(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    reporter = ErrorReporter()
    with counting(tmp_path / "state", reporter=reporter) as counter:
        append(counter, 10_000)
        assert counter.counts._memory.uncounted <= module._MAX_UNCOUNTED_IN_MEMORY
        assert predictions(counter) == 10_000
        assert reporter.counts()["journal"] == 1


def test_a_folder_that_is_deleted_is_made_anew_with_all_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.0)
    reporter = ErrorReporter()
    with counting(tmp_path / "state") as dead:
        append(dead, 5)
    del dead
    gc.collect()
    with (
        counting(tmp_path / "state", reporter=reporter) as one,
        counting(tmp_path / "state") as two,
    ):
        for round_ in range(1, 4):
            append(one, 10)
            append(two, 10)
            assert predictions(one) == 5 + 20 * round_
            shutil.rmtree(tmp_path / "state")
            assert predictions(one) == 5 + 20 * round_
            assert predictions(two) == 5 + 20 * round_
            assert predictions(one) == 5 + 20 * round_
        assert reporter.counts()["journal"] == 3
        assert ["was deleted or damaged" in each for each in caplog.messages] == [
            True,
            True,
        ]
    del one, two
    gc.collect()
    with counting(tmp_path / "state") as counter:
        assert predictions(counter) == 65


@pytest.mark.parametrize("deleted", ["retired.counts", "worker-*/lock", "worker-*/counts"])
def test_a_folder_of_which_a_part_is_deleted_is_made_anew(deleted: str, tmp_path: Path) -> None:
    with counting(tmp_path) as dead:
        append(dead, 5)
    del dead
    gc.collect()
    with counting(tmp_path) as one, counting(tmp_path) as two:
        append(one, 10)
        append(two, 10)
        assert (predictions(one), predictions(two)) == (25, 25)
        for path in tmp_path.glob(f"*/{deleted}"):
            path.unlink()
        append(one, 1)
        append(two, 1)
        # Each notices for itself; until all have, nobody shows less than before.
        assert [predictions(each) >= 25 for each in (one, two)] == [True, True]
        assert (predictions(one), predictions(two)) == (27, 27)
    del one, two
    gc.collect()
    with counting(tmp_path) as counter:
        assert predictions(counter) == 27


def test_a_disk_that_is_full_for_a_while_costs_nothing_but_errors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(group_member, "SEGMENT_BYTES", 2000)
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.0)
    reporter = ErrorReporter()
    with counting(tmp_path, reporter=reporter) as counter, counting(tmp_path) as other:
        append(counter, 10)
        assert predictions(counter) == 10
        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", refuse)
            append(counter, 1000)
            assert predictions(counter) == 1010
        append(counter, 1000)
        assert (predictions(counter), predictions(other)) == (2010, 2010)
    assert reporter.counts()["journal"] > 0
    assert ["No space left on device" in each for each in caplog.messages] == [True]


def test_a_system_without_locks_counts_in_memory(tmp_path: Path) -> None:
    program = """
import sys
sys.modules["fcntl"] = None
import numpy as np
from boxkite import Baseline, Monitor, Settings
monitor = Monitor(Baseline.fit({"a": np.arange(8.0)}), registry=None,
                  settings=Settings(state_dir=sys.argv[1]))
for _ in range(10):
    monitor.log_prediction([1.0])
sys.stdout.write(str(monitor.drift().predictions))
monitor.close()
"""
    command = [sys.executable, "-c", program, str(tmp_path / "state")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (0, "10")
    assert result.stderr.count("boxkite journal") == 1
    assert "This system has no flock" in result.stderr


def test_closing_counts_what_waits_twice_does_no_more_and_later_ones_count(tmp_path: Path) -> None:
    threads = threading.active_count()
    with counting(tmp_path) as counter:
        append(counter, 10)
        counter.close(60)
        counter.close(60)
        assert threading.active_count() == threads
        with counting(tmp_path) as other:
            append(counter, 10)
            assert (predictions(other), predictions(counter)) == (20, 20)
        counter.close(60)
        assert threading.active_count() == threads


def test_closing_what_was_never_used_makes_neither_folder_nor_thread(tmp_path: Path) -> None:
    threads = threading.active_count()
    with counting(tmp_path / "state") as counter:
        counter.close(60)
    assert (threading.active_count(), list(tmp_path.iterdir())) == (threads, [])


def test_closing_does_not_wait_for_a_reader_that_hangs(tmp_path: Path) -> None:
    with counting(tmp_path) as counter:
        append(counter, 1)
        inside, go_on = threading.Event(), threading.Event()

        def hang() -> None:
            with counter.counts._folded(join=True):
                inside.set()
                assert go_on.wait(60)

        reader = threading.Thread(target=hang)
        reader.start()
        assert inside.wait(60)
        counter.close(0.01)
        assert not go_on.is_set()
        go_on.set()
        reader.join()


def test_a_counter_that_nobody_holds_lets_go_of_its_thread_and_its_worker(tmp_path: Path) -> None:
    gc.collect()  # what earlier tests left
    descriptors, threads = len(os.listdir("/dev/fd")), threading.active_count()
    for _ in range(20):
        counter = Counter(tmp_path, 1 << 28, ErrorReporter())
        append(counter, 1)
        thread = counter.in_background._background._thread
        assert thread is not None
        del counter
        gc.collect()
        thread.join(60)
        assert not thread.is_alive()
    # A thread of an earlier test may have ended since.
    assert len(os.listdir("/dev/fd")) <= descriptors
    assert threading.active_count() <= threads
    with counting(tmp_path) as counter:
        assert predictions(counter) == 20
        assert len(list(tmp_path.glob("*/worker-*"))) == 1


@pytest.mark.parametrize("what", ["append", "totals", "first use", "full journal", "unusable"])
def test_signal_handlers_that_append_neither_hang_nor_lose_anything(
    what: str, tmp_path: Path
) -> None:
    folder = tmp_path / "state"
    if what == "unusable":
        folder.write_text("a file where the folder should be")
    handled = written = 0
    current: list[Counter] = []

    def handler(*_: Any) -> None:
        nonlocal handled
        if current:
            current[0].append(CONTENT)
            handled += 1

    max_bytes = 3000 if what == "full journal" else 1 << 28
    for _ in range(30 if what == "first use" else 1):
        with counting(folder, max_bytes) as counter:
            current[:] = [counter]
            with interrupting(handler, 0.002, 0.0013):
                start = handled
                while handled - start < (3 if what == "first use" else 150):
                    append(counter, 1)
                    written += 1
                    if what in ("totals", "unusable"):
                        counter.totals()
            current.clear()
            assert predictions(counter) == written + handled
        del counter
        gc.collect()
