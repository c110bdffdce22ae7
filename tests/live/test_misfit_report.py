"""Values that do not fit are logged once a minute, with their type and never with the value."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, Monitor
from boxkite.settings import Settings
from boxkite.system.background import Background

FEATURES: dict[str, Any] = {
    "age": np.arange(1000.0),
    "colour": ["red", "blue"] * 500,
    "rare": [None] * 900 + [1.0] * 100,
}
BASELINE = Baseline.fit(FEATURES, {"score": np.arange(1000.0)})
FITS = {"age": 1, "colour": "red"}


@pytest.fixture(autouse=True)
def _no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests decide when the background looks."""
    for name in ("ask", "hurry"):
        monkeypatch.setattr(Background, name, lambda _: None)


@pytest.fixture
def told(tmp_path: Any, caplog: pytest.LogCaptureFixture) -> Callable[..., list[str]]:
    """Give a function that counts rows in a new monitor and returns the logged lines."""

    def lines(*rows: Any, output: Any = 1, **settings: Any) -> list[str]:
        given = Settings(state_dir=str(tmp_path), log="none:", **settings)
        monitor = Monitor(BASELINE, settings=given, registry=None)
        for row in rows:
            monitor.log_prediction(row, output)
        monitor._counter.run_in_background()
        monitor.close()
        found = [each.getMessage() for each in caplog.records]
        caplog.clear()
        return [line for line in found if "values:" in line]

    return lines


class Odd:
    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Any:
        return iter("secret")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"age": "4.92 EUR"}, "feature 'age' are invalid, for example text instead of a number"),
        ({"age": [1]}, "feature 'age' are invalid, for example a list instead of a number"),
        ({"age": {"x": 1}}, "feature 'age' are invalid, for example an object instead of a number"),
        ({"age": Odd()}, "feature 'age' are invalid, for example Odd instead of a number"),
        ({"colour": [1]}, "feature 'colour' are invalid, for example a list instead of a category"),
    ],
)
def test_an_invalid_value_is_logged_with_its_type(
    row: dict[str, Any], problem: str, told: Callable[..., list[str]]
) -> None:
    assert told(FITS, FITS | row) == [f"boxkite values: 1 of 2 values of {problem}"]


def test_an_invalid_output_is_logged(told: Callable[..., list[str]]) -> None:
    problem = "1 of 1 values of output 'score' are invalid, for example text instead of a number"
    assert told(FITS, output="high") == [f"boxkite values: {problem}"]


def test_not_even_the_type_of_a_redacted_value_is_logged(told: Callable[..., list[str]]) -> None:
    (line,) = told(FITS | {"age": "secret"}, log_redact=("age",))
    assert line.endswith("are invalid, for example a redacted value instead of a number")


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([{"age": 1}], "feature 'colour' is missing in 1 of 1 rows, but training had it in 100 %"),
        ([{"colour": "red", "age": None}], "feature 'age' is missing in 1 of 1 rows, but training"),
        ([FITS, {"age": 1}], "feature 'colour' is missing in 1 of 2 rows, but training had it in"),
        ([FITS, FITS, {"age": 1}], None),
        ([FITS], None),
        ([None, {}], None),
        ([[1, 2]], None),
    ],
    ids=["absent", "null", "half", "a third", "rare", "whole rows", "another width"],
)
def test_a_feature_that_training_had_is_logged_if_it_is_missing(
    rows: list[Any], problem: str | None, told: Callable[..., list[str]]
) -> None:
    found = told(*rows)
    assert len(found) == (problem is not None)
    assert all(line.startswith(f"boxkite values: {problem}") for line in found)


def test_misfits_are_logged_once_a_minute_and_none_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Any
) -> None:
    monitor = Monitor(
        BASELINE, settings=Settings(state_dir=str(tmp_path), log="none:"), registry=None
    )
    now = time.monotonic()
    for seconds in (0, 1, 59, 61, 62):
        monkeypatch.setattr("boxkite.live.misfit_report.time.monotonic", lambda: now + seconds)  # noqa: B023
        monitor.log_prediction({**FITS, "age": "old"}, 1)
        monitor._counter.run_in_background()
    monkeypatch.undo()
    monitor.close()
    lines = [each.getMessage() for each in caplog.records if "values:" in each.getMessage()]
    assert [line[: len("boxkite values: 1 of 1")] for line in lines] == [
        "boxkite values: 1 of 1",
        "boxkite values: 3 of 3",
    ]


def test_many_misfits_are_one_line(told: Callable[..., list[str]]) -> None:
    (line,) = told({"age": "x", "colour": [1], "rare": "y"}, output="z")
    assert line.count(";") == 3


@pytest.mark.parametrize(
    ("segments", "problem"),
    [
        (
            None,
            ["segment 'country' is missing in 20 of 20 rows, but training had it in 100 %; pass"],
        ),
        ({"country": ["no category"]}, ["segment 'country' is missing in 20 of 20 rows"]),
        ({"country": "unseen"}, []),
    ],
)
def test_a_segment_column_that_is_not_passed_is_told(
    tmp_path: Any, caplog: pytest.LogCaptureFixture, segments: Any, problem: list[str]
) -> None:
    fitted = Baseline.fit({"x": np.arange(1000.0)}, segments={"country": ["DE", "FR"] * 500})
    settings = Settings(state_dir=str(tmp_path), log="none:")
    monitor = Monitor(fitted, settings=settings, registry=None)
    for _ in range(20):
        monitor.log_prediction([1.0], segments=None if segments is None else [segments])
    monitor._counter.run_in_background()
    monitor.close()
    lines = [each.getMessage() for each in caplog.records if "values:" in each.getMessage()]
    assert len(lines) == len(problem)
    assert all(part in line for part, line in zip(problem, lines, strict=True))
