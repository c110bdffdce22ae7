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
from boxkite.error_reporter import STAGES
from boxkite.live import population as module
from boxkite.live.population import Population
from boxkite.live.record import Record, encode
from boxkite.live.worker import Worker

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2)
NO_ERRORS = [0] * len(STAGES)
CONTENT = encode(Record("id", 1, [1.0], None))


def unexpected(error: Exception) -> None:
    raise error


def open_population(folder: Path, report: Any = unexpected) -> Population:
    return Population(folder, BASELINE, report)


def new_worker(folder: Path, appended: int, folded: int = 0) -> Worker:
    worker = Worker(folder, BASELINE, 1000, 1 << 20)
    for i in range(appended):
        if i == folded:
            worker.fold(NO_ERRORS)
        worker.journal.append(CONTENT)
    return worker


def predictions(population: Population, own: str = "") -> int:
    counts = population.others(own)
    assert counts.cells.sum() == counts.predictions
    return counts.predictions


def workers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def test_the_others_are_all_but_oneself(tmp_path: Path) -> None:
    population = open_population(tmp_path)
    one, two = new_worker(tmp_path, 5, folded=3), new_worker(tmp_path, 7)
    assert [predictions(population, each) for each in ("", one.id, two.id)] == [12, 7, 5]


def test_the_dead_are_merged_once_and_removed(tmp_path: Path) -> None:
    population = open_population(tmp_path)
    living = new_worker(tmp_path, 1)
    for _ in range(3):
        new_worker(tmp_path, 10, folded=4).abandon()
    assert predictions(population) == 31
    for _ in range(2):
        population.adopt(living.id)
        assert predictions(population) == 31
        assert workers(tmp_path) == [living.folder.name]
    assert predictions(open_population(tmp_path)) == 31


def test_living_workers_are_not_adopted(tmp_path: Path) -> None:
    population = open_population(tmp_path)
    living = [new_worker(tmp_path, 1) for _ in range(3)]
    population.adopt("")
    assert workers(tmp_path) == [worker.folder.name for worker in living]


def test_many_adopters_at_once_count_each_dead_worker_once(tmp_path: Path) -> None:
    for _ in range(20):
        new_worker(tmp_path, 10, folded=5).abandon()
    populations = [open_population(tmp_path) for _ in range(4)]
    seen: list[int] = []

    def adopt(population: Population) -> None:
        seen.append(predictions(population))
        population.adopt("")
        seen.append(predictions(population))

    threads = [threading.Thread(target=adopt, args=(each,)) for each in populations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (seen, workers(tmp_path)) == ([200] * 8, [])


def test_readers_see_every_record_once_while_workers_come_and_go(tmp_path: Path) -> None:
    population, other = open_population(tmp_path), open_population(tmp_path)
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set():
            seen.append(predictions(other))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(50):
        new_worker(tmp_path, 10, folded=5).abandon()
        population.adopt("")
    done.set()
    reader.join()
    assert seen == sorted(seen)
    assert predictions(other) == 500


@pytest.mark.parametrize(
    "restarts", [300, pytest.param(10_000, marks=pytest.mark.slow)], ids=["300", "10000"]
)
def test_restarts_leave_the_living_and_one_more_set_and_a_scrape_reads_no_more_files(
    restarts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    population = open_population(tmp_path)
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
            population.adopt("")
            predictions(population)
        return opened.copy()

    before = files_of_a_scrape()
    gc.collect()  # what earlier tests left
    descriptors = len(os.listdir("/dev/fd"))
    for batch in range(restarts // 10):
        for _ in range(10):
            new_worker(tmp_path, 1).abandon()
        assert predictions(population) == 1 + 10 * (batch + 1)
        population.adopt(living.id)
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
    population = open_population(tmp_path)
    new_worker(tmp_path, 10).abandon()
    new_worker(tmp_path, 10).abandon()

    def fail(*_: Any) -> None:
        raise OSError(5, "input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", fail)
        with pytest.raises(OSError, match="input/output"):
            population.adopt("")
        with pytest.raises(OSError, match="input/output"):
            population.adopt("")
    assert predictions(population) == 20
    assert len(workers(tmp_path)) == 2
    population.adopt("")
    assert (predictions(population), workers(tmp_path)) == (20, [])


def test_the_dead_count_on_in_a_folder_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "population"
    before = open_population(folder)
    new_worker(folder, 10).abandon()
    before.adopt("")
    folder.rename(tmp_path / "away")
    one = Population(folder, BASELINE, unexpected, before)
    two = Population(folder, BASELINE, unexpected, before)
    assert (predictions(one), predictions(two)) == (10, 10)


def test_counts_of_another_format_are_set_aside_and_reported(tmp_path: Path) -> None:
    new_worker(tmp_path, 10).abandon()
    open_population(tmp_path).adopt("")
    path = tmp_path / "retired.counts"
    old = b"OLD1" + path.read_bytes()[4:]
    path.write_bytes(old)
    reports: list[Exception] = []
    population = open_population(tmp_path, reports.append)
    open_population(tmp_path, reports.append)
    assert [str(report) for report in reports] == [f"{path} is no file of counts of format 2"]
    (aside,) = tmp_path.glob(".damaged-*-retired.counts")
    assert aside.read_bytes() == old
    assert predictions(population) == 0


def test_counts_damaged_in_both_slots_are_reported_and_begin_anew(tmp_path: Path) -> None:
    for _ in range(2):
        new_worker(tmp_path, 10).abandon()
    open_population(tmp_path).adopt("")
    path = tmp_path / "retired.counts"
    content = path.read_bytes()
    path.write_bytes(content[:16] + bytes(byte ^ 0xFF for byte in content[16:]))
    reports: list[Exception] = []
    population = open_population(tmp_path, reports.append)
    assert [str(report) for report in reports] == [
        f"{path} was damaged; counts of dead workers are lost"
    ]
    new_worker(tmp_path, 3).abandon()
    population.adopt("")
    assert predictions(population) == 3


def test_a_damaged_dead_worker_is_reported_once_and_holds_up_no_other(tmp_path: Path) -> None:
    damaged = new_worker(tmp_path, 10, folded=5)
    (damaged.folder / "counts").write_bytes(b"no counts")
    damaged.abandon()
    new_worker(tmp_path, 3).abandon()
    reports: list[Exception] = []
    population = open_population(tmp_path, reports.append)
    for _ in range(2):
        population.adopt("")
        # The journal of the damaged one is still whole.
        assert (predictions(population), len(reports), workers(tmp_path)) == (13, 1, [])


def test_what_died_while_it_was_made_is_removed_when_it_is_old(tmp_path: Path) -> None:
    for name, age in [("old", 1000.0), ("young", 0.0)]:
        folder = tmp_path / f".new-{name}"
        folder.mkdir()
        (folder / "lock").touch()
        now = folder.stat().st_mtime
        os.utime(folder, (now - age, now - age))
    open_population(tmp_path)
    assert workers(tmp_path) == [".new-young"]


def test_a_lock_that_is_never_given_back_is_an_error_and_no_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    population = open_population(tmp_path)
    new_worker(tmp_path, 10).abandon()
    monkeypatch.setattr(module, "_LOCK_SECONDS", 0.05)
    with (tmp_path / "retired.lock").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match="another process keeps"):
            population.adopt("")
        assert predictions(population) == 10
    population.adopt("")
    assert (predictions(population), workers(tmp_path)) == (10, [])
