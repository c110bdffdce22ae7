"""Failures of monitoring are counted by stage, told now and then, and raised where asked for."""

import logging

import pytest

from boxkite.trouble import STAGES, Trouble


class HostileError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_every_stage_is_there_from_the_start() -> None:
    assert Trouble().counts() == dict.fromkeys(STAGES, 0)


def test_failures_are_counted_each_and_told_once_for_a_stage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trouble = Trouble()
    for _ in range(3):
        trouble.report("log", OSError("full"), "the log")
    trouble.report("output", ValueError())
    assert messages(caplog) == [
        "boxkite log: the log: full (1 so far)",
        "boxkite output: ValueError (1 so far)",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert trouble.counts() == {**dict.fromkeys(STAGES, 0), "log": 3, "output": 1}


def test_after_a_minute_it_is_told_again_with_all_that_came_between(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = Trouble()
    for now in (0.0, 59.9, 60.0, 119.9):
        monkeypatch.setattr("boxkite.trouble.time.monotonic", lambda now=now: now)
        trouble.count("log", OSError("full"))
    assert messages(caplog) == ["boxkite log: full (1 so far)", "boxkite log: full (3 so far)"]


def test_an_error_is_told_on_one_line_of_bounded_length(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    trouble.count("log", ValueError("two\nlines\r\n\tof text"))
    trouble.count("output", ValueError("x" * 10_000_000))
    trouble.count("features", HostileError())
    assert messages(caplog) == [
        "boxkite log: two lines of text (1 so far)",
        f"boxkite output: {'x' * 1000} … (1 so far)",
        "boxkite features: HostileError (1 so far)",
    ]


def test_a_reported_failure_is_counted_and_then_raised_where_that_is_asked_for() -> None:
    trouble = Trouble(lambda: True)
    with pytest.raises(OSError, match=r"^full$"):
        trouble.report("log", OSError("full"))
    trouble.count("log", OSError("full"))
    assert trouble.counts()["log"] == 2
