"""One bad folder in a group is skipped and reported, and holds up no other worker."""

import os
from pathlib import Path

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.error_reporter import STAGES, ErrorReporter
from boxkite.live.group_counts import GroupCounts
from boxkite.live.record import Record, encode
from boxkite.live.worker import Worker
from boxkite.live.worker_group import WorkerGroup

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2)
CONTENT = encode(Record("id", 1, [1.0], None))
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")


def new_worker(folder: Path, records: int) -> Worker:
    worker = Worker(folder, BASELINE, 1000, 1 << 20)
    append(worker, records)
    return worker


def append(worker: Worker, records: int) -> None:
    for _ in range(records):
        worker.journal.append(CONTENT)
    worker.fold([0] * len(STAGES))


def predictions(counts: GroupCounts | WorkerGroup) -> int:
    return counts.others("").predictions


@root
@pytest.mark.parametrize("mode", [0o700, 0o777, 0o2777])
def test_a_folder_of_another_user_is_skipped_and_reported_once(
    mode: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reporter = ErrorReporter()
    group = WorkerGroup(tmp_path, BASELINE, reporter)
    foreign, dead, living = (new_worker(tmp_path, records) for records in (100, 10, 1))
    foreign.abandon()
    dead.abandon()
    os.chown(foreign.folder, 65534, 65534)
    foreign.folder.chmod(mode)
    for _ in range(3):
        group.adopt(living.id)
        assert predictions(group) == 11
        append(living, 0)
    assert {path.name for path in tmp_path.glob("worker-*")} == {
        foreign.folder.name,
        living.folder.name,
    }
    assert reporter.counts()["journal"] == 1
    (message,) = caplog.messages
    assert f"'{foreign.folder}' is skipped, because it is not a folder of user 0" in message


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_folder_is_skipped(kind: str, tmp_path: Path) -> None:
    group = WorkerGroup(tmp_path / "group", BASELINE, ErrorReporter())
    new_worker(tmp_path / "group", 3)
    elsewhere = new_worker(tmp_path / "other", 100)
    path = tmp_path / "group" / "worker-0"
    path.touch() if kind == "file" else path.symlink_to(elsewhere.folder)
    group.adopt("")
    assert predictions(group) == 3


def test_a_living_worker_with_a_damaged_header_keeps_its_last_known_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reporter = ErrorReporter()
    group = WorkerGroup(tmp_path, BASELINE, reporter)
    damaged, living = new_worker(tmp_path, 10), new_worker(tmp_path, 1)
    assert predictions(group) == 11
    with (damaged.folder / "counts").open("r+b") as file:
        file.write(b"????")
    for total in (12, 13, 14):
        append(living, 1)
        new_worker(tmp_path, 5).abandon()
        group.adopt("")
        assert predictions(group) == total + 5 * (total - 11)
    # Who never read them cannot show them.
    assert predictions(WorkerGroup(tmp_path, BASELINE, reporter)) == 3 + 1 + 15
    (message,) = caplog.messages
    assert "is not a counts file of format" in message
    assert "Its last known counts are shown." in message
    assert reporter.counts()["journal"] == 1


def test_a_dead_worker_that_cannot_be_merged_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = WorkerGroup(tmp_path, BASELINE, ErrorReporter())
    first, second = new_worker(tmp_path, 10), new_worker(tmp_path, 1)
    first.abandon()
    second.abandon()
    merge = group.retired.merge

    def refuse_first(folder: object) -> None:
        if getattr(folder, "path", None) == first.folder:
            raise OSError(5, "input/output error")
        merge(folder)  # type: ignore[arg-type]

    monkeypatch.setattr(group.retired, "merge", refuse_first)
    with pytest.raises(OSError, match="input/output"):
        group.adopt("")
    assert [path.name for path in tmp_path.glob("worker-*")] == [first.folder.name]
    assert predictions(group) == 11


def test_a_reader_adds_up_a_group_without_writing_anything(tmp_path: Path) -> None:
    group = WorkerGroup(tmp_path, BASELINE, ErrorReporter())
    new_worker(tmp_path, 10).abandon()
    group.adopt("")
    new_worker(tmp_path, 5).abandon()
    living = new_worker(tmp_path, 1)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    reader = GroupCounts(tmp_path, BASELINE, ErrorReporter())
    assert predictions(reader) == 16
    append(living, 1)
    assert predictions(reader) == 17
    assert set(tmp_path.rglob("*")) == set(before)
    assert predictions(GroupCounts(tmp_path / "none", BASELINE, ErrorReporter())) == 0
    assert not (tmp_path / "none").exists()
