"""A process that only reads shows every label of the group, and writes nothing."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from boxkite import Baseline, Monitor
from boxkite.live.outcomes.outcome_record import encode_outcome
from boxkite.live.record import Record, encode
from boxkite.live.worker import Worker
from boxkite.settings import Settings

SCORES = np.linspace(0, 1, 1000)
BASELINE = Baseline.fit(
    {"x": np.arange(1000) % 5, "carrier": np.array(["UA", "DL"])[np.arange(1000) % 2]},
    {"score": SCORES},
    outcome=SCORES > 0.4,
    segments=["carrier"],
    model="m",
    version="1",
)
DAY = 86_400
SECOND = 1_000_000_000


def new_monitor(folder: Path) -> Monitor:
    settings = Settings(
        outcome_ttl=float(DAY), state_dir=str(folder), log="none:", server_id="here"
    )
    return Monitor(BASELINE, settings=settings, registry=None)


def files(folder: Path) -> dict[Path, tuple[int, int, bytes]]:
    """Return inode, time and content of each file and folder."""
    found = {path: path.lstat() for path in [folder, *folder.rglob("*")]}
    return {
        path: (each.st_ino, each.st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path, each in found.items()
    }


def label_some(service: Monitor, number: int) -> None:
    for position in range(number):
        identifier = service.log_prediction([1.0, "UA" if position % 2 else "DL"], 0.9)
        service.log_outcome(identifier, position % 4 != 0)


def add_dead_worker(service: Monitor) -> None:
    """Leave a worker whose label nobody has joined, as a kill leaves it."""
    member = service._counts.member
    assert member is not None
    dead = Worker(member.group.folder, BASELINE, 1000, 1 << 20, joins=True)
    entity, made = "0193f0a0-0000-7000-8000-000000000001", time.time_ns() - 2 * DAY * SECOND
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(made // SECOND))
    dead.journal.append(encode(Record(entity, made, [1.0, "UA"], [0.9])))
    dead.journal.append(encode_outcome(f"here/{moment}/{entity}", made + 1, 1))
    dead.abandon()


@pytest.mark.parametrize("joined", [True, False], ids=["joined-in-part", "never-joined"])
def test_reading_shows_all_labels_and_changes_nothing(joined: bool, tmp_path: Path) -> None:
    service = new_monitor(tmp_path)
    label_some(service, 100)
    service.export()
    label_some(service, 40)
    add_dead_worker(service)
    service.close()
    if not joined:
        # The journals still hold everything, because no segment of them is full.
        for path in tmp_path.rglob("outcomes.*"):
            path.unlink()
    before = files(tmp_path)
    reader = new_monitor(tmp_path)
    quality = reader.quality()
    accuracy = next(each.now for each in quality if each.now.name == "accuracy")
    assert (quality.rows, accuracy.value) == (141, 106 / 141)
    days = [each.quality.rows for each in reader.quality_by_day()]
    assert (days[0], sum(days)) == (1, 141)
    by_segment = {name: each.rows for name, each in reader.quality_by_segment().items()}
    assert (by_segment["carrier=UA"], by_segment["carrier=DL"]) == (71, 70)
    assert reader.reporter.counts()["outcome"] == 0
    reader.close()
    assert files(tmp_path) == before


def overwrite(database: Path) -> None:
    database.write_bytes(b"no database" * 1000)


def shorten_pairs(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute("UPDATE pairs SET content = x'00'")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("damage", [overwrite, shorten_pairs])
def test_a_damaged_database_is_left_to_the_workers(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    service = new_monitor(tmp_path)
    label_some(service, 10)
    service.export()
    service.close()
    (database,) = tmp_path.rglob("outcomes.db")
    damage(database)
    before = files(tmp_path)
    reader = new_monitor(tmp_path)
    assert reader.quality().rows == 0
    assert reader.reporter.counts()["outcome"] == 1
    reader.close()
    assert files(tmp_path) == before


APPLICATION = """
from flask import Flask
from boxkite_flask import Boxkite

app = Flask(__name__)
app.config.update(FLASK_BOXKITE_STATE_DIR="state", FLASK_BOXKITE_OUTCOME_TTL="1d")
monitor = Boxkite(app, registry=None, baseline="histogram.prom")
"""
READ_ONLY = "mount --bind . . && mount -o remount,bind,ro . && cd . && ! touch state/x && exec"


@pytest.mark.slow
def test_the_command_shows_labels_of_a_service_on_a_read_only_file_system(
    tmp_path: Path, unshare: tuple[str, ...]
) -> None:
    BASELINE.write(tmp_path / "histogram.prom")
    (tmp_path / "app.py").write_text(APPLICATION)
    service = new_monitor(tmp_path / "state")
    label_some(service, 100)
    service.flush()
    before = files(tmp_path)
    command = f"{READ_ONLY} {sys.executable} -B -m flask boxkite quality --json"
    result = subprocess.run(
        [*unshare, "sh", "-c", command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 1, result.stderr
    shown = json.loads(result.stdout)
    assert (shown["model"], shown["rows"], shown["verdict"]) == ("m", 100, "worse")
    assert shown["segments"]["carrier=UA"]["rows"] == 50
    assert files(tmp_path) == before
    service.close()
