"""The journal is written to the disk at intervals, where that is asked for."""

import mmap
import os
import time
from pathlib import Path

import pytest

from boxkite import Baseline, Monitor, Settings
from boxkite.live import segment


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the maps and files that were written to the disk."""
    sizes: list[int] = []

    class Recorded(mmap.mmap):
        def flush(self, *arguments: int) -> None:
            super().flush(*arguments)
            sizes.append(len(self))

    fsync = os.fsync

    def recorded(descriptor: int) -> None:
        fsync(descriptor)
        sizes.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(segment.mmap, "mmap", Recorded)
    monkeypatch.setattr(os, "fsync", recorded)
    return sizes


def _log_one(folder: Path, seconds: float) -> Monitor:
    settings = Settings(state_dir=str(folder), state_sync_seconds=seconds, log="none:")
    monitor = Monitor(Baseline.fit({"a": range(50)}), settings=settings, registry=None)
    monitor.log_prediction([1])
    return monitor


def test_journal_and_counts_reach_the_disk_without_further_traffic(
    tmp_path: Path, flushed: list[int]
) -> None:
    monitor = _log_one(tmp_path, 0.3)
    deadline = time.monotonic() + 10
    while len(flushed) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    monitor.close()
    files = [*tmp_path.glob("*/worker-*/journal-*"), *tmp_path.glob("*/worker-*/counts")]
    assert set(flushed) == {path.stat().st_size for path in files}


def test_without_the_setting_the_system_decides(tmp_path: Path, flushed: list[int]) -> None:
    monitor = _log_one(tmp_path, 0.0)
    time.sleep(0.5)
    monitor.close()
    assert flushed == []
