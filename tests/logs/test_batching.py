"""Test where a batch ends, and when it is due."""

from datetime import UTC, datetime, timedelta

import pytest

from boxkite.logs.batching import Cut, cut_by_period, seconds_until_over

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(time: str | None) -> str | None:
    """Return the minute of a time such as "12:00:59". None stays None."""
    return time and f"2026-11-23T{time[:5]}"


@pytest.mark.parametrize(
    ("times", "number", "minute", "complete"),
    [
        ([], 0, "", False),
        (["12:00:00"], 1, "12:00", False),
        (["12:00:00", "12:00:59"], 2, "12:00", False),
        (["12:00:59", "12:01:00"], 1, "12:00", True),
        (["12:00:59", None, "12:01:00"], 2, "12:00", True),
        (["12:00:59", None], 2, "12:00", False),
        (["12:00:59", "11:58:00", "12:00:10", "12:01:00"], 3, "12:00", True),
        (["23:59:59", "00:00:00"], 2, "23:59", False),
    ],
)
def test_a_batch_ends_where_a_later_minute_begins(
    times: list[str | None], number: int, minute: str, complete: bool
) -> None:
    cut = cut_by_period([at(time) for time in times])
    assert cut == Cut(number, minute and f"2026-11-23T{minute}", complete)


@pytest.mark.parametrize("rest", [[], ["12:00:00"], ["12:00:00", None, "12:01:00"]])
def test_records_that_are_not_logged_and_come_first_are_a_batch_that_does_not_wait(
    rest: list[str | None],
) -> None:
    assert cut_by_period([None, None, *(at(time) for time in rest)]) == Cut(2, "", complete=True)


@pytest.mark.parametrize(
    ("passed", "wait"),
    [(0.0, 61.0), (0.25, 60.75), (60.5, 0.5), (61.0, 0.0), (3600.0, 0.0)],
)
def test_a_minute_is_over_a_second_after_its_end(passed: float, wait: float) -> None:
    now = NOON + timedelta(seconds=passed)
    assert seconds_until_over("2026-11-23T12:00", now) == pytest.approx(wait)
    later = NOON + timedelta(minutes=14, seconds=passed)
    assert seconds_until_over("2026-11-23T12:00", later, 15) == pytest.approx(wait)


def test_a_minute_in_the_future_is_not_waited_for() -> None:
    assert seconds_until_over("2026-11-23T12:00", NOON - timedelta(seconds=1)) == 0.0
