"""A counts file that another program cuts short is an error, and kills nobody."""

import gc
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from boxkite import Baseline, Monitor
from boxkite.live.counts import Counts
from boxkite.live.counts_file import CountsFile, CountsFileError, CountsReader, Progress
from boxkite.live.worker_folder import WorkerFolder
from boxkite.settings import Settings

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2, model="m", version="1")
SIZE = Counts.zero(BASELINE).byte_size


def _cut_short(path: Path) -> None:
    os.truncate(path, 0)


def _cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _overwrite_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"?" * 16)


damages = pytest.mark.parametrize("damage", [_cut_short, _cut_in_half, _overwrite_header])
Damage = Callable[[Path], None]


def test_whoever_has_the_file_open_gets_an_error(tmp_path: Path) -> None:
    path = tmp_path / "counts"
    writer = CountsFile(path, SIZE)
    writer.commit(bytes(SIZE), Progress())
    reader = CountsReader(path)
    os.truncate(path, 20)
    for file in (reader, writer):
        with pytest.raises(CountsFileError, match="was cut short while it was in use"):
            file.read()
    assert not writer.is_intact(path)


def test_nothing_is_written_to_another_file_that_got_the_descriptor_s_number(
    tmp_path: Path,
) -> None:
    file = CountsFile(tmp_path / "counts", SIZE)
    other = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    kept = os.dup(file._descriptor)
    os.dup2(other, file._descriptor)
    try:
        with pytest.raises(OSError, match="Another part of this program closed"):
            file._write(0, b"counts")
        assert (tmp_path / "other").read_bytes() == b""
    finally:
        os.dup2(kept, file._descriptor)
        os.close(kept)
        os.close(other)


def test_a_reader_neither_follows_a_link_nor_waits_for_a_pipe(tmp_path: Path) -> None:
    CountsFile(tmp_path / "counts", SIZE)
    (tmp_path / "link").symlink_to(tmp_path / "counts")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises((OSError, CountsFileError)):
            CountsReader(tmp_path / name, SIZE)


@damages
@pytest.mark.parametrize("file", ["worker-*/counts", "retired.counts"])
def test_a_worker_whose_counts_are_damaged_stores_them_again(
    file: str, damage: Damage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(state_dir=str(tmp_path), log="none:")

    def monitor() -> Monitor:
        return Monitor(BASELINE, settings=settings, registry=None)

    def predictions(*monitors: Monitor) -> list[int]:
        return [each._counts.totals().predictions for each in monitors]

    dead = monitor()
    dead.log_prediction([1.0])
    dead.close()
    del dead
    gc.collect()  # otherwise its worker is not dead yet
    one, two = monitor(), monitor()
    for each, number in ((one, 10), (two, 20)):
        for _ in range(number):
            each.log_prediction([1.0])
    assert predictions(one, two) == [31, 31]
    assert len(list(tmp_path.glob("*/worker-*"))) == 2
    for path in tmp_path.glob(f"*/{file}"):
        damage(path)
    for each in (one, two):
        each.log_prediction([1.0])
    # Each worker notices by itself. Until both have, no one shows less than before.
    assert min(predictions(one, two)) >= 31
    assert predictions(one, two) == [33, 33]
    assert "was deleted or damaged. Its counts are in a new folder." in caplog.text
    one.close()
    two.close()
    del one, two, each
    gc.collect()
    assert predictions(monitor()) == [33]


def test_a_sum_holds_the_counts_once_that_a_worker_moves_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(state_dir=str(tmp_path), log="none:")
    one, two = (Monitor(BASELINE, settings=settings, registry=None) for _ in range(2))
    one.log_prediction([1.0])
    (first,) = tmp_path.glob("*/worker-*")
    for _ in range(20):
        two.log_prediction([1.0])
    assert one._counts.totals().predictions == two._counts.totals().predictions == 21
    (former,) = {*tmp_path.glob("*/worker-*")} - {first}
    _overwrite_header(former / "counts")
    moving = threading.Thread(target=two._counts.totals)
    created, may_remove = threading.Event(), threading.Event()
    remove, read = shutil.rmtree, WorkerFolder.counts

    def remove_later(path: Path, **options: bool) -> None:
        # The new folder exists, but does not hold the counts yet.
        created.set()
        assert may_remove.wait(10)
        remove(path, **options)

    def read_and_wait(folder: WorkerFolder, baseline: Baseline) -> Counts:
        try:
            return read(folder, baseline)
        finally:
            if folder.path == former:
                may_remove.set()
                moving.join(10)

    monkeypatch.setattr(shutil, "rmtree", remove_later)
    monkeypatch.setattr(WorkerFolder, "counts", read_and_wait)
    moving.start()
    assert created.wait(10)
    assert one._counts.totals().predictions == 21
    assert not former.exists()
    one.close()
    two.close()
