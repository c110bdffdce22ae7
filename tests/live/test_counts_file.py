"""Counts on disk: what was committed last is read whole, and damage leaves an older state."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxkite import Baseline
from boxkite.live.counts import Counts
from boxkite.live.counts_file import Committed, CountsFile, CountsFileError, Position, Progress

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2)
SIZE = Counts.zero(BASELINE).byte_size


def counts_of(predictions: int) -> Counts:
    """Counts that hold one number throughout, so that a mixture shows."""
    counts = Counts.zero(BASELINE)
    counts.cells[:] = counts.missing[:] = counts.sums[:] = counts.errors[:] = predictions
    counts.predictions = predictions
    return counts


def progress(number: int) -> Progress:
    return Progress(*(Position(number + i, 10 * number + i) for i in (2, 0, 1)))


def committed(sequence: int) -> Committed:
    content = counts_of(sequence).to_bytes()
    return Committed(sequence, progress(sequence), f"{sequence}", content)


def write(path: Path, commits: int) -> CountsFile:
    file = CountsFile(path, SIZE)
    for sequence in range(1, commits + 1):
        file.commit(counts_of(sequence).to_bytes(), progress(sequence), f"{sequence}")
    return file


def test_a_new_file_holds_nothing(tmp_path: Path) -> None:
    file = CountsFile(tmp_path / "counts", SIZE)
    assert (file.read(), file.sequence, file.repair()) == (None, 0, True)


@pytest.mark.parametrize("commits", [1, 2, 3, 8])
def test_the_last_commit_is_read_by_the_writer_and_by_others(commits: int, tmp_path: Path) -> None:
    file = write(tmp_path / "counts", commits)
    other = CountsFile(tmp_path / "counts", SIZE)
    assert file.read() == other.read() == committed(commits)
    assert file.sequence == other.sequence == commits
    assert (other.repair(), other.read()) == (True, committed(commits))


def test_counts_come_back_from_their_bytes(tmp_path: Path) -> None:
    file = CountsFile(tmp_path / "counts", SIZE)
    file.commit(counts_of(5).to_bytes(), Progress())
    found = file.read()
    assert found is not None
    counts = Counts.zero(BASELINE)
    counts.add_bytes(found.content)
    assert counts.to_bytes() == counts_of(5).to_bytes()
    assert (found.progress, found.merged) == (Progress(), "")


@pytest.mark.parametrize("size", [1, 15, 16, 200, 100_000])
def test_a_file_of_another_size_is_refused(size: int, tmp_path: Path) -> None:
    (tmp_path / "counts").write_bytes(bytes(size))
    with pytest.raises(CountsFileError, match="another baseline or format"):
        CountsFile(tmp_path / "counts", SIZE)


def test_a_file_of_another_format_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "counts", 1)
    content = bytearray((tmp_path / "counts").read_bytes())
    content[:4] = b"OLD1"
    (tmp_path / "counts").write_bytes(content)
    with pytest.raises(CountsFileError, match="not a counts file of format 5"):
        CountsFile(tmp_path / "counts", SIZE)
    assert (tmp_path / "counts").read_bytes() == content


def damaged(path: Path, place: int) -> Path:
    """Return a copy of a file with one byte flipped."""
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    copy = path.with_name("damaged")
    copy.write_bytes(content)
    return copy


def test_with_any_byte_flipped_the_last_state_or_the_one_before_is_found(tmp_path: Path) -> None:
    write(tmp_path / "counts", 4)
    states = []
    for place in range((tmp_path / "counts").stat().st_size):
        try:
            file = CountsFile(damaged(tmp_path / "counts", place), SIZE)
        except CountsFileError:
            assert place < 8
            continue
        unrepaired = file.read()
        sound = file.repair()
        found = file.read()
        assert found in (committed(3), committed(4))
        assert unrepaired in (found, committed(3), None)
        assert sound == (unrepaired is not None)
        states.append(found)
        file.commit(counts_of(9).to_bytes(), progress(9), "9")
        after = file.read()
        assert after == Committed(found.sequence + 1, progress(9), "9", after.content)
        assert after.content == counts_of(9).to_bytes()
    # Of the active slot all but its padding counts.
    assert states.count(committed(3)) == SIZE + 92


def test_a_file_damaged_in_both_slots_begins_anew(tmp_path: Path) -> None:
    file = write(tmp_path / "counts", 2)
    content = bytearray((tmp_path / "counts").read_bytes())
    content[-1] ^= 0xFF
    content[16 + (len(content) - 16) // 2 - 1] ^= 0xFF
    (tmp_path / "counts").write_bytes(content)
    del file
    reopened = CountsFile(tmp_path / "counts", SIZE)
    assert (reopened.read(), reopened.sequence) == (None, 2)
    assert (reopened.repair(), reopened.read(), reopened.sequence) == (False, None, 0)
    reopened.commit(counts_of(1).to_bytes(), progress(1), "1")
    assert reopened.read() == committed(1)


def test_a_commit_that_was_cut_short_is_as_if_it_had_not_begun(tmp_path: Path) -> None:
    write(tmp_path / "counts", 3)
    before = (tmp_path / "counts").read_bytes()
    write(tmp_path / "after", 4)
    after = (tmp_path / "after").read_bytes()
    # The commit writes the idle slot, which is the first one, from its beginning to its end.
    half = 16 + (len(before) - 16) // 2
    for end in range(16, half + 1):
        content = before[:16] + after[16:end] + before[end:]
        (tmp_path / "torn").write_bytes(content)
        torn = CountsFile(tmp_path / "torn", SIZE)
        assert torn.read() == committed(3)
        assert torn.repair()
        complete = content[16:half] == after[16:half]
        assert torn.read() == committed(4 if complete else 3)


@settings(max_examples=2 * settings.default.max_examples)
@given(data=st.data())
def test_whatever_the_bytes_nothing_is_read_whose_crc_does_not_fit(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / f"counts-{os.getpid()}"
    path.unlink(missing_ok=True)
    write(path, 1)
    size = path.stat().st_size
    tail = data.draw(st.binary(min_size=size - 8, max_size=size - 8))
    path.write_bytes(path.read_bytes()[:8] + tail)
    file = CountsFile(path, SIZE)
    assert file.read() is None
    file.repair()
    assert (file.read(), file.sequence) == (None, 0)


def _commit_forever(path: Path, ready: "multiprocessing.synchronize.Event") -> None:
    file = CountsFile(path, SIZE)
    sequence = 0
    while True:
        sequence += 1
        file.commit(counts_of(sequence).to_bytes(), progress(sequence), f"{sequence}")
        ready.set()


def test_a_reader_beside_a_busy_writer_sees_whole_states_and_none_before_the_last(
    tmp_path: Path,
) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(
        target=_commit_forever, args=(tmp_path / "counts", ready), daemon=True
    )
    process.start()
    try:
        assert ready.wait(60)
        file = CountsFile(tmp_path / "counts", SIZE)
        last = 0
        for _ in range(5000):
            found = file.read()
            assert found is not None
            assert found.sequence >= last
            assert found == committed(found.sequence)
            last = found.sequence
        assert last > 1
    finally:
        process.kill()
        process.join()
