"""A process that only reads shows all counts, and never becomes a worker."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from boxkite import Baseline, Monitor
from boxkite.live.record import Record, encode
from boxkite.live.worker import Worker
from boxkite.settings import Settings

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
BASELINE = Baseline.fit(
    {"a": np.arange(1000.0)}, {"b": np.arange(1000.0)}, bins=4, model="m", version="1"
)


def new_monitor(folder: Path, log: str = "file:") -> Monitor:
    settings = Settings(state_dir=str(folder), log=log)
    return Monitor(BASELINE, settings=settings, registry=None)


def files(folder: Path) -> dict[Path, tuple[int, int, int]]:
    """Return owner, inode and time of each file and folder."""
    found = {path: path.lstat() for path in [folder, *folder.rglob("*")]}
    return {path: (each.st_uid, each.st_ino, each.st_mtime_ns) for path, each in found.items()}


@pytest.mark.parametrize("log", ["file:", "none:"])
def test_reading_changes_nothing_and_shows_everything(log: str, tmp_path: Path) -> None:
    service = new_monitor(tmp_path, "none:")
    for number in range(100):
        service.log_prediction([float(number)], 1.0)
    service.close()
    member = service._counts.member
    assert member is not None
    dead = Worker(member.group.folder, BASELINE, 1000, 1 << 20)
    dead.journal.append(encode(Record("id", 1, [1.0], [1.0])))
    dead.abandon()
    before = files(tmp_path)
    reader = new_monitor(tmp_path, log)
    assert reader.drift().predictions == 101
    assert reader.drift("1d").predictions >= 0
    assert reader.report() is not None
    assert len(reader._counts.hours()) == 1
    reader.close()
    del reader
    gc.collect()
    assert files(tmp_path) == before


def test_a_reader_of_nothing_creates_nothing(tmp_path: Path) -> None:
    reader = new_monitor(tmp_path / "state")
    assert reader.drift().predictions == 0
    assert reader.drift("1h").predictions == 0
    reader.close()
    assert not (tmp_path / "state").exists()


def test_who_has_predicted_or_was_scraped_is_a_worker(tmp_path: Path) -> None:
    one, two = new_monitor(tmp_path), new_monitor(tmp_path)
    one.log_prediction([1.0], 1.0)
    assert one.drift().predictions == 1
    assert len(list(tmp_path.glob("*/worker-*"))) == 1
    two.export()
    assert len(list(tmp_path.glob("*/worker-*"))) == 2
    one.close()
    two.close()


APP = """
from flask import Flask
from boxkite_flask import Boxkite

app = Flask(__name__)
app.config["FLASK_BOXKITE_STATE_DIR"] = %s
app.config["FLASK_BOXKITE_LOG"] = "file:"
monitor = Boxkite(app, registry=None, baseline="histogram.prom")
"""
DRIFT = """
from app import app
print(app.extensions["boxkite"].drift().predictions)
"""


@root
@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "drift.py"],
        [sys.executable, "-m", "flask", "boxkite", "show"],
        [sys.executable, "-m", "flask", "boxkite", "logs", "ls"],
        [sys.executable, "-m", "flask", "routes"],
    ],
    ids=lambda command: " ".join(command[1:]),
)
def test_root_may_run_commands_beside_a_service_of_another_user(
    command: list[str], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    BASELINE.write(tmp_path / "histogram.prom")
    (tmp_path / "app.py").write_text(APP % repr(str(state)))
    (tmp_path / "drift.py").write_text(DRIFT)
    service = new_monitor(state)
    service.log_prediction([1.0], 1.0)
    service._counts.fold()
    service.flush()
    for path in [state, *state.rglob("*")]:
        os.chown(path, 65534, 65534)
    before = files(state)
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (result.returncode, "boxkite journal" in result.stderr) == (0, False), result.stderr
    assert files(state) == before
    if command[-1] == "drift.py":
        assert result.stdout == "1\n"
    service.close()
