"""Failures of monitoring are counted by stage, told now and then, and raised where asked for."""

import logging

import pytest

from boxkite.error_reporter import STAGES, ErrorReporter, LastingError


class HostileError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_every_stage_is_there_from_the_start() -> None:
    assert ErrorReporter().counts() == dict.fromkeys(STAGES, 0)


def test_failures_are_counted_each_and_told_once_for_a_stage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reporter = ErrorReporter()
    for _ in range(3):
        reporter.report("log", OSError("full"), "the log")
    reporter.report("output", ValueError())
    assert messages(caplog) == [
        "boxkite log: the log: full (1 so far)",
        "boxkite output: ValueError (1 so far)",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert reporter.counts() == {**dict.fromkeys(STAGES, 0), "log": 3, "output": 1}


def test_after_a_minute_it_is_told_again_with_all_that_came_between(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = ErrorReporter()
    for now in (0.0, 59.9, 60.0, 119.9):
        monkeypatch.setattr("boxkite.error_reporter.time.monotonic", lambda now=now: now)
        reporter.count("log", OSError("full"))
    assert messages(caplog) == ["boxkite log: full (1 so far)", "boxkite log: full (3 so far)"]


def test_an_error_is_told_on_one_line_of_bounded_length(caplog: pytest.LogCaptureFixture) -> None:
    reporter = ErrorReporter()
    reporter.count("log", ValueError("two\nlines\r\n\tof text"))
    reporter.count("output", ValueError("x" * 10_000_000))
    reporter.count("features", HostileError())
    assert messages(caplog) == [
        "boxkite log: two lines of text (1 so far)",
        f"boxkite output: {'x' * 1000} … (1 so far)",
        "boxkite features: HostileError (1 so far)",
    ]


def test_a_reported_failure_is_counted_and_then_raised_where_that_is_asked_for() -> None:
    reporter = ErrorReporter(lambda: True)
    with pytest.raises(OSError, match=r"^full$"):
        reporter.report("log", OSError("full"))
    reporter.count("log", OSError("full"))
    assert reporter.counts()["log"] == 2


def test_a_lasting_failure_is_counted_and_told_once_whatever_the_stage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reporter = ErrorReporter()
    reporter.count("journal", OSError("full"))
    for _ in range(3):
        reporter.count("journal", LastingError("folder one"))
        reporter.count("log", LastingError("folder one"))
        reporter.count("log", LastingError("folder two"))
    reporter.after_fork()
    reporter.count("log", LastingError("folder one"))
    assert messages(caplog) == [
        "boxkite journal: full (1 so far)",
        "boxkite journal: folder one (2 so far)",
        "boxkite log: folder two (1 so far)",
    ]
    assert reporter.counts() == dict.fromkeys(STAGES, 0)


def test_a_lasting_failure_is_told_again_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    reporter = ErrorReporter()
    for now, count in ((0.0, 1), (86_399.0, 1), (86_400.0, 2), (100_000.0, 2)):
        monkeypatch.setattr("boxkite.error_reporter.time.monotonic", lambda now=now: now)
        reporter.count("journal", LastingError("folder"))
        assert reporter.counts()["journal"] == count


def test_the_memory_of_lasting_failures_is_bounded() -> None:
    reporter = ErrorReporter()
    for number in range(5000):
        reporter.count("journal", LastingError(f"folder {number}"))
    assert len(reporter._lasting) == 1000
    reporter.count("journal", LastingError("folder 4999"))
    assert reporter.counts()["journal"] == 5000
