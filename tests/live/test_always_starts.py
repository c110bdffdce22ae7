"""No folder stops a service: it starts, counts in memory, logs, and says why once."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from boxkite import Baseline, Monitor
from boxkite.live import temporary_folder
from boxkite.settings import Settings

BASELINE = Baseline.fit(
    {"a": np.arange(8.0)}, {"b": np.arange(8.0)}, bins=2, model="m", version="1"
)
Spoil = Callable[[Path], None]


def _file(path: Path) -> None:
    path.touch()


def _below_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.touch()


def _dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere" / "at" / "all")


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _foreign(path: Path) -> None:
    path.mkdir()
    os.chown(path, 65534, 65534)


def _link_of_another(path: Path) -> None:
    path.with_name("real").mkdir()
    path.symlink_to(path.with_name("real"))
    os.chown(path, 65534, 65534, follow_symlinks=False)


root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
spoilt = pytest.mark.parametrize(
    "spoil",
    [
        _file,
        _below_a_file,
        _dangling_link,
        _loop,
        pytest.param(_foreign, marks=root),
        pytest.param(_link_of_another, marks=root),
    ],
)


def check_counting(monitor: Monitor, caplog: pytest.LogCaptureFixture) -> None:
    """Check that a monitor counts, and told one thing, which names the setting."""
    for number in range(20):
        monitor.log_prediction([float(number % 8)], 1.0)
    for _ in range(3):
        body = monitor.export().body.decode()
        assert 'boxkite_predictions_total{model_name="m",model_version="1"} 20\n' in body
    assert monitor.drift().predictions == 20
    assert monitor.reporter.counts()["journal"] == 1
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "FLASK_BOXKITE_STATE_DIR under Flask, BOXKITE_STATE_DIR elsewhere" in record.message


@spoilt
@pytest.mark.parametrize("given", [True, False], ids=["STATE_DIR", "TMPDIR"])
def test_a_service_counts_without_a_folder(
    given: bool,
    spoil: Spoil,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parent = tmp_path / "parent"
    parent.mkdir()
    path = parent / ("state" if given else f"boxkite-{os.geteuid()}")
    spoil(path)
    monkeypatch.setenv("TMPDIR", str(parent))
    monkeypatch.setattr(temporary_folder, "_PLACES", [])
    settings = Settings(state_dir=str(path) if given else None, log="file:")
    monitor = Monitor(BASELINE, settings=settings, registry=None)
    check_counting(monitor, caplog)
    assert monitor.flush(0.5) is False  # the default log has no folder either
    assert len(caplog.records) == 1
    assert monitor._counts.totals().log_by_outcome()["pending"] == 20
    monitor.close(0.5)


def test_without_a_folder_records_still_reach_a_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").touch()
    settings = Settings(state_dir=str(tmp_path / "state"), log=f"file:{tmp_path / 'log'}")
    monitor = Monitor(BASELINE, settings=settings, registry=None)
    check_counting(monitor, caplog)
    assert monitor.flush(60)
    files = list((tmp_path / "log").rglob("*.txt"))
    lines = [line for file in files for line in file.read_text().splitlines()]
    assert len({json.loads(line)["entity_id"] for line in lines}) == 20
    assert monitor._counts.totals().log_by_outcome()["delivered"] == 20
    monitor.close()


@pytest.mark.parametrize("log", ["fluentd://127.0.0.1:1", "none:"])
def test_any_log_starts_without_a_folder(
    log: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").touch()
    settings = Settings(state_dir=str(tmp_path / "state"), log=log)
    monitor = Monitor(BASELINE, settings=settings, registry=None)
    for _ in range(20):
        monitor.log_prediction([1.0], 1.0)
    assert monitor._counts.totals().predictions == 20
    assert [each.message for each in caplog.records if "journal" in each.message[:16]]
    monitor.close(0.1)


@root
def test_whatever_other_workers_hold_is_still_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(state_dir=str(tmp_path), log="none:")
    other = Monitor(BASELINE, settings=settings, registry=None)
    for _ in range(5):
        other.log_prediction([1.0], 1.0)
    other._counts.fold()
    (group,) = tmp_path.iterdir()
    os.chown(group, 65534, 65534)
    for path in group.iterdir():
        os.chown(path, 65534, 65534)
    monitor = Monitor(BASELINE, settings=settings, registry=None)
    monitor.log_prediction([1.0], 1.0)
    for total in (6, 7):
        assert monitor._counts.totals().predictions == total
        other.log_prediction([1.0], 1.0)
        other._counts.fold()
    assert [f"'{group}' belongs to user 65534" in each for each in caplog.messages] == [True]
    other.close()
    monitor.close()


@root
def test_a_log_folder_of_another_user_keeps_the_records_in_the_journal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "log"
    log.mkdir()
    os.chown(log, 65534, 65534)
    log.chmod(0o2777)
    monitor = Monitor(BASELINE, settings=Settings(state_dir=str(tmp_path), log="file:"))
    for _ in range(20):
        monitor.log_prediction([1.0], 1.0)
    assert monitor.flush(0.5) is False
    assert list(log.iterdir()) == []
    assert monitor._counts.totals().predictions == 20
    assert monitor._counts.totals().log_by_outcome()["pending"] == 20
    assert ["Cannot write the log" in each for each in caplog.messages] == [True]
    os.chown(log, 0, 0)
    log.chmod(0o755)
    assert monitor.flush(60)
    assert monitor._counts.totals().log_by_outcome()["delivered"] == 20
    monitor.close()


def test_a_working_directory_that_was_deleted_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monitor = Monitor(BASELINE, settings=Settings(state_dir="state", log="none:"), registry=None)
    monitor.log_prediction([1.0], 1.0)
    assert monitor._counts.totals().predictions == 1
    monitor.close()
