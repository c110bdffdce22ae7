"""Counts at the full hours: written once, found by a moment, dropped after a week."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.live.counts import Counts
from boxkite.live.history import History

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def counts_of(predictions: int) -> Counts:
    counts = Counts.zero(BASELINE)
    counts.cells[:] = counts.predictions = predictions
    return counts


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Hours 12, 13 and 17 of a day, with 12, 13 and 17 predictions."""
    history = History(tmp_path, BASELINE)
    for hour in (12, 13, 17):
        for minutes, more in ((5, 0), (50, 100)):
            moment = NOON + (hour - 12) * HOUR + timedelta(minutes=minutes)
            history.keep(counts_of(hour + more), moment)
    return history


@pytest.mark.parametrize(
    ("moment", "hour", "predictions"),
    [
        (NOON, 12, 12),
        (NOON + 0.9 * HOUR, 12, 12),
        (NOON + 1.5 * HOUR, 13, 13),
        (NOON + 4.9 * HOUR, 13, 13),
        (NOON + 30 * HOUR, 17, 17),
        (NOON - 30 * HOUR, 12, 12),
    ],
)
def test_the_hour_before_a_moment_is_found(
    moment: datetime, hour: int, predictions: int, history: History
) -> None:
    found, counts = history.at(moment)
    assert (found, counts.predictions) == (NOON + (hour - 12) * HOUR, predictions)
    assert counts.to_bytes() == counts_of(predictions).to_bytes()


@pytest.mark.parametrize(("since", "hours"), [(12, [12, 13, 17]), (13, [13, 17]), (18, [])])
def test_hours_are_read_from_one_on(since: int, hours: list[int], history: History) -> None:
    found = history.hours(NOON + (since - 12) * HOUR)
    assert [(hour.hour, counts.predictions) for hour, counts in found] == [(h, h) for h in hours]


def test_another_worker_does_not_write_an_hour_again(tmp_path: Path) -> None:
    for worker in range(3):
        History(tmp_path, BASELINE).keep(counts_of(worker), NOON)
    found = History(tmp_path, BASELINE).hours()
    assert [(hour, counts.predictions) for hour, counts in found] == [(NOON, 0)]


def test_what_is_older_than_eight_days_goes(history: History, tmp_path: Path) -> None:
    history.keep(counts_of(200), NOON + timedelta(days=8, hours=3))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "hour-20261123T17",
        "hour-20261201T15",
    ]


@pytest.mark.parametrize("ahead", [timedelta(days=1), timedelta(hours=2)])
def test_a_clock_that_was_ahead_for_a_moment_leaves_no_hour(
    ahead: timedelta, history: History, tmp_path: Path
) -> None:
    history.keep(counts_of(20), NOON + 6 * HOUR + ahead)
    history.keep(counts_of(20), NOON + 6 * HOUR)
    assert [hour.hour for hour, _ in history.hours()] == [12, 13, 17, 18]
    later = NOON + 6 * HOUR + ahead
    History(tmp_path, BASELINE).keep(counts_of(50), later)
    found, counts = history.at(later)
    assert (found, counts.predictions) == (later, 50)


def test_a_file_of_the_next_hour_stays_if_clocks_differ_by_seconds(history: History) -> None:
    history.keep(counts_of(20), NOON + 6 * HOUR)
    history.keep(counts_of(20), NOON + 6 * HOUR - timedelta(seconds=3))
    assert [hour.hour for hour, _ in history.hours()] == [12, 13, 17, 18]


@pytest.mark.parametrize("content", [b"", b"x" * 30, None])
def test_a_damaged_hour_is_passed_over(
    content: bytes | None, history: History, tmp_path: Path
) -> None:
    path = tmp_path / "hour-20261123T13"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if content is None else content)
    found, counts = history.at(NOON + 2 * HOUR)
    assert (found, counts.predictions) == (NOON, 12)


def test_without_any_hour_nothing_is_taken_off(tmp_path: Path) -> None:
    found, counts = History(tmp_path, BASELINE).at(NOON)
    assert (found, counts.predictions) == (NOON, 0)


def test_a_count_that_began_anew_is_taken_whole() -> None:
    assert counts_of(5).since(counts_of(3)).to_bytes() == counts_of(2).to_bytes()
    assert counts_of(3).since(counts_of(5)).to_bytes() == counts_of(3).to_bytes()


@pytest.mark.parametrize(
    ("start", "end", "predictions"),
    [
        (12, 13, 1),
        (12, 17, 5),
        (12.5, 17, 4),
        (13, 17, 4),
        (14, 17, 0),  # without a file there was no prediction until the next one
        (17, 17, 0),
        (2, 17, 5),  # since the first hour that is kept
        (12, 16, None),
        (18, 19, None),
    ],
)
def test_what_was_counted_between_two_hours_is_found(
    start: float, end: int, predictions: int | None, history: History
) -> None:
    found = history.between(NOON + (start - 12) * HOUR, NOON + (end - 12) * HOUR)
    assert (None if found is None else found.predictions) == predictions


def test_an_hour_is_told_once_to_the_worker_that_found_it(tmp_path: Path) -> None:
    first, second = (History(tmp_path, BASELINE) for _ in range(2))
    for worker in (first, second):
        worker.keep(counts_of(1), NOON + timedelta(minutes=31))
    assert [each.take_begun() for each in (second, first, first)] == [None, NOON, None]


def test_a_damaged_hour_tells_of_no_window(tmp_path: Path, history: History) -> None:
    (tmp_path / "hour-20261123T12").write_bytes(b"damaged")
    assert history.between(NOON, NOON + HOUR) is None
    assert history.between(NOON + HOUR, NOON + 5 * HOUR) is not None
